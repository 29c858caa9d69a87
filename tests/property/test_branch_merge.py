"""A merge of two lines of history is what a merge of two dictionaries would be, key by key."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.errors import ConflictError
from engine.session import connect, create_lake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.session import Session

BASE = 8
Op = tuple[str, int]
Table = dict[int, int]

op = st.tuples(
    st.sampled_from(["put", "add", "delete", "again", "compact"]), st.integers(0, BASE + 4)
)
side = st.lists(op, max_size=6)


def sql(op: Op, mark: int) -> str:
    word, key = op
    return {
        "put": f"UPSERT INTO t VALUES ({key}, {mark})",
        "add": f"UPDATE t SET v = v + {mark} WHERE k IN ({key}, {key + 1})",
        "delete": f"DELETE FROM t WHERE k BETWEEN {key} AND {key + 1}",
        "again": f"BEGIN; DELETE FROM t WHERE k = {key}; INSERT INTO t VALUES ({key}, {mark}); COMMIT",
        "compact": "COMPACT t",
    }[word]


def apply(op: Op, mark: int, table: Table, touched: set[int]) -> None:
    """Do to a dictionary what a statement does to the table, and note the keys it touches."""
    word, key = op
    match word:
        case "put" | "again":
            table[key] = mark
            touched.add(key)
        case "add":
            for k in {key, key + 1} & table.keys():
                table[k] += mark
                touched.add(k)
        case "delete":
            for k in {key, key + 1} & table.keys():
                del table[k]
                touched.add(k)


def run(session: Session, text: str) -> None:
    for result in session.run(text):
        result.spool()


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    lake = tmp_path_factory.mktemp("merge") / "lake"
    create_lake(lake)
    with closing(connect(lake)) as opened:
        run(opened, "SELECT count(*) FROM grizzly.tables")
        yield opened


def check(session: Session, main: list[Op], branch: list[Op], prefer: str) -> None:
    if session.in_transaction:
        run(session, "ROLLBACK")
    run(session, "USE BRANCH main; DROP BRANCH IF EXISTS b")
    run(session, "CREATE OR REPLACE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)")
    for part in range(0, BASE, 2):
        run(session, f"INSERT INTO t VALUES ({part}, 0), ({part + 1}, 0)")
    base = dict.fromkeys(range(BASE), 0)
    run(session, "CREATE BRANCH b")
    ends: list[Table] = []
    changed: list[set[int]] = []
    for name, ops, mark in (("main", main, 100), ("b", branch, 1)):
        run(session, f"USE BRANCH {name}")
        table, touched = dict(base), set[int]()
        for one in ops:
            apply(one, mark, table, touched)
            run(session, sql(one, mark))
        ends.append(table)
        changed.append({k for k in touched if k in base or k in table})
    run(session, "USE BRANCH main")
    both = changed[0] & changed[1]
    ending = "" if prefer == "fail" else f" ON CONFLICT {prefer}"
    if both and prefer == "fail":
        with pytest.raises(ConflictError):
            run(session, "MERGE BRANCH b")
        expected = ends[0]
    else:
        run(session, f"MERGE BRANCH b{ending}")
        expected = dict(ends[0])
        for key in changed[1] - (both if prefer == "ours" else set()):
            expected.pop(key, None)
            if key in ends[1]:
                expected[key] = ends[1][key]
    found = next(iter(session.run("SELECT k, v FROM t"))).table().to_pylist()
    assert {row["k"]: row["v"] for row in found} == expected
    assert len(found) == len(expected)


@settings(max_examples=8, deadline=None)
@example([("delete", 0)], [("again", 0)], "ours")
@example([("again", 0)], [("delete", 0)], "theirs")
@given(side, side, st.sampled_from(["fail", "ours", "theirs"]))
def test_a_merge_is_made_key_by_key(
    session: Session, main: list[Op], branch: list[Op], prefer: str
) -> None:
    check(session, main, branch, prefer)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(side, side, st.sampled_from(["fail", "ours", "theirs"]))
def test_many_merges_are_made_key_by_key(
    session: Session, main: list[Op], branch: list[Op], prefer: str
) -> None:
    check(session, main, branch, prefer)
