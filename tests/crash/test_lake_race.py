"""Two processes upsert the same keys at once: no update is lost, no key is there twice."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from engine.session import connect, create_lake
from tests.crash.writers import run

ROOT = Path(__file__).resolve().parents[2]
TIMES, KEYS = 80, 5


def race(lake: Path, *roles: tuple[str, ...], seconds: float = 120) -> list[str]:
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
    outputs = [writer.communicate(timeout=seconds) for writer in writers]
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
    outputs = race(lake, ("transfer", "20", "1"), ("transfer", "20", "2"))
    for out in outputs:
        assert [line for line in out.split() if line != "conflict"] == list(map(str, range(20)))
    with closing(connect(lake)) as session:
        assert session.version == first + 40
        for version in range(first, session.version + 1, 7):
            with closing(connect(lake, as_of=str(version))) as past:
                assert run(past, total) == [{"n": 800}]
        assert run(session, total) == [{"n": 800}]
        assert run(session, "SELECT count(*) AS n FROM savings") == [{"n": 4}]


def overlapping(lake: Path, processes: int, times: int, width: int, keys: int) -> None:
    """Let processes write ranges of keys over each other: none is lost, none is there twice."""
    create_lake(lake)
    with closing(connect(lake)) as session:
        run(session, "CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER)")
        run(session, "CREATE TABLE owner (id INTEGER PRIMARY KEY, who INTEGER)")
    roles = [("overlap", str(times), str(n), str(width), str(keys)) for n in range(processes)]
    lines = [line.split() for out in race(lake, *roles, seconds=1800) for line in out.splitlines()]
    added: dict[int, int] = {}
    for word, first, *_ in lines:
        if word == "added":
            for key in range(int(first), int(first) + width):
                added[key] = added.get(key, 0) + 1
    winners = {
        int(first): int(who) for word, first, *who_ in lines if word == "won" for who in who_
    }
    assert sum(added.values()) == processes * times * width
    with closing(connect(lake)) as session:
        counted = run(session, "SELECT id, n FROM counter")
        assert len(counted) == len(added)
        assert {row["id"]: row["n"] for row in counted} == added
        owned = run(session, "SELECT id, who FROM owner")
        assert len(owned) == len(winners)
        assert {row["id"]: row["who"] for row in owned} == winners
        assert [f for f in session.verify() if not f.ok] == []


def test_key_races(tmp_path: Path) -> None:
    overlapping(tmp_path / "lake", processes=2, times=13, width=20, keys=60)


@pytest.mark.slow
def test_a_hundred_thousand_key_races(tmp_path: Path) -> None:
    overlapping(tmp_path / "lake", processes=4, times=500, width=50, keys=400)


def beside_compaction(lake: Path, times: int) -> None:
    """Let two writers change rows of their own while another process only compacts."""
    create_lake(lake)
    with closing(connect(lake)) as session:
        run(session, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)")
        run(session, "INSERT INTO t SELECT i, 0 FROM range(100) r(i)")
    writers = [("own", str(times), str(me), "2") for me in range(2)]
    *outputs, rounds = race(lake, *writers, ("compactor", str(times // 8)), seconds=1800)
    assert [line for out in outputs for line in out.splitlines() if "conflict" in line] == []
    assert "conflict" not in rounds
    assert int(rounds) > 0
    with closing(connect(lake)) as session:
        assert run(session, "SELECT count(*) AS c, count(DISTINCT id) AS d FROM t") == [
            {"c": 100 + 2 * min(3, times), "d": 100 + 2 * min(3, times)}
        ]
        assert run(session, "SELECT sum(n) AS n FROM t WHERE id < 100") == [{"n": 2 * times}]
        assert run(session, "SELECT count(*) AS c FROM grizzly.timeline WHERE op = 'compact'") != [
            {"c": 0}
        ]
        assert [f for f in session.verify() if not f.ok] == []


def test_compaction_stops_no_writer(tmp_path: Path) -> None:
    beside_compaction(tmp_path / "lake", times=24)


@pytest.mark.slow
def test_compaction_stops_no_writer_for_long(tmp_path: Path) -> None:
    beside_compaction(tmp_path / "lake", times=800)
