"""Branches: what they see, what a merge brings, and what stays apart."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

import grizzly
from engine.errors import ConflictError
from engine.session import connect, create_lake
from tests.unit.session.test_transaction import rows, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.session import Session


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    create_lake(tmp_path / "lake")
    return tmp_path / "lake"


@pytest.fixture
def pair(lake: Path) -> Iterator[tuple[Session, Session]]:
    """Two sessions: on main, and on a branch of it."""
    with ExitStack() as stack:
        main = stack.enter_context(closing(connect(lake)))
        run(main, "CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)")
        run(main, "INSERT INTO t SELECT i, 0 FROM range(10) r(i)")
        run(main, "CREATE BRANCH b")
        yield main, stack.enter_context(closing(connect(lake, branch="b")))


ALL = "SELECT * FROM t ORDER BY k"


@pytest.mark.parametrize("compacts", ["main", "branch", "both"])
def test_a_merge_follows_rows_through_compaction(
    pair: tuple[Session, Session], compacts: str
) -> None:
    main, branch = pair
    for i in range(20, 30):
        run(main, f"INSERT INTO t VALUES ({i}, 0)")
    run(main, "MERGE BRANCH b")
    run(branch, "UPDATE t SET v = 1 WHERE k IN (1, 21); DELETE FROM t WHERE k = 22")
    run(main, "UPDATE t SET v = 2 WHERE k IN (2, 23); DELETE FROM t WHERE k = 24")
    if compacts in ("main", "both"):
        run(main, "COMPACT t")
    if compacts in ("branch", "both"):
        run(branch, "COMPACT t")
    run(main, "MERGE BRANCH b")
    values = {1: 1, 21: 1, 2: 2, 23: 2}
    keys = [k for k in (*range(10), *range(20, 30)) if k not in (22, 24)]
    assert rows(main, ALL) == [(k, values.get(k, 0)) for k in keys]
    assert rows(branch, ALL) == rows(main, ALL)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("UPDATE t SET v = 1 WHERE k = 1", "UPDATE t SET v = 2 WHERE k = 1"),
        ("UPDATE t SET v = 1 WHERE k = 1", "DELETE FROM t WHERE k = 1"),
        ("DELETE FROM t WHERE k = 1", "UPDATE t SET v = 2 WHERE k = 1"),
        ("INSERT INTO t VALUES (50, 1)", "INSERT INTO t VALUES (50, 2)"),
        ("INSERT INTO t VALUES (50, 1)", "UPSERT INTO t VALUES (50, 2), (51, 2)"),
        ("DROP TABLE t", "INSERT INTO t VALUES (50, 2)"),
        ("INSERT INTO t VALUES (50, 2)", "DROP TABLE t"),
        ("ALTER TABLE t ADD COLUMN a INTEGER", "ALTER TABLE t ADD COLUMN b INTEGER"),
        ("CREATE VIEW w AS SELECT 1 AS a", "CREATE VIEW w AS SELECT 2 AS a"),
    ],
)
def test_what_both_changed_is_told_and_nothing_merged(
    pair: tuple[Session, Session], theirs: str, ours: str
) -> None:
    main, branch = pair
    run(branch, f"{theirs}; CREATE TABLE other (a INTEGER)")
    run(main, ours)
    before = rows(main, "SELECT name FROM grizzly.tables ORDER BY name")
    with pytest.raises(ConflictError):
        run(main, "MERGE BRANCH b")
    assert rows(main, "SELECT name FROM grizzly.tables ORDER BY name") == before


@pytest.mark.parametrize("prefer", ["OURS", "THEIRS"])
def test_one_side_wins_row_by_row(pair: tuple[Session, Session], prefer: str) -> None:
    main, branch = pair
    run(branch, "UPDATE t SET v = 1 WHERE k < 4; INSERT INTO t VALUES (50, 1), (51, 1)")
    run(main, "UPDATE t SET v = 2 WHERE k > 1; INSERT INTO t VALUES (50, 2), (52, 2)")
    run(main, f"MERGE BRANCH b ON CONFLICT {prefer}")
    won = 2 if prefer == "OURS" else 1
    expected = {0: 1, 1: 1, 2: won, 3: won, **dict.fromkeys(range(4, 10), 2)}
    assert dict(rows(main, ALL)) == {**expected, 50: won, 51: 1, 52: 2}


def test_a_column_added_on_one_side_and_rows_on_the_other(pair: tuple[Session, Session]) -> None:
    main, branch = pair
    run(
        branch,
        "ALTER TABLE t ADD COLUMN note VARCHAR DEFAULT 'x'; UPDATE t SET note = 'y' WHERE k = 0",
    )
    run(main, "INSERT INTO t VALUES (50, 5); UPDATE t SET v = 3 WHERE k = 1")
    run(main, "MERGE BRANCH b")
    found = rows(main, "SELECT * FROM t WHERE k IN (0, 1, 50) ORDER BY k")
    assert found == [(0, 0, "y"), (1, 3, "x"), (50, 5, "x")]


def test_writers_of_one_branch_meet_as_on_main(lake: Path, pair: tuple[Session, Session]) -> None:
    main, branch = pair
    with closing(connect(lake, branch="b")) as other:
        run(branch, "BEGIN; UPDATE t SET v = 1 WHERE k = 1")
        run(main, "UPDATE t SET v = 9 WHERE k = 1")
        run(other, "UPDATE t SET v = 2 WHERE k = 2")
        run(branch, "COMMIT")
        run(branch, "BEGIN; UPDATE t SET v = 3 WHERE k = 3")
        run(other, "UPDATE t SET v = 4 WHERE k = 3")
        with pytest.raises(ConflictError):
            run(branch, "COMMIT")
    assert rows(main, "SELECT sum(v) FROM t") == [(9,)]
    assert rows(branch, "SELECT sum(v) FROM t") == [(7,)]


def test_a_dropped_branch_is_no_place_to_write(pair: tuple[Session, Session]) -> None:
    main, branch = pair
    run(branch, "BEGIN; UPDATE t SET v = 1 WHERE k = 1")
    run(main, "DROP BRANCH b")
    with pytest.raises(ConflictError):
        run(branch, "COMMIT")
    with pytest.raises(Exception, match="there is no branch"):
        rows(branch, ALL)
    assert rows(main, "SELECT * FROM grizzly.branches") == []


def test_a_branch_of_a_branch_begins_with_its_changes(pair: tuple[Session, Session]) -> None:
    main, branch = pair
    run(branch, "DELETE FROM t WHERE k > 2")
    run(branch, "CREATE BRANCH c; USE BRANCH c; DELETE FROM t WHERE k = 0; USE BRANCH b")
    assert rows(branch, ALL) == [(0, 0), (1, 0), (2, 0)]
    run(main, "MERGE BRANCH c")
    assert rows(main, ALL) == [(1, 0), (2, 0)]


@pytest.mark.parametrize("key", ["PRIMARY KEY", ""])
@pytest.mark.parametrize("compacts", [False, True])
def test_what_two_branches_share_comes_once(
    pair: tuple[Session, Session], key: str, compacts: bool
) -> None:
    main, branch = pair
    run(main, f"CREATE TABLE u (k INTEGER {key}); INSERT INTO u VALUES (0); MERGE BRANCH b")
    for i in range(1, 9):
        run(branch, f"INSERT INTO u VALUES ({i})")
    run(branch, "CREATE BRANCH c; INSERT INTO u VALUES (9)")
    run(main, "MERGE BRANCH c")
    if compacts:
        run(main, "COMPACT u")
    run(main, "MERGE BRANCH b")
    assert rows(main, "SELECT k FROM u ORDER BY k") == [(i,) for i in range(10)]
    assert rows(branch, "SELECT k FROM u ORDER BY k") == [(i,) for i in range(10)]


def test_the_past_of_a_branch(pair: tuple[Session, Session]) -> None:
    main, branch = pair
    run(branch, "DELETE FROM t WHERE k > 2")
    version = branch.version
    run(main, "INSERT INTO t VALUES (50, 0)")
    run(branch, "DELETE FROM t WHERE k = 0; CREATE SNAPSHOT s; RESTORE TABLE t TO HEAD~3")
    assert rows(branch, f"SELECT count(*) FROM t AS OF VERSION {version}") == [(3,)]
    assert rows(branch, "SELECT count(*) FROM t AS OF VERSION 2") == [(10,)]
    assert rows(branch, "SELECT count(*) FROM t AS OF SNAPSHOT s") == [(2,)]
    assert rows(branch, "SELECT count(*) FROM t") == [(3,)]
    assert rows(main, "SELECT count(*) FROM t AS OF SNAPSHOT s") == [(11,)]
    with pytest.raises(Exception, match="undone"):
        run(branch, "UNDO VERSION 2")
    run(branch, "UNDO")
    assert rows(branch, "SELECT count(*) FROM t") == [(2,)]


def test_a_branch_costs_the_same_at_any_size(lake: Path) -> None:
    with closing(connect(lake)) as session:
        run(session, "CREATE TABLE big AS SELECT i FROM range(300000) r(i)")
        size = sum(f.stat().st_size for f in lake.rglob("*") if f.is_file())
        spent = []
        for n in range(9):
            began = time.process_time()
            run(session, f"CREATE BRANCH b{n}")
            spent.append(time.process_time() - began)
        assert sum(f.stat().st_size for f in lake.rglob("*") if f.is_file()) < size + 60_000
        assert sorted(spent)[4] < 0.05


def test_python_transactions_are_tried_again_and_done_once(lake: Path) -> None:
    with grizzly.connect(lake) as a, grizzly.connect(lake) as b:
        a.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)")
        a.execute("INSERT INTO t VALUES (1, 0)")
        tries: list[int] = []

        def add(db: grizzly.Connection) -> int:
            (value,) = db.execute("SELECT v FROM t WHERE k = 1").fetchone() or (0,)
            if not tries:
                b.execute("UPDATE t SET v = v + 10")
            tries.append(value)
            db.execute("UPDATE t SET v = ? WHERE k = 1", [value + 1])
            return value

        assert a.transact(add, once=("loader", 1)) == 10
        assert tries == [0, 10]
        assert a.transact(add, once=("loader", 1)) is None
        assert tries == [0, 10]
        tries.clear()
        with pytest.raises(grizzly.OperationalError):
            a.transact(add, retries=0)
        assert not a.session.in_transaction
        assert a.execute("SELECT v FROM t").fetchone() == (21,)


def test_a_branch_has_no_part_in_an_older_one_of_its_name(pair: tuple[Session, Session]) -> None:
    main, branch = pair
    run(branch, "INSERT INTO t VALUES (20, 0)")
    old = branch.version
    run(main, "DROP BRANCH b; CREATE BRANCH b AS OF VERSION 2; USE BRANCH b")
    run(main, "INSERT INTO t VALUES (21, 0)")
    assert len(rows(main, f"SELECT * FROM t AS OF VERSION {old}")) == 10
    for how in ("FULL", "NET"):
        found = rows(main, f"SELECT k, _change FROM (CHANGES {how} FROM t SINCE VERSION {old})")
        assert found == [(21, "insert")]
    assert (20, "insert") not in rows(main, "SELECT k, _change FROM (CHANGES FROM t)")


@pytest.mark.parametrize("prefer", ["OURS", "THEIRS"])
def test_a_row_that_moved_to_the_key_of_a_lost_one_is_not_lost(
    pair: tuple[Session, Session], prefer: str
) -> None:
    main, branch = pair
    mover, writer = (branch, main) if prefer == "OURS" else (main, branch)
    run(mover, "UPDATE t SET k = k + 1 WHERE k >= 8")
    run(writer, "UPDATE t SET v = 5 WHERE k = 9")
    before = rows(main, ALL)
    with pytest.raises(ConflictError, match="key that the other side gave"):
        run(main, f"MERGE BRANCH b ON CONFLICT {prefer}")
    assert rows(main, ALL) == before
