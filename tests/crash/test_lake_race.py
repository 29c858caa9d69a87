"""Two processes upsert the same keys at once: no update is lost, no key is there twice."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from engine.session import connect, create_lake
from tests.crash.writers import run

ROOT = Path(__file__).resolve().parents[2]
TIMES, KEYS = 200, 5


def test_no_update_is_lost_and_no_key_doubled(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    create_lake(lake)
    with closing(connect(lake)) as session:
        run(session, "CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER)")
    program = [sys.executable, "-m", "tests.crash.writers", "count"]
    writers = [
        subprocess.Popen(
            [*program, str(lake), str(TIMES), str(KEYS)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [writer.communicate(timeout=120) for writer in writers]
    for writer, (out, err) in zip(writers, outputs, strict=True):
        assert writer.returncode == 0, err
        assert [line for line in out.split() if line != "conflict"] == list(map(str, range(TIMES)))
    with closing(connect(lake)) as session:
        rows = run(session, "SELECT id, n FROM counter ORDER BY id")
        assert rows == [{"id": key, "n": 2 * TIMES // KEYS} for key in range(KEYS)]
        assert session.version >= 2 * TIMES
        assert [f for f in session.verify() if not f.ok] == []
    assert "conflict" not in outputs[0][0] + outputs[1][0], "a retryable conflict reached the user"
