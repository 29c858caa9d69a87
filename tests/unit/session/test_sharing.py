"""Sessions of one process on one lakehouse: one handle, commits in one line, compaction beside them."""

from __future__ import annotations

import shutil
import threading
from contextlib import closing
from pathlib import Path

import grizzly
from engine.session import connect, create_lake

THREADS, TIMES = 4, 12


def test_sessions_share_a_handle_while_one_is_open(tmp_path: Path) -> None:
    create_lake(tmp_path / "lake")
    with closing(connect(tmp_path / "lake")) as one:
        with closing(connect(tmp_path / "lake")) as other:
            assert other.timeline is one.timeline
        with closing(connect(tmp_path / "lake", read_only=True)) as reader:
            assert reader.timeline is not one.timeline
    with closing(connect(tmp_path / "lake")) as fresh:
        assert fresh.timeline is not one.timeline


def test_a_lakehouse_in_the_place_of_another_is_not_taken_for_it(tmp_path: Path) -> None:
    create_lake(tmp_path / "lake")
    with closing(connect(tmp_path / "lake")) as old:
        shutil.rmtree(tmp_path / "lake")
        create_lake(tmp_path / "lake")
        with closing(connect(tmp_path / "lake")) as new:
            assert new.timeline.db != old.timeline.db


def test_keys_that_threads_add_at_once_are_there_once(tmp_path: Path) -> None:
    create_lake(tmp_path / "lake")
    won: list[tuple[int, int]] = []
    failed: list[BaseException] = []
    start = threading.Barrier(THREADS)

    def write(me: int) -> None:
        try:
            with grizzly.connect(tmp_path / "lake") as db:
                start.wait()
                for n in range(TIMES):
                    try:
                        # Half of the keys are one thread's own, half are everybody's.
                        key = n if n % 2 else 1000 * (me + 1) + n
                        db.execute("INSERT INTO t VALUES (?, ?)", [key, me])
                        won.append((key, me))
                    except grizzly.IntegrityError:
                        assert n % 2
        except BaseException as error:  # noqa: BLE001 - told to the test's own thread
            failed.append(error)

    with grizzly.connect(tmp_path / "lake") as db:
        db.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, writer BIGINT)")
        threads = [threading.Thread(target=write, args=(me,)) for me in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        rows = db.execute("SELECT id, writer FROM t ORDER BY id").fetchall()
        assert rows == sorted(won)
        assert len(rows) == TIMES // 2 * (1 + THREADS)
        assert [f for f in db.session.verify() if not f.ok] == []


def test_crowded_tables_are_compacted_beside_what_follows(tmp_path: Path) -> None:
    create_lake(tmp_path / "lake")
    with grizzly.connect(tmp_path / "lake") as db:
        db.execute("CREATE TABLE t (id BIGINT PRIMARY KEY)")
        for n in range(80):
            db.execute("INSERT INTO t VALUES (?)", [n])
        (files,) = db.execute("SELECT count(*) FROM grizzly.files").fetchall()
        done = db.execute("SELECT count(*) FROM grizzly.timeline WHERE op = 'compact'").fetchone()
        assert files[0] < 70
        assert done is not None
        assert done[0] >= 1
        assert db.execute("SELECT count(*), max(id) FROM t").fetchall() == [(80, 79)]
