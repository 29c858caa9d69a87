"""The changes of 19,000 updated rows among 1,000,000: two images each, 38,000 events.

Informs, never gates. Peers run in a process of their own, by the Python that GRIZZLY_BENCH_PEERS names
(it needs deltalake, or duckdb and its extension ducklake); without it they are left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.session import connect, create_lake
from tests.bench.test_side_by_side import drain, timed

PEERS = os.environ.get("GRIZZLY_BENCH_PEERS")
IRRELEVANT = 4_000


@pytest.mark.parametrize("engine", ["grizzly", "delta-rs", "ducklake"])
def test_changes_of_many_rows(engine: str, tmp_path: Path) -> None:
    python = sys.executable if engine == "grizzly" else PEERS
    if python is None:
        pytest.skip("GRIZZLY_BENCH_PEERS names no Python")
    script = Path(__file__).with_name("change_peers.py")
    done = subprocess.run(
        [python, str(script), engine, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    if done.returncode:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    found = json.loads(done.stdout)
    shown = "   ".join(f"{name} {ms:.1f} ms" for name, ms in found.items() if "events" not in name)
    print(f"\n{engine:<9} {found['events spread']:.0f} events   {shown}")
    assert found["events spread"] == found["events together"] == 38_000


def test_net_changes_cost_by_what_differs(tmp_path: Path) -> None:
    create_lake(tmp_path / "lake")
    session = connect(tmp_path / "lake")
    drain(session, "CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)")
    drain(session, "INSERT INTO t SELECT i, i FROM range(1000) r(i); CREATE TABLE u (k INTEGER)")
    since = session.version
    drain(session, "UPDATE t SET v = 0 WHERE k = 7")
    for _ in range(IRRELEVANT // 100):
        drain(session, ";".join(["INSERT INTO u VALUES (1)"] * 100))
    for shape in ("NET", "FULL"):
        took = timed(
            lambda shape=shape: drain(session, f"CHANGES {shape} FROM t SINCE VERSION {since}"), 3
        )
        print(f"\n{shape}, one row changed, {IRRELEVANT} commits to another table: {took:.1f} ms")
    session.close()
