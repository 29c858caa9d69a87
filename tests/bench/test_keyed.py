"""Writes and lookups by key, with the peers beside us; see ``peers.py`` for what each of them does.

Informs, never gates. Peers that are not installed are left out (``pip install -e '.[bench]'``).
DuckLake needs an older DuckDB: name a Python that has ``duckdb==1.5.5``, ``duckdb-extension-ducklake``,
``numpy`` and ``pyarrow`` in ``DUCKLAKE_PYTHON``.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest

import grizzly
from engine.cache import shared
from engine.session import connect, create_lake
from engine.storage import verified
from tests.bench.peers import ENGINES, SQL_COLUMNS, Grizzly, sync_cost, table

ROOT = Path(__file__).resolve().parents[2]
ROWS = 1_000_000


def timed(action: Callable[[], object], times: int) -> float:
    """Return the median. Units: milliseconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def measured(engine: str, folder: Path) -> dict[str, float] | None:
    python = os.environ.get("DUCKLAKE_PYTHON", "") if engine == "ducklake" else sys.executable
    if not python:
        return None
    done = subprocess.run(
        [python, "tests/bench/peers.py", engine, str(folder), str(ROWS)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    if done.returncode:
        print(f"\n{engine}: {done.stderr.strip().splitlines()[-1]}")
        return None
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_beside_the_peers(tmp_path: Path) -> None:
    # Twice, one after the other, for a busy machine is not equally busy for all.
    rounds = [{name: measured(name, tmp_path) for name in ENGINES} for _ in range(2)]
    ours = rounds[0]["grizzly"]
    assert ours is not None
    print(f"\n{'ms, ' + format(ROWS, ',') + ' rows x 9':<24}", *(f"{n:>11}" for n in ENGINES))
    for what in ours:
        cells = []
        for name in ENGINES:
            got = [found[what] for one in rounds if (found := one[name]) is not None]
            cells.append(f"{min(got):11.2f}" if got else f"{'-':>11}")
        print(f"{what:<24}", *cells)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[grizzly.Connection]:
    create_lake(tmp_path / "lake")
    with grizzly.connect(tmp_path / "lake") as db:
        db.execute(f"CREATE TABLE t ({SQL_COLUMNS.format(key=' PRIMARY KEY')})")
        db.execute("CREATE TABLE plain (id INTEGER, name VARCHAR)")
        yield db


def test_one_row_at_a_time(db: grizzly.Connection, tmp_path: Path) -> None:
    rows = [list(row) for row in zip(*table(np.arange(900)).to_pydict().values(), strict=True)]
    marks = ", ".join("?" * 9)
    numbers = iter(rows)
    forms: dict[str, Callable[[], object]] = {
        "INSERT, 2 columns": lambda: db.execute("INSERT INTO plain VALUES (?, ?)", [1, "x"]),
        "INSERT, 9 columns, keyed": lambda: db.execute(
            f"INSERT INTO t VALUES ({marks})", next(numbers)
        ),
        "append, 9 columns, keyed": lambda: db.append("t", [next(numbers)]),
    }
    for name, action in forms.items():
        timed(action, 20)
        before, took, after = sync_cost(tmp_path), timed(action, 200), sync_cost(tmp_path)
        print(f"\n{name:<28} p50 {took:6.2f} ms   x{2 * took / (before + after):.1f} of a sync")


@pytest.mark.slow
def test_commits_stay_flat(db: grizzly.Connection) -> None:
    commits = int(os.environ.get("COMMITS", "20000"))
    took: list[float] = []
    for number in range(commits):
        began = time.perf_counter()
        db.execute("INSERT INTO plain VALUES (?, ?)", [number, "x"])
        took.append((time.perf_counter() - began) * 1000)
    first, last = statistics.median(took[:1000]), statistics.median(took[-1000:])
    print(
        f"\n{commits} commits: first 1,000 {first:.2f} ms, last 1,000 {last:.2f} ms, x{last / first:.2f}"
    )


def test_many_clients(db: grizzly.Connection, tmp_path: Path) -> None:
    clients, each = 32, 20
    handles = [connect(tmp_path / "lake") for _ in range(clients)]

    def work(number: int) -> None:
        for _ in range(each):
            handles[number].append("plain", [(number, "x")])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    for handle in handles:
        handle.close()
    assert db.execute("SELECT count(*) FROM plain").fetchone() == (clients * each,)
    print(f"\n{clients} clients: {clients * each / took:,.0f} transactions/s")


@pytest.mark.slow
def test_ten_million_rows(tmp_path: Path) -> None:
    order = np.random.default_rng(1).permutation(10 * ROWS)
    engine = Grizzly(tmp_path / "lake")
    for start in range(0, len(order), ROWS):
        engine.append(table(order[start : start + ROWS]))
    engine.db.close()
    keys = random.Random(3).sample(range(10 * ROWS), 300)
    with grizzly.connect(tmp_path / "lake") as db:
        pick = iter(keys).__next__
        cold = timed(lambda: db.get("t", pick()), 100)
        again = iter(keys[:100] * 3).__next__
        warm = timed(lambda: db.get("t", again()), 100)
        sql = timed(lambda: db.execute("SELECT * FROM t WHERE id = ?", [again()]).fetchone(), 200)
        print(
            f"\none of 10M rows: cold {cold:.1f} ms, warm get {warm:.2f} ms, warm SQL {sql:.2f} ms"
        )
        chosen = np.random.default_rng(9).choice(11 * ROWS, ROWS, replace=False)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        rows = table(chosen)
        began = time.perf_counter()
        db.upsert("t", rows)
        took, peak = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"upsert 1M into 10M: {took:.1f} s, peak {peak >> 10} MB (before {before >> 10} MB)")


def test_an_answer_from_a_closed_lakehouse(db: grizzly.Connection, tmp_path: Path) -> None:
    db.execute("INSERT INTO plain VALUES (1, 'x')")

    def opened() -> None:
        with grizzly.connect(tmp_path / "lake") as other:
            assert other.execute("SELECT * FROM plain").fetchall() == [(1, "x")]

    opened()
    print(f"\nopen and first answer: {timed(opened, 20):.2f} ms")


class _NoHash:
    """Says what was expected: what a scan costs that verifies nothing."""

    def __init__(self, expected: str) -> None:
        self._expected = expected

    def hexdigest(self) -> str:
        return self._expected


def test_verifying_costs_little(db: grizzly.Connection, tmp_path: Path) -> None:
    db.append("t", table(np.arange(ROWS // 2)))
    sql = "SELECT sum(a), sum(b), sum(c), max(d), max(e), max(f), max(h) FROM t"
    known: dict[tuple[int, bytes, bytes], str] = {}

    def name(data: bytes) -> tuple[int, bytes, bytes]:
        return len(data), bytes(data[:64]), bytes(data[-64:])

    def learn(data: bytes) -> _NoHash:
        return _NoHash(known.setdefault(name(data), hashlib.sha256(data).hexdigest()))

    def blind(data: bytes) -> _NoHash:
        return _NoHash(known[name(data)])

    def scan(how: Callable[[bytes], object], *, again: bool) -> float:
        """Return the processor's time of one scan, the files being new to this process."""
        forget()
        fake = SimpleNamespace(sha256=how)
        with (
            mock.patch("engine.storage.verified.hashlib", fake),
            closing(connect(tmp_path / "lake")) as session,
        ):
            for _ in range(1 + again):
                began = time.process_time()
                for result in session.run(sql):
                    result.table()
            return time.process_time() - began

    for again in (False, True):
        scan(learn, again=again)
        pairs = [scan(hashlib.sha256, again=again) / scan(blind, again=again) for _ in range(7)]
        kind = "warm" if again else "cold"
        print(f"\nscan, {kind}: x{statistics.median(pairs):.2f} of an unverified one")


def forget() -> None:
    """Hold nothing, and know of no file that it is whole."""
    verified._memo._known.clear()
    shared._values.clear()
    shared.nbytes = 0
