"""Whatever transactions do at once, the order of their commits explains what each of them saw.

Random small histories of three sessions are run as they come; those transactions that committed are then
run one after the other on a dictionary. Each must have read the same, and the table must end the same.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import ConflictError
from engine.session import connect, create_lake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.session import Session

KEYS = 6
Op = tuple[str, int, int]
Table = dict[int, int]

key = st.integers(0, KEYS - 1)
op = st.tuples(
    st.sampled_from(["sum", "sum", "count", "put", "copy", "delete", "insert", "compact"]), key, key
)
history = st.lists(st.tuples(st.integers(0, 2), op), min_size=4, max_size=14)


def sql(op: Op) -> str:
    word, a, b = op
    return {
        "sum": f"SELECT coalesce(sum(v), 0) FROM t WHERE k BETWEEN {a} AND {b}",
        "count": "SELECT count(*) FROM t",
        "put": f"UPSERT INTO t VALUES ({a}, {b})",
        "copy": f"UPDATE t SET v = (SELECT coalesce(sum(v), 0) FROM t WHERE k >= {b}) WHERE k = {a}",
        "delete": f"DELETE FROM t WHERE k BETWEEN {a} AND {b}",
        "insert": f"INSERT OR IGNORE INTO t VALUES ({a}, 1)",
        "compact": "COMPACT t",
    }[word]


def apply(op: Op, table: Table) -> int | None:
    """Do to a dictionary what a statement does to the table; return what it reads."""
    word, a, b = op
    match word:
        case "sum":
            return sum(v for k, v in table.items() if a <= k <= b)
        case "count":
            return len(table)
        case "put":
            table[a] = b
        case "copy" if a in table:
            table[a] = sum(v for k, v in table.items() if k >= b)
        case "delete":
            for k in [k for k in table if a <= k <= b]:
                del table[k]
        case "insert":
            table.setdefault(a, 1)
    return None


def perform(session: Session, text: str) -> int | None:
    found: int | None = None
    for result in session.run(text):
        if result.kind == "rows":
            found = int(result.table().column(0)[0].as_py())
    return found


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Session]]:
    lake: Path = tmp_path_factory.mktemp("serial") / "lake"
    create_lake(lake)
    with ExitStack() as stack:
        opened = [stack.enter_context(closing(connect(lake))) for _ in range(3)]
        for session in opened:
            perform(session, "SELECT count(*) FROM grizzly.tables")
        yield opened


def check(sessions: list[Session], steps: list[tuple[int, Op]]) -> None:
    for session in sessions:
        if session.in_transaction:
            perform(session, "ROLLBACK")
    first = sessions[0]
    perform(first, "CREATE OR REPLACE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)")
    perform(first, f"INSERT INTO t SELECT i, 10 * i FROM range({KEYS // 2}) r(i)")
    table = {k: 10 * k for k in range(KEYS // 2)}
    done: dict[int, list[tuple[Op, int | None]]] = {}
    last = {who: n for n, (who, _) in enumerate(steps)}
    for n, (who, op) in enumerate(steps):
        session = sessions[who]
        if who not in done:
            perform(session, "BEGIN")
            done[who] = []
        done[who].append((op, perform(session, sql(op))))
        if last[who] != n:
            continue
        try:
            (committed,) = session.run("COMMIT")
        except ConflictError:
            continue
        # One that wrote nothing read one version, and comes before all that came after it.
        if committed.version is not None:
            for one, seen in done[who]:
                assert apply(one, table) == seen, (who, one)
    found = next(iter(first.run("SELECT k, v FROM t"))).table().to_pylist()
    assert {row["k"]: row["v"] for row in found} == table
    assert len(found) == len(table)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history)
def test_commits_explain_what_was_read(
    sessions: list[Session], steps: list[tuple[int, Op]]
) -> None:
    check(sessions, steps)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(history)
def test_commits_explain_what_was_read_in_many_histories(
    sessions: list[Session], steps: list[tuple[int, Op]]
) -> None:
    check(sessions, steps)
