"""VACUUM takes what nothing needs and nothing else, and UNVACUUM brings it back."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.errors import ParseError, ReadOnlyError, TransactionError, VacuumedError
from engine.objectstore import Lease, LocalStore, live
from engine.session import connect, create_lake
from tests.unit.upkeep.lakes import notes, objects, rows, run, trash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.session import Session

OLD = "SELECT count(*), sum(length(v)) FROM t AS OF VERSION 2"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    create_lake(tmp_path / "lake")
    return tmp_path / "lake"


@pytest.fixture
def session(lake: Path) -> Iterator[Session]:
    """A table whose version 2 is of another file than its newest."""
    with closing(connect(lake)) as session:
        run(session, "CREATE TABLE t (k INTEGER PRIMARY KEY, v VARCHAR)")
        run(session, "INSERT INTO t SELECT i, sha256(CAST(i AS VARCHAR)) FROM range(4000) r(i)")
        run(session, "DELETE FROM t WHERE k >= 2000")
        run(session, "COMPACT t")
        yield session


def test_a_dry_run_is_the_default_and_moves_nothing(session: Session, lake: Path) -> None:
    before = objects(lake)
    for sql in ("VACUUM RETAIN 1 VERSIONS", "VACUUM RETAIN 1 VERSIONS DRY RUN"):
        (found,) = rows(session, sql)
        assert found[0] == "t"
        assert found[1] >= 1
        assert found[3] == "only version 2 needs it"
    assert objects(lake) == before
    assert session.version == 3


def test_what_is_recent_stays(session: Session, lake: Path) -> None:
    before = objects(lake)
    assert rows(session, "VACUUM RUN") == []
    assert rows(session, "VACUUM RETAIN 3 VERSIONS RUN") == []
    assert objects(lake) == before


def test_old_rows_are_gone_with_a_word_and_come_back(session: Session, lake: Path) -> None:
    now, then = rows(session, "FROM t ORDER BY k"), rows(session, OLD)
    before = objects(lake)
    run(session, "VACUUM RETAIN 1 VERSIONS RUN")
    assert trash(lake)
    assert objects(lake) | trash(lake) == before
    assert rows(session, "FROM t ORDER BY k") == now
    for sql in (OLD, "CHANGES FROM t SINCE VERSION 1", "RESTORE TABLE t TO VERSION 2; FROM t"):
        with pytest.raises(VacuumedError, match="vacuumed") as caught:
            run(session, sql)
        assert "UNVACUUM" in str(caught.value.hint)
        if "RESTORE" in sql:
            run(session, "ROLLBACK t TO VERSION 3")
    assert all(f.ok for f in session.verify())
    assert any("vacuumed by version" in f.detail for f in session.verify())
    assert "back" in notes(session, "UNVACUUM")[0]
    assert rows(session, OLD) == then
    assert objects(lake) >= before
    assert not trash(lake)
    assert notes(session, "UNVACUUM") == ["the trash is empty"]


def test_purging_is_for_good(session: Session, lake: Path) -> None:
    run(session, "VACUUM RETAIN 1 VERSIONS RUN")
    run(session, "VACUUM PURGE")
    assert trash(lake)
    run(session, "VACUUM PURGE RETAIN 0 DAYS")
    assert not trash(lake)
    with pytest.raises(VacuumedError, match="purged"):
        run(session, OLD)
    assert all(f.ok for f in session.verify())


def test_what_a_snapshot_holds_stays(session: Session, lake: Path) -> None:
    run(session, "CREATE SNAPSHOT s AS OF VERSION 2")
    before = objects(lake)
    run(session, "VACUUM RETAIN 1 VERSIONS RUN")
    assert objects(lake) == before
    run(session, "DROP SNAPSHOT s")
    run(session, "VACUUM RETAIN 1 VERSIONS RUN")
    assert objects(lake) < before


def test_a_running_reader_keeps_its_version(session: Session, lake: Path) -> None:
    with closing(connect(lake)) as reader:
        run(reader, "BEGIN")
        expected = rows(reader, "FROM t ORDER BY k")
        run(session, "UPDATE t SET v = 'y'")
        run(session, "COMPACT t")
        before = objects(lake)
        run(session, "VACUUM RETAIN 1 VERSIONS RUN")
        assert rows(reader, "FROM t ORDER BY k") == expected
        run(reader, "ROLLBACK")
        run(session, "VACUUM RETAIN 1 VERSIONS RUN")
        assert objects(lake) < before


def test_an_unread_answer_keeps_its_version(session: Session, lake: Path) -> None:
    with closing(connect(lake)) as reader:
        (answer,) = reader.run("SELECT * FROM t AS OF VERSION 2")
        before = objects(lake)
        run(session, "VACUUM RETAIN 1 VERSIONS RUN")
        assert objects(lake) == before
        assert answer.table().num_rows == 4000
        run(session, "VACUUM RETAIN 1 VERSIONS RUN")
        assert objects(lake) < before


def test_a_file_of_a_transaction_in_progress_stays_and_an_orphan_goes(
    session: Session, lake: Path
) -> None:
    writer = connect(lake)
    before = objects(lake)
    run(
        writer,
        "BEGIN; INSERT INTO t SELECT 10000 + i, sha256(CAST(i AS VARCHAR)) || 'z' FROM range(4000) r(i)",
    )
    new = objects(lake) - before
    assert new
    run(session, "VACUUM RUN")
    assert new <= objects(lake)
    run(writer, "COMMIT")
    assert rows(session, "SELECT count(*) FROM t") == [(6000,)]
    run(
        writer,
        "BEGIN; INSERT INTO t SELECT 20000 + i, sha256(CAST(i AS VARCHAR)) || 'u' FROM range(4000) r(i)",
    )
    lost = objects(lake) - before - new
    writer.close()
    assert lost
    assert [r[0] for r in rows(session, "VACUUM RUN")] == [None]
    assert not lost & objects(lake)
    run(session, "UNVACUUM")


def test_a_writer_whose_object_was_taken_runs_again(session: Session, lake: Path) -> None:
    """The same bytes were garbage when they were written, and went before the commit."""
    insert = (
        "INSERT INTO t SELECT 10000 + i, sha256(CAST(i AS VARCHAR)) || 'z' FROM range(4000) r(i)"
    )
    with closing(connect(lake)) as writer:
        before = objects(lake)
        run(writer, f"BEGIN; {insert}")
        for path in (lake / ".grizzly" / "objects").rglob("*"):
            if path.is_file() and path.name not in before:
                os.utime(path, ns=(0, 0))
        run(session, "VACUUM RUN")
        with pytest.raises(TransactionError):
            run(writer, "COMMIT")
        run(writer, insert)
    assert rows(session, "SELECT count(*) FROM t") == [(6000,)]
    assert all(f.ok for f in session.verify())


def test_one_table_alone(session: Session) -> None:
    run(
        session, "CREATE TABLE u AS SELECT i, sha256(CAST(i AS VARCHAR)) AS v FROM range(5000) r(i)"
    )
    run(session, "DELETE FROM u WHERE i < 2000; COMPACT u")
    assert {r[0] for r in rows(session, "VACUUM RETAIN 1 VERSIONS")} == {"t", "u"}
    assert {r[0] for r in rows(session, "VACUUM u RETAIN 1 VERSIONS RUN")} == {"u"}
    with pytest.raises(TransactionError, match="transaction"):
        run(session, "BEGIN; VACUUM RUN")
    run(session, "ROLLBACK")


@pytest.mark.parametrize(
    "sql",
    ["VACUUM RETAIN", "VACUUM RETAIN x DAYS", "VACUUM RETAIN 7", "VACUUM t RUN RUN", "UNVACUUM t"],
)
def test_half_a_statement_is_refused(session: Session, sql: str) -> None:
    with pytest.raises(ParseError):
        run(session, sql)


def test_nothing_is_vacuumed_in_the_past(lake: Path) -> None:
    with closing(connect(lake, as_of="0")) as past, pytest.raises(ReadOnlyError):
        run(past, "VACUUM RUN")


def test_a_dead_process_holds_nothing(lake: Path) -> None:
    text = (
        "import os, sys\n"
        "from engine.session import connect\n"
        "s = connect(sys.argv[1]); list(s.run('BEGIN')); list(s.run('SELECT 1'))\n"
        "print('held', flush=True); sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", text, str(lake)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        store = LocalStore(lake / ".grizzly")
        assert [held.start for held in live(store)] == [0]
    finally:
        child.kill()
        child.communicate()
    assert live(store) == []
    assert not list((lake / ".grizzly" / "leases").iterdir())


def test_a_lease_says_what_it_holds(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    lease = Lease(store)
    lease.hold(7)
    (held,) = live(store)
    assert held.start == 7
    assert held.since > 0
    assert live(store, but=lease) == []
    lease.pin(3)
    lease.pin(5)
    assert [h.start for h in live(store)] == [3]
    assert live(store)[0].since == held.since
    lease.release()
    assert live(store) == []
    lease.hold(1)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert [h.start for h in live(store)] == [1]
    lease.close()
    assert live(store) == []
