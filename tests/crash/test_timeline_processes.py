"""Several processes at once, some of them killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.unit.timeline import lakes

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from tests.unit.timeline import lakes
timeline = lakes.reopen(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    print(timeline.commit(lakes.proposal).seq, flush=True)
"""


def writer(lake: Path, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(lake), str(count)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop", 200)
    running = [writer(tmp_path / "shop", 100) for _ in range(2)]
    acknowledged = [int(line) for process in running for line in process.communicate()[0].split()]
    assert [process.returncode for process in running] == [0, 0]
    assert sorted(acknowledged) == list(range(201, 401))
    assert timeline.refresh().seq == 400
    assert [commit.seq for commit in timeline.commits()] == list(range(401))
    assert timeline.head.state.count == 402
    assert all(finding.ok for finding in timeline.verify())


def test_killed_processes_keep_their_promises(tmp_path: Path) -> None:
    lakes.make(tmp_path / "shop", 230)
    chance = random.Random(7)
    acknowledged = 230
    for _ in range(6):
        process = writer(tmp_path / "shop", 10_000)
        assert process.stdout is not None
        acknowledged = max(acknowledged, int(process.stdout.readline()))
        time.sleep(chance.random() * 0.05)
        os.kill(process.pid, signal.SIGKILL)
        rest = process.communicate()[0]
        acknowledged = max([acknowledged, *map(int, rest.split("\n")[:-1])])
        timeline = lakes.reopen(tmp_path / "shop")
        assert acknowledged <= timeline.head.seq <= acknowledged + 1
        acknowledged = timeline.head.seq
    assert [commit.seq for commit in timeline.commits()] == list(range(acknowledged + 1))
    for seq in range(1, acknowledged + 1, 17):
        assert timeline.object(lakes.digest(lakes.blob(seq)), seq) == lakes.blob(seq)
    assert all(finding.ok for finding in timeline.verify())
