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


def race(lake: Path, *roles: tuple[str, ...]) -> list[str]:
    """Run writers at once and return what each acknowledged."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.crash.writers", role, str(lake), *rest],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for role, *rest in roles
    ]
    outputs = [writer.communicate(timeout=120) for writer in writers]
    for writer, (_, err) in zip(writers, outputs, strict=True):
        assert writer.returncode == 0, err
    return [out for out, _ in outputs]


def test_no_update_is_lost_and_no_key_doubled(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    create_lake(lake)
    with closing(connect(lake)) as session:
        run(session, "CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER)")
    outputs = race(lake, *[("count", str(TIMES), str(KEYS))] * 2)
    for out in outputs:
        assert "conflict" not in out, "a retryable conflict reached the user"
        assert out.split() == list(map(str, range(TIMES)))
    with closing(connect(lake)) as session:
        rows = run(session, "SELECT id, n FROM counter ORDER BY id")
        assert rows == [{"id": key, "n": 2 * TIMES // KEYS} for key in range(KEYS)]
        assert session.version >= 2 * TIMES
        assert [f for f in session.verify() if not f.ok] == []


def test_money_moves_between_tables_and_none_is_made(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    total = "SELECT (SELECT sum(n) FROM savings) + (SELECT sum(n) FROM checking) AS n"
    create_lake(lake)
    with closing(connect(lake)) as session:
        for table in ("savings", "checking"):
            run(session, f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, n INTEGER)")
            run(session, f"INSERT INTO {table} SELECT i, 100 FROM range(4) r(i)")
        first = session.version
    outputs = race(lake, ("transfer", "40", "1"), ("transfer", "40", "2"))
    for out in outputs:
        assert [line for line in out.split() if line != "conflict"] == list(map(str, range(40)))
    with closing(connect(lake)) as session:
        assert session.version == first + 80
        for version in range(first, session.version + 1, 7):
            with closing(connect(lake, as_of=str(version))) as past:
                assert run(past, total) == [{"n": 800}]
        assert run(session, total) == [{"n": 800}]
        assert run(session, "SELECT count(*) AS n FROM savings") == [{"n": 4}]
