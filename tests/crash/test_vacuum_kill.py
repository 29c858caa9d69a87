"""Vacuum, killed at any moment or racing with writers, takes nothing that anybody needs."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from engine.errors import TransactionError, VacuumedError
from engine.session import connect, create_lake
from tests.unit.upkeep.lakes import Row, rows, run

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 3_000
CONTENT = "SELECT count(*), sum(k), max(v) FROM t"


def upkeep(lake: Path, seed: int, ready: object) -> None:
    """Vacuum, bring back, compact and write for ever: the victim."""
    dice = random.Random(seed)
    with closing(connect(lake)) as session:
        ready.set()  # type: ignore[attr-defined]
        while True:
            run(session, f"UPDATE t SET v = v + 1 WHERE k % 3 = {dice.randrange(3)}")
            run(session, f"VACUUM RETAIN {dice.randrange(1, 4)} VERSIONS RUN")
            if dice.random() < 0.5:
                run(session, "UNVACUUM")
            if dice.random() < 0.3:
                run(session, "VACUUM PURGE RETAIN 0 DAYS")


def made(lake: Path) -> None:
    create_lake(lake)
    with closing(connect(lake)) as session:
        run(
            session,
            "CREATE TABLE t (k BIGINT PRIMARY KEY, v BIGINT, s VARCHAR) WITH (type = 'cow')",
        )
        run(
            session,
            f"INSERT INTO t SELECT i, 0, sha256(CAST(i AS VARCHAR)) FROM range({SIZE}) r(i)",
        )
        run(session, "CREATE SNAPSHOT first")


def intact(lake: Path, first: list[Row]) -> None:
    with closing(connect(lake)) as session:
        assert [f for f in session.verify() if not f.ok] == []
        assert rows(session, f"{CONTENT} AS OF SNAPSHOT 'first'") == first
        ((count, total, _),) = rows(session, CONTENT)
        assert (count, total) == (SIZE, SIZE * (SIZE - 1) // 2)


def kills(lake: Path, times: int, seed: int) -> None:
    made(lake)
    with closing(connect(lake)) as session:
        first = rows(session, CONTENT)
    dice = random.Random(seed)
    context = multiprocessing.get_context("spawn")
    for number in range(times):
        ready = context.Event()
        victim = context.Process(target=upkeep, args=(lake, seed + number, ready))
        victim.start()
        assert ready.wait(60)
        time.sleep(dice.uniform(0.02, 0.8))
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        intact(lake, first)


def write(lake: Path, number: int, seconds: float, done: object) -> None:
    """Write one's own keys, also the same bytes again and again, beside a vacuum."""
    dice = random.Random(number)
    count = 0
    until = time.monotonic() + seconds
    with closing(connect(lake)) as session:
        run(session, f"CREATE TABLE w{number} (k BIGINT, s VARCHAR)")
        while time.monotonic() < until:
            fill = (
                f"INSERT INTO w{number} SELECT i, sha256(CAST(i AS VARCHAR)) FROM range(3000) r(i)"
            )
            try:
                run(session, fill if dice.random() < 0.7 else f"BEGIN; {fill}; {fill}; COMMIT")
                run(session, f"TRUNCATE w{number}" if dice.random() < 0.4 else CONTENT)
            except TransactionError:
                if session.in_transaction:
                    run(session, "ROLLBACK")
                continue
            count += 1
        ((n,),) = rows(session, f"SELECT count(*) % 3000 FROM w{number}")
        assert n == 0
    done.put(count)  # type: ignore[attr-defined]


def races(lake: Path, seconds: float) -> None:
    made(lake)
    context = multiprocessing.get_context("spawn")
    done = context.Queue()
    writers = [context.Process(target=write, args=(lake, n, seconds, done)) for n in range(2)]
    for writer in writers:
        writer.start()
    until = time.monotonic() + seconds
    with closing(connect(lake)) as session:
        first = rows(session, CONTENT)
        while time.monotonic() < until:
            run(session, "VACUUM RETAIN 1 VERSION RUN")
            if random.random() < 0.3:
                run(session, "UNVACUUM")
            try:
                rows(session, f"{CONTENT} AS OF VERSION {max(2, session.version - 3)}")
            except VacuumedError:
                continue
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert all(done.get(timeout=10) > 0 for _ in writers)
    intact(lake, first)


def test_a_vacuum_killed(tmp_path: Path) -> None:
    kills(tmp_path / "lake", 1, seed=3)


@pytest.mark.slow
def test_a_vacuum_killed_a_hundred_times(tmp_path: Path) -> None:
    kills(tmp_path / "lake", 100, seed=100)


@pytest.mark.slow
def test_writers_beside_a_vacuum_lose_nothing(tmp_path: Path) -> None:
    races(tmp_path / "lake", 20)
