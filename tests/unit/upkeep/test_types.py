"""Tables of the three types hold the same rows and tell the same changes; only their files differ."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from engine.catalog import Table
from engine.execute.upkeep.policy import policy_of
from engine.execute.usage import Usage
from engine.objectstore import LocalStore
from engine.session import connect, create_lake
from tests.unit.upkeep.lakes import notes, rows, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.session import Session

TYPES = ("cow", "mor", "hybrid")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    create_lake(tmp_path / "lake")
    with closing(connect(tmp_path / "lake")) as session:
        for kind in TYPES:
            run(session, f"CREATE TABLE {kind} (k INT PRIMARY KEY, v INT) WITH (type = '{kind}')")
            run(session, f"INSERT INTO {kind} SELECT i, 0 FROM range(1000) r(i)")
        yield session


def files(session: Session, table: str) -> list[tuple[object, ...]]:
    return rows(session, f"SELECT rows, deleted FROM grizzly.files WHERE \"table\" = '{table}'")


def test_a_few_dead_rows_are_marked_or_not(session: Session) -> None:
    for kind in TYPES:
        run(session, f"UPDATE {kind} SET v = 1 WHERE k < 10")
    assert files(session, "cow") == [(1000, 0)]
    assert files(session, "mor") == [(1000, 10), (10, 0)]
    assert files(session, "hybrid") == [(1000, 10), (10, 0)]


def test_many_dead_rows_are_rewritten_but_in_mor(session: Session) -> None:
    for kind in TYPES:
        run(session, f"UPDATE {kind} SET v = 1 WHERE k < 300")
    assert files(session, "cow") == [(1000, 0)]
    assert files(session, "mor") == [(1000, 300), (300, 0)]
    assert files(session, "hybrid") == [(1000, 0)]


def test_the_type_may_change_at_any_time(session: Session) -> None:
    run(session, "ALTER TABLE mor SET (type = 'cow')")
    run(session, "UPDATE mor SET v = 1 WHERE k = 1")
    assert files(session, "mor") == [(1000, 0)]
    run(session, "ALTER TABLE mor SET (type = 'mor')")
    run(session, "UPDATE mor SET v = 2 WHERE k = 1")
    assert files(session, "mor") == [(1000, 1), (1, 0)]


def test_describe_and_a_system_table_say_why(session: Session) -> None:
    assert notes(session, "DESCRIBE TABLE cow")[0].startswith("cow: every file")
    found = dict(rows(session, 'SELECT "table", why FROM grizzly.table_layout'))
    assert found["mor"] == notes(session, "DESCRIBE mor")[0]
    for _ in range(40):
        run(session, "SELECT sum(v) FROM hybrid")
    assert "mostly read" in notes(session, "DESCRIBE hybrid")[0]


def test_what_is_seen_outlives_the_session(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for _ in range(2):
        usage = Usage(store)
        for _ in range(20):
            usage.read("a")
        usage.wrote("b")
        usage.save()
    assert Usage(store).of("a") == (40, 0)
    assert Usage(store).of("b") == (0, 2)
    (tmp_path / "usage").write_bytes(b'{"a": ["x"]')
    assert Usage(store).of("a") == (0, 0)


def test_hybrid_follows_the_workload() -> None:
    table = Table("0" * 16, "main", "t", ())
    read, written, unknown = (policy_of(table, *n) for n in ((90, 2), (2, 90), (1, 1)))
    assert read.rewrites(1000, 60)
    assert not unknown.rewrites(1000, 60)
    assert unknown.rewrites(1000, 201)
    assert not written.rewrites(1000, 201)
    assert written.rewrites(1000, 401)
    assert read.crowd < unknown.crowd < written.crowd


def test_rows_of_the_commit_that_rewrites_get_their_ids_from_it(session: Session) -> None:
    """A file that holds old and new rows: the old ones keep their ids, the new ones get theirs."""
    before = session.version
    run(
        session,
        "BEGIN; DELETE FROM cow WHERE k = 1; INSERT INTO cow VALUES (5000, 1), (5001, 1);"
        " UPDATE cow SET v = 9 WHERE k IN (2, 5000); COMMIT",
    )
    log = rows(session, f"SELECT k, v, _change FROM (CHANGES FROM cow SINCE VERSION {before})")
    assert sorted(log, key=str) == [
        (1, 0, "delete"),
        (2, 0, "update_preimage"),
        (2, 9, "update_postimage"),
        (5000, 9, "insert"),
        (5001, 1, "insert"),
    ]
    run(session, "UPDATE cow SET v = 10 WHERE k = 5001")
    log = rows(session, f"SELECT k, v, _change FROM (CHANGES FROM cow SINCE VERSION {before + 1})")
    assert [entry[2] for entry in log] == ["update_preimage", "update_postimage"]


@pytest.mark.parametrize("kind", TYPES)
def test_writers_of_other_rows_of_one_file_do_not_meet(tmp_path: Path, kind: str) -> None:
    create_lake(tmp_path / "lake")
    with ExitStack() as stack:
        a, b = (stack.enter_context(closing(connect(tmp_path / "lake"))) for _ in range(2))
        run(a, f"CREATE TABLE t (k INT PRIMARY KEY, v INT) WITH (type = '{kind}')")
        run(a, "INSERT INTO t SELECT i, 0 FROM range(100) r(i)")
        run(a, "BEGIN; UPDATE t SET v = 1 WHERE k = 1")
        run(b, "UPDATE t SET v = 2 WHERE k = 2")
        run(b, "DELETE FROM t WHERE k = 3; COMPACT t")
        run(a, "COMMIT")
        assert rows(a, "SELECT count(*), sum(v) FROM t") == [(99, 3)]


def test_a_writer_never_waits_for_compaction(tmp_path: Path) -> None:
    """Compaction that loses every race is done in the end, and no writer hears of it."""
    create_lake(tmp_path / "lake")
    with ExitStack() as stack:
        a, b = (stack.enter_context(closing(connect(tmp_path / "lake"))) for _ in range(2))
        run(a, "CREATE TABLE t (k INT PRIMARY KEY, v INT) WITH (type = 'mor')")
        for n in range(20):
            run(a, f"INSERT INTO t SELECT {n} * 10 + i, 0 FROM range(10) r(i)")
        run(a, "BEGIN; COMPACT t")
        run(b, "UPDATE t SET v = 1 WHERE k % 10 = 3; DELETE FROM t WHERE k % 10 = 4")
        run(b, "BEGIN; UPDATE t SET v = 2 WHERE k % 10 = 5")
        run(a, "COMMIT")
        run(b, "COMMIT")
        assert rows(a, "SELECT count(*), sum(v) FROM t") == [(180, 60)]


def history(session: Session, seed: int, steps: int) -> None:
    """One random history in all three types: same rows, same changes."""
    dice = random.Random(seed)
    start = dict.fromkeys(TYPES, session.version)
    for _ in range(steps):
        key, kind = dice.randrange(1000), dice.randrange(5)
        for table in TYPES:
            run(
                session,
                [
                    f"UPSERT INTO {table} VALUES ({key}, {key}), ({key + 1}, 1)",
                    f"UPDATE {table} SET v = v + 1 WHERE k % 7 = {key % 7}",
                    f"DELETE FROM {table} WHERE k BETWEEN {key} AND {key + 40}",
                    (
                        f"BEGIN; INSERT OR IGNORE INTO {table} VALUES ({key}, 5);"
                        f" UPDATE {table} SET v = 6 WHERE k >= {key - 5} AND k <= {key}; COMMIT"
                    ),
                    f"COMPACT {table}" if key % 3 else f"ALTER TABLE {table} SET (type = 'cow')",
                ][kind],
            )
    expected = rows(session, "FROM cow ORDER BY k")
    logs = []
    for table in TYPES:
        assert rows(session, f"FROM {table} ORDER BY k") == expected
        sql = f"SELECT k, v, _change FROM (CHANGES FROM {table} SINCE VERSION {start[table]})"
        logs.append(Counter(rows(session, sql)))
    assert logs[0] == logs[1] == logs[2]


def test_all_types_tell_the_same_history(session: Session) -> None:
    history(session, 1, 12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 130))
def test_all_types_tell_the_same_histories(session: Session, seed: int) -> None:
    history(session, seed, 60)
