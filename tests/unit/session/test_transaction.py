"""Two sessions on one lakehouse: what conflicts, and what commutes."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from engine.errors import ConflictError
from engine.session import commits, connect, create_lake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.session import Session

Pair = tuple["Session", "Session"]


def run(session: Session, sql: str) -> None:
    for result in session.run(sql):
        result.spool()


def rows(session: Session, sql: str) -> list[tuple[object, ...]]:
    (result,) = session.run(sql)
    return list(zip(*(c.to_pylist() for c in result.table().columns), strict=True))


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    create_lake(tmp_path / "lake")
    with ExitStack() as stack:
        a, b = (stack.enter_context(closing(connect(tmp_path / "lake"))) for _ in range(2))
        run(a, "CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)")
        run(a, "INSERT INTO t SELECT i, 0 FROM range(10) r(i)")
        yield a, b


def test_rows_of_one_file_can_be_changed_by_two_writers(pair: Pair) -> None:
    a, b = pair
    run(a, "BEGIN; UPDATE t SET v = 1 WHERE k = 1")
    run(b, "BEGIN; DELETE FROM t WHERE k = 2")
    run(a, "COMMIT")
    run(b, "COMMIT")
    assert rows(a, "SELECT count(*), sum(v) FROM t") == [(9, 1)]


@pytest.mark.parametrize(
    "theirs",
    [
        "UPDATE t SET v = 2 WHERE k = 1",
        "DELETE FROM t WHERE k = 1",
        "TRUNCATE t",
        "DROP TABLE t",
        "ALTER TABLE t RENAME COLUMN v TO w",
        "UPSERT INTO t VALUES (1, 3)",
    ],
)
def test_the_second_writer_of_one_row_is_refused(pair: Pair, theirs: str) -> None:
    a, b = pair
    run(a, "BEGIN; UPDATE t SET v = 1 WHERE k = 1")
    run(b, theirs)
    before = rows(b, "SELECT version, leaf_hash FROM grizzly.timeline")
    with pytest.raises(ConflictError) as caught:
        run(a, "COMMIT")
    assert caught.value.sqlstate == "40001"
    assert caught.value.retryable
    assert not a.in_transaction
    assert rows(b, "SELECT version, leaf_hash FROM grizzly.timeline") == before


def test_one_new_key_goes_to_one_writer(pair: Pair) -> None:
    a, b = pair
    run(a, "BEGIN; INSERT INTO t VALUES (77, 1)")
    run(b, "INSERT INTO t VALUES (77, 2), (78, 2)")
    with pytest.raises(ConflictError):
        run(a, "COMMIT")
    assert rows(a, "SELECT v FROM t WHERE k = 77") == [(2,)]


def test_one_value_of_a_unique_column_goes_to_one_writer(pair: Pair) -> None:
    a, b = pair
    run(a, "CREATE TABLE u (a INTEGER UNIQUE, b VARCHAR)")
    run(a, "BEGIN ISOLATION LEVEL SNAPSHOT; INSERT INTO u VALUES (1, 'a'), (NULL, 'a')")
    run(b, "INSERT INTO u VALUES (2, 'b'), (NULL, 'b')")
    run(a, "COMMIT; BEGIN ISOLATION LEVEL SNAPSHOT; UPDATE u SET a = 3 WHERE a = 1")
    run(b, "INSERT INTO u VALUES (3, 'b')")
    with pytest.raises(ConflictError):
        run(a, "COMMIT")
    assert rows(a, "SELECT a FROM u ORDER BY a") == [(1,), (2,), (3,), (None,), (None,)]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("RESTORE TABLE t TO HEAD~1", "INSERT INTO t VALUES (50, 5)"),
        ("UNDO", "UPDATE t SET v = 8 WHERE k = 3"),
        ("TRUNCATE t", "INSERT INTO t VALUES (50, 5)"),
        ("CREATE TABLE s.x (a INTEGER)", "DROP SCHEMA s"),
        ("DROP SCHEMA s", "CREATE TABLE s.x (a INTEGER)"),
        ("CREATE INDEX i ON e (v)", "ALTER TABLE e DROP COLUMN v"),
        ("CREATE INDEX i ON e (v)", "DROP TABLE e"),
    ],
)
def test_what_is_about_a_whole_table_or_schema(pair: Pair, ours: str, theirs: str) -> None:
    a, b = pair
    run(a, "CREATE TABLE e (k INTEGER, v INTEGER); CREATE SCHEMA s; UPDATE t SET v = 1")
    run(a, f"BEGIN ISOLATION LEVEL SNAPSHOT; {ours}")
    run(b, theirs)
    with pytest.raises(ConflictError):
        run(a, "COMMIT")


def test_different_new_keys_commute(pair: Pair) -> None:
    a, b = pair
    run(a, "BEGIN; INSERT INTO t VALUES (77, 1)")
    run(b, "INSERT INTO t VALUES (78, 2)")
    run(a, "COMMIT")
    assert rows(b, "SELECT k FROM t WHERE k > 70 ORDER BY k") == [(77,), (78,)]


def test_a_statement_of_its_own_runs_again_after_a_conflict(pair: Pair) -> None:
    a, b = pair
    original = a.timeline.commit
    raced: list[bool] = []

    def slow(build: object, **options: float) -> object:
        if not raced:
            raced.append(True)
            run(b, "UPDATE t SET v = v + 10 WHERE k = 1")
        return original(build, **options)  # type: ignore[arg-type]

    a.timeline.commit = slow  # type: ignore[method-assign, assignment]
    run(a, "UPDATE t SET v = v + 1 WHERE k = 1")
    assert rows(a, "SELECT v FROM t WHERE k = 1") == [(11,)]


def test_a_statement_that_always_loses_is_run_where_it_cannot(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = pair
    original = type(a.timeline).commit
    lost: list[bool] = []

    def slow(build: object, **options: float) -> object:
        if len(lost) <= commits.PATIENCE:
            lost.append(True)
            run(b, "INSERT INTO t SELECT max(k) + 1, 5 FROM t")
        return original(a.timeline, build, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(a.timeline, "commit", slow)
    run(a, "UPDATE t SET v = v + 1")
    assert len(lost) == commits.PATIENCE + 1
    assert rows(a, "SELECT count(*), sum(v) FROM t") == [(10 + len(lost), 10 + 6 * len(lost))]
    lost.clear()
    run(a, "UPDATE t SET v = v + 1 WHERE v > 6")
    assert rows(a, "SELECT max(v) FROM t") == [(6,)]


def test_a_failed_statement_undoes_itself_and_no_other(pair: Pair) -> None:
    a, b = pair
    run(a, "BEGIN; INSERT INTO t VALUES (50, 5)")
    with pytest.raises(Exception, match="already there"):
        run(a, "INSERT INTO t VALUES (51, 5), (1, 5)")
    run(a, "COMMIT")
    assert rows(b, "SELECT k FROM t WHERE k > 40") == [(50,)]


def test_a_transaction_sees_its_own_rows_and_nobody_else_does(pair: Pair) -> None:
    a, b = pair
    run(a, "BEGIN; INSERT INTO t VALUES (50, 5); UPDATE t SET v = 6 WHERE k = 50")
    assert rows(a, "SELECT v FROM t WHERE k = 50") == [(6,)]
    assert rows(b, "SELECT v FROM t WHERE k = 50") == []
    run(a, "DELETE FROM t WHERE k = 50; COMMIT")
    assert rows(b, "SELECT count(*) FROM t") == [(10,)]


def test_a_name_goes_to_one_writer(pair: Pair) -> None:
    a, b = pair
    run(a, "BEGIN; CREATE TABLE u (a INTEGER)")
    run(b, "CREATE VIEW u AS SELECT 1 AS one")
    with pytest.raises(ConflictError):
        run(a, "COMMIT")


def test_a_constraint_is_not_judged_by_stale_rows(pair: Pair) -> None:
    a, b = pair
    run(a, "BEGIN; ALTER TABLE t ALTER COLUMN v SET NOT NULL")
    run(b, "INSERT INTO t VALUES (90, NULL)")
    with pytest.raises(ConflictError):
        run(a, "COMMIT")
    assert rows(a, "SELECT nullable FROM grizzly.columns WHERE name = 'v'") == [(True,)]


def test_dropping_a_table_loses_no_row_that_came_meanwhile(pair: Pair) -> None:
    a, b = pair
    run(a, "BEGIN; DROP TABLE t")
    run(b, "INSERT INTO t VALUES (90, 1)")
    with pytest.raises(ConflictError):
        run(a, "COMMIT")
    assert rows(a, "SELECT count(*) FROM t") == [(11,)]


@pytest.fixture
def crowded(pair: Pair) -> Pair:
    """Ten rows in a file, and ten files of one row."""
    for i in range(20, 30):
        run(pair[1], f"INSERT INTO t VALUES ({i}, 1)")
    return pair


FILES = "SELECT count(*) FROM grizzly.files WHERE \"table\" = 't'"
CHANGES = [
    "DELETE FROM t WHERE k = 25",
    "UPDATE t SET v = 7 WHERE k IN (3, 25)",
    "UPSERT INTO t VALUES (25, 7), (90, 7)",
    "INSERT INTO t VALUES (91, 7)",
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("compacts_first", [False, True])
def test_compaction_and_a_writer_never_stop_each_other(
    crowded: Pair, change: str, compacts_first: bool
) -> None:
    a, b = crowded
    run(a, "BEGIN; COMPACT t")
    run(b, f"BEGIN; {change}")
    expected = rows(b, "SELECT * FROM t ORDER BY k")
    for session in (a, b) if compacts_first else (b, a):
        run(session, "COMMIT")
    assert rows(a, "SELECT * FROM t ORDER BY k") == expected
    assert rows(a, FILES) < [(11,)]
    log = rows(a, f"CHANGES FROM t SINCE VERSION {a.version - 2}")
    assert {row[0] for row in log} <= {3, 25, 90, 91}


def test_two_compactions_leave_every_row_once(crowded: Pair) -> None:
    a, b = crowded
    expected = rows(a, "SELECT * FROM t ORDER BY k")
    run(a, "BEGIN; COMPACT t")
    run(b, "BEGIN; COMPACT t")
    run(a, "COMMIT")
    run(b, "COMMIT")
    assert rows(a, "SELECT * FROM t ORDER BY k") == expected


def test_a_row_that_moved_meanwhile_is_still_one_row(crowded: Pair) -> None:
    a, b = crowded
    run(a, "BEGIN; UPDATE t SET v = 5 WHERE k = 25")
    run(b, "COMPACT t; UPDATE t SET v = 6 WHERE k = 25")
    with pytest.raises(ConflictError):
        run(a, "COMMIT")
    assert rows(a, "SELECT v FROM t WHERE k = 25") == [(6,)]


def test_a_column_added_meanwhile_stops_no_writer(pair: Pair) -> None:
    a, b = pair
    run(a, "BEGIN; INSERT INTO t VALUES (50, 5); UPDATE t SET v = 1 WHERE k = 1")
    run(b, "ALTER TABLE t ADD COLUMN w INTEGER DEFAULT 9")
    run(a, "COMMIT")
    assert rows(b, "SELECT * FROM t WHERE k IN (1, 50) ORDER BY k") == [(1, 1, 9), (50, 5, 9)]


def test_a_writer_stops_no_column_from_being_added(pair: Pair) -> None:
    a, b = pair
    run(a, "BEGIN; ALTER TABLE t ADD COLUMN w INTEGER")
    run(b, "INSERT INTO t VALUES (50, 5)")
    run(a, "COMMIT")
    assert rows(b, "SELECT * FROM t WHERE k = 50") == [(50, 5, None)]


@pytest.mark.parametrize("reader", ["UPDATE t SET v = 1 WHERE v = 3", "SELECT count(*) FROM t"])
def test_rows_that_would_have_been_read_are_a_conflict(pair: Pair, reader: str) -> None:
    a, b = pair
    run(a, f"BEGIN; {reader}; INSERT INTO t VALUES (60, 0)")
    run(b, "INSERT INTO t VALUES (50, 3)")
    with pytest.raises(ConflictError):
        run(a, "COMMIT")
    run(a, f"BEGIN ISOLATION LEVEL SNAPSHOT; {reader}; INSERT INTO t VALUES (60, 0)")
    run(b, "INSERT INTO t VALUES (51, 3)")
    run(a, "COMMIT")


def test_rows_that_would_not_have_been_read_are_none(pair: Pair) -> None:
    a, b = pair
    run(a, "BEGIN; SELECT * FROM t WHERE v = 3; SELECT * FROM t WHERE k BETWEEN 2 AND 4")
    run(a, "INSERT INTO t VALUES (60, 0)")
    run(b, "INSERT INTO t VALUES (50, 4); DELETE FROM t WHERE k = 5; COMPACT t")
    run(a, "COMMIT")
    assert rows(b, "SELECT count(*) FROM t") == [(11,)]


def test_a_table_is_made_of_the_one_that_it_replaces(pair: Pair) -> None:
    a, b = pair
    run(a, "CREATE TABLE e (k INTEGER); BEGIN; INSERT INTO e VALUES (1)")
    run(a, "CREATE OR REPLACE TABLE t AS SELECT * FROM t; COMMIT")
    assert rows(a, "SELECT count(*) FROM t") == [(10,)]
    run(a, "BEGIN; CREATE OR REPLACE TABLE e AS SELECT max(k) AS k FROM t")
    run(b, "INSERT INTO t VALUES (50, 5)")
    with pytest.raises(ConflictError, match="that this transaction read"):
        run(a, "COMMIT")


@pytest.mark.parametrize(
    "ours",
    [
        "ALTER TABLE t RENAME COLUMN k TO id; INSERT INTO t VALUES (100, 1)",
        "INSERT INTO t VALUES (100, 1); ALTER TABLE t ALTER COLUMN k TYPE BIGINT; UPSERT INTO t VALUES (100, 1)",
        "ALTER TABLE t DROP PRIMARY KEY; INSERT INTO t VALUES (100, 1)",
    ],
)
def test_rows_that_only_moved_stop_no_new_definition_of_the_key(pair: Pair, ours: str) -> None:
    a, b = pair
    run(a, f"BEGIN; {ours}")
    run(b, "OPTIMIZE t CLUSTER BY (v)")
    run(a, "COMMIT")
    assert rows(b, "SELECT count(*), max(v) FROM t") == [(11, 1)]
