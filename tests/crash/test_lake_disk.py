"""A disk that is full, and a log whose end was torn off."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import CorruptError
from engine.session import connect, create_lake
from tests.crash.writers import run

ROOT = Path(__file__).resolve().parents[2]


def test_a_full_disk_fails_one_statement_and_harms_nothing(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    create_lake(lake)
    with closing(connect(lake)) as session:
        run(session, "CREATE TABLE log (id INTEGER, text VARCHAR)")
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.writers", "limited", str(lake), "300000"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *acks, error, after = done.stdout.splitlines()
    assert error.startswith("error IoError "), done.stdout
    assert after == "-1"
    with closing(connect(lake)) as session:
        rows = run(session, "SELECT id, count(*) AS n FROM log GROUP BY id ORDER BY id")
        expected = [{"id": int(a), "n": 2000 * int(a)} for a in acks if a != "0"]
        assert rows == [{"id": -1, "n": 1}, *expected]
        assert [f for f in session.verify() if not f.ok] == []
    assert list((lake / ".grizzly" / "tmp").glob("*")) == []


@pytest.fixture(scope="module")
def two_moments(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, bytes, bytes]:
    """A lakehouse before its last commit, that commit's record, and both checkpoints."""
    lake = tmp_path_factory.mktemp("torn") / "lake"
    log = lake / ".grizzly" / "log"
    create_lake(lake)
    with closing(connect(lake)) as session:
        run(session, "CREATE TABLE t (id INTEGER PRIMARY KEY, text VARCHAR)")
        run(session, "INSERT INTO t VALUES (1, 'one'), (2, 'two')")
        before = (log / "00000000.wal").read_bytes()
        old = (log / "checkpoint").read_bytes()
        run(session, "UPSERT INTO t VALUES (2, 'TWO'), (3, 'THREE')")
        after = (log / "00000000.wal").read_bytes()
        new = (log / "checkpoint").read_bytes()
    assert after.startswith(before)
    (log / "00000000.wal").write_bytes(before)
    (log / "checkpoint").write_bytes(old)
    return lake, after[len(before) :], old, new


def cuts(record: bytes) -> list[int]:
    return sorted({*range(0, len(record), len(record) // 6), 1, 8, len(record) - 1})


def test_a_torn_record_was_never_acknowledged(
    two_moments: tuple[Path, bytes, bytes, bytes], tmp_path: Path
) -> None:
    lake, record, _, _ = two_moments
    for cut in cuts(record):
        copy = tmp_path / str(cut)
        shutil.copytree(lake, copy)
        with (copy / ".grizzly" / "log" / "00000000.wal").open("ab") as wal:
            wal.write(record[:cut])
        with closing(connect(copy)) as session:
            assert run(session, "SELECT * FROM t ORDER BY id") == [
                {"id": 1, "text": "one"},
                {"id": 2, "text": "two"},
            ]
            run(session, "UPSERT INTO t VALUES (3, 'three')")
            assert run(session, "SELECT count(*) AS n FROM t") == [{"n": 3}]
        with closing(connect(copy)) as session:
            assert run(session, "SELECT count(*) AS n FROM t") == [{"n": 3}]


def test_a_record_that_was_promised_and_is_torn_is_damage(
    two_moments: tuple[Path, bytes, bytes, bytes], tmp_path: Path
) -> None:
    lake, record, _, promised = two_moments
    for cut in cuts(record):
        copy = tmp_path / str(cut)
        shutil.copytree(lake, copy)
        log = copy / ".grizzly" / "log"
        with (log / "00000000.wal").open("ab") as wal:
            wal.write(record[:cut])
        (log / "checkpoint").write_bytes(promised)
        with (
            pytest.raises(CorruptError) as caught,
            closing(connect(copy)) as session,
        ):
            run(session, "SELECT * FROM t")
        assert caught.value.subject == "log/00000000.wal"
