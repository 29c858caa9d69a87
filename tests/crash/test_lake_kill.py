"""`kill -9` at any moment: what was acknowledged is there whole, and nothing else is."""

from __future__ import annotations

import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from engine.session import connect, create_lake
from tests.crash.writers import BULK, run

ROOT = Path(__file__).resolve().parents[2]
TABLES = """
CREATE TABLE log (id INTEGER PRIMARY KEY, text VARCHAR);
CREATE TABLE bulk (id INTEGER, i BIGINT);
CREATE TABLE latest (id INTEGER PRIMARY KEY, number INTEGER);
"""


def committed(lake: Path) -> int:
    """Return how many commits are there, having checked that each is there whole."""
    with closing(connect(lake)) as session:
        (log,) = run(session, "SELECT count(*) AS n, max(id) AS top, min(id) AS low FROM log")
        count = int(str(log["n"]))
        if count:
            assert (log["low"], log["top"]) == (0, count - 1)
        bulk = run(session, "SELECT id, count(DISTINCT i) AS n FROM bulk GROUP BY id ORDER BY id")
        assert bulk == [{"id": i, "n": BULK} for i in range(count) if i % 9 == 4]
        latest = run(session, "SELECT * FROM latest ORDER BY id")
        expected = {i % 7: i for i in range(count)}
        assert latest == [{"id": k, "number": expected[k]} for k in sorted(expected)]
    return count


def survive(lake: Path, rounds: int, seed: int) -> int:
    """Kill a writer ``rounds`` times; return how many commits outlived it all."""
    dice = random.Random(seed)
    create_lake(lake)
    with closing(connect(lake)) as session:
        run(session, TABLES)
    program = [sys.executable, "-m", "tests.crash.writers", "victims", str(lake)]
    with subprocess.Popen(
        program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as victims:
        assert victims.stdin is not None
        assert victims.stdout is not None
        first = 0
        for number in range(rounds):
            since = "start" if number % 4 == 3 else "ready"
            victims.stdin.write(f"{first} {dice.uniform(0.0, 0.6):.4f} {since}\n")
            victims.stdin.flush()
            status, *acks = victims.stdout.readline().split()
            assert status == "-9"
            acknowledged = int(acks[-1]) + 1 if acks else first
            found = committed(lake)
            assert acknowledged <= found <= acknowledged + 1
            first = found
        victims.stdin.close()
    with closing(connect(lake)) as session:
        assert [f for f in session.verify() if not f.ok] == []
    return first


def test_fifteen_kills_lose_nothing(tmp_path: Path) -> None:
    assert survive(tmp_path / "lake", 15, seed=9) > 5


@pytest.mark.slow
def test_five_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    assert survive(tmp_path / "lake", 500, seed=500) > 200
