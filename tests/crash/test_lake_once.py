"""A writer that numbers its transactions is killed, and asks again for what it does not know: it is there once."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from engine.session import connect, create_lake
from tests.crash.writers import run

ROOT = Path(__file__).resolve().parents[2]


def killed(lake: Path, first: int, delay: float) -> list[int]:
    """Write from number ``first`` on until a kill; return the numbers that were acknowledged."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.writers", "numbered", str(lake), str(first)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    time.sleep(delay)
    writer.kill()
    out, _ = writer.communicate()
    return [int(line) for line in out.split()]


def again_and_again(lake: Path, rounds: int) -> None:
    create_lake(lake)
    with closing(connect(lake)) as session:
        run(session, "CREATE TABLE log (id INTEGER, text VARCHAR)")
    dice = random.Random(rounds)
    following = 0
    for _ in range(rounds):
        numbers = killed(lake, following, dice.uniform(0.05, 0.3))
        assert numbers == list(range(following, following + len(numbers)))
        following += len(numbers)
    with closing(connect(lake)) as session:
        # The last of all may have been committed and never told.
        run(
            session,
            f"BEGIN IDEMPOTENT ('numbered', {following});"
            f"INSERT INTO log VALUES ({following}, 'once'); COMMIT",
        )
        found = run(session, "SELECT id, count(*) AS n FROM log GROUP BY id ORDER BY id")
        assert found == [{"id": n, "n": 1} for n in range(following + 1)]


def test_what_is_numbered_is_there_once(tmp_path: Path) -> None:
    again_and_again(tmp_path / "lake", rounds=2)


@pytest.mark.slow
def test_what_is_numbered_is_there_once_however_often(tmp_path: Path) -> None:
    again_and_again(tmp_path / "lake", rounds=60)
