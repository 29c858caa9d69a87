"""A backup killed at any moment is the backup that it was, and the next run takes it up."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.archive import back_up
from engine.clock import SystemClock
from engine.objectstore import LocalStore
from engine.timeline import Timeline
from tests.unit.archive.lakes import contents, grow, opened

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def copier(lake: Path, target: Path) -> Iterator[Callable[[str], int]]:
    """Yield what runs one backup as told and returns its exit status."""
    program = [sys.executable, "-m", "tests.crash.copiers", str(lake), str(target)]
    with subprocess.Popen(
        program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told, answers = process.stdin, process.stdout

        def run(line: str) -> int:
            told.write(f"{line}\n")
            told.flush()
            return int(answers.readline())

        yield run
        told.close()


def head(target: Path) -> int:
    """Return how many commits a backup holds, having checked all of it; 0 before there is one."""
    store = LocalStore(target / ".grizzly", writable=False)
    if store.size("FORMAT") is None:
        return 0
    timeline = Timeline.open(store, clock=SystemClock())
    assert [finding for finding in timeline.verify() if not finding.ok] == []
    return timeline.head.seq + 1


def die_at_each_step(lake: Path, tmp_path: Path, every: int, size: int) -> int:
    """Kill a first backup and one that continues it at each step; return the number of deaths."""
    deaths = 0
    for name in ("first", "second"):
        before = tmp_path / f"before-{name}"
        if name == "second":
            back_up(lake, before)
            grow(lake, opened(lake).head.seq, size)
        had, now = (head(before) if before.exists() else 0), opened(lake).head.seq + 1
        target = tmp_path / name
        with copier(lake, target) as run:
            for step in range(0, 10_000, every):
                shutil.rmtree(target, ignore_errors=True)
                if before.exists():
                    shutil.copytree(before, target)
                status = run(f"step {step}")
                if status == 0:
                    break
                assert status == -9
                deaths += 1
                assert had <= head(target) <= now
                if step % 5 == 0:
                    assert run("step 100000") == 0
                    assert contents(target) == contents(lake)
        assert contents(target) == contents(lake)
    return deaths


def test_a_backup_killed_at_some_steps_is_taken_up(tmp_path: Path) -> None:
    grow(tmp_path / "shop", 0, 20)
    assert die_at_each_step(tmp_path / "shop", tmp_path, every=17, size=30) > 3


@pytest.mark.slow
def test_a_backup_killed_at_every_step_is_taken_up(tmp_path: Path) -> None:
    grow(tmp_path / "shop", 0, 20)
    assert die_at_each_step(tmp_path / "shop", tmp_path, every=1, size=262) > 100


@pytest.mark.slow
def test_a_backup_killed_a_hundred_times_loses_nothing(tmp_path: Path) -> None:
    lake, target, dice = tmp_path / "shop", tmp_path / "copy", random.Random(7)
    grow(lake, 0, 300, every=3)
    held = finished = 0
    with copier(lake, target) as run:
        for number in range(100):
            finished += run(f"wait {dice.uniform(0, 0.6):.3f}") == 0
            found = head(target)
            assert found >= held
            held = found
            grow(lake, 300 + 9 * number, 309 + 9 * number, every=3)
    back_up(lake, target)
    assert contents(target) == contents(lake)
    assert finished < 100
