"""What a commit costs, and what a long history costs: told, never asserted."""

from __future__ import annotations

import hashlib
import os
import statistics
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from engine.clock import SystemClock
from engine.objectstore import LocalStore
from engine.proof.bundle import verify
from engine.proof.hashing import leaf_hash
from engine.proof.tree import verify_consistency, verify_inclusion
from engine.timeline import Head, Proposal, Signer, Timeline
from engine.timeline.proving import Prover
from engine.timeline.waiting import Ticket

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIGNER = Signer(bytes(range(32)))
SMALL = int(os.environ.get("GRIZZLY_BENCH_COMMITS", "20000"))
LARGE = int(os.environ.get("GRIZZLY_BENCH_HISTORY", "100000"))
OBJECT = 600


def build(number: int, keys: int) -> Callable[[Head, int], Proposal]:
    """Return what proposes one small commit: a key of about 200 bytes, and an object of 600."""
    data = hashlib.shake_128(b"%d" % number).digest(OBJECT)
    digest = hashlib.sha256(data).hexdigest()

    def propose(_head: Head, seq: int) -> Proposal:
        value = (
            b'{"bytes":600,"codec":"arrow","data":{"at":%d,"digest":"%s"},"rows":10,'
            b'"stats":{"id":[%d,%d],"t":["a%06d","z%06d"]}}'
        ) % (seq, digest.encode(), number, number + 10, number, number)
        key = f"f/00000001/{number % keys << 32:016x}"
        return Proposal("insert", {key: value}, [data], {"author": "ann", "message": ""})

    return propose


def make(path: Path) -> Timeline:
    return Timeline.create(LocalStore(path), clock=SystemClock(), signer=SIGNER)


def grow(timeline: Timeline, first: int, count: int, keys: int) -> None:
    """Make commits in groups of 256, by the way that waiting threads take."""
    for start in range(first, first + count, 256):
        tickets = [Ticket(build(n, keys)) for n in range(start, min(start + 256, first + count))]
        with timeline.store.lock(30):
            timeline._write(tickets)
        assert all(ticket.error is None for ticket in tickets)
        timeline._keep_up()


class Floor:
    """One append and its sync, which nothing durable can be cheaper than."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        self.data = os.urandom(1100)
        self.end = 0

    def write(self) -> None:
        os.pwrite(self.fd, self.data, self.end)
        os.fdatasync(self.fd)
        self.end += len(self.data)


def metadata(path: Path, commits: int) -> float:
    """Return the bytes of all files but the inlined objects' own, for each commit."""
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return (size - commits * OBJECT) / commits


def timed(ask: Callable[[], Any], times: int = 20) -> str:
    """Return the median of some calls, and of the processor time in them."""
    walls, cpus = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.thread_time()
        ask()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.thread_time() - cpu)
    return f"{statistics.median(walls) * 1e3:.2f} ms, {statistics.median(cpus) * 1e3:.2f} of CPU"


@pytest.mark.slow
def test_one_small_commit(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    timeline = make(tmp_path / "lake")
    floor, floors, windows = Floor(tmp_path / "floor"), [], []
    for first in range(0, SMALL, max(1000, SMALL // 5)):
        grow(timeline, timeline.head.seq + 1, max(0, first - timeline.head.seq), 1 << 40)
        ours, theirs = [], []
        for number in range(600):
            propose = build(first + number, 1 << 40)
            begun = time.perf_counter()
            timeline.commit(propose)
            between = time.perf_counter()
            floor.write()
            theirs.append((time.perf_counter() - between) * 1e6)
            ours.append((between - begun) * 1e6)
        floors.append(statistics.median(theirs))
        windows.append(statistics.median(ours))
    print("\nfloor us", [round(floor) for floor in floors])
    print("commit us", [round(window) for window in windows])
    ratios = [window / floor for window, floor in zip(windows, floors, strict=True)]
    print("ratios", [round(ratio, 2) for ratio in ratios])
    record_property("ratio", statistics.median(ratios))


@pytest.mark.slow
def test_thirty_two_threads(tmp_path: Path) -> None:
    timeline = make(tmp_path / "lake")
    grow(timeline, 1, 5000, 1 << 40)
    each = 400
    proposals = [[build(10_000 + t * each + n, 1 << 40) for n in range(each)] for t in range(32)]

    def work(mine: list[Callable[[Head, int], Proposal]]) -> None:
        for propose in mine:
            timeline.commit(propose)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in proposals]
    wall, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"\n{32 * each / wall:.0f} commits/s, {cpu / (32 * each) * 1e6:.0f} us of CPU each")


@pytest.mark.slow
@pytest.mark.parametrize("keys", [1 << 40, 10_000])
def test_a_long_history(tmp_path: Path, keys: int) -> None:
    timeline = make(tmp_path / "lake")
    begun = time.perf_counter()
    grow(timeline, 1, LARGE, keys)
    print(f"\nbuilt {LARGE} in {time.perf_counter() - begun:.1f} s")
    timeline.compact()
    measure(tmp_path / "lake", keys)


def measure(path: Path, keys: int) -> None:
    """Tell what a lake that ``grow`` made costs to keep and to ask."""

    def opened() -> Timeline:
        return Timeline.open(LocalStore(path, writable=False), clock=SystemClock())

    commits = opened().head.seq + 1
    files = sum(1 for file in path.rglob("*") if file.is_file())
    print(f"{commits} commits, {metadata(path, commits):.0f} bytes each, {files} files")
    middle = commits // 2
    key = f"f/00000001/{commits // 3 % keys << 32:016x}"
    ts, warm = opened().commit_at(middle).ts, opened()
    for name, ask in (
        ("open, one key", lambda: opened().head.state.get(key)),
        ("open, state_at", lambda: opened().state_at(middle).get(key)),
        ("open, commit_at", lambda: opened().commit_at(middle)),
        ("open, seq_at", lambda: opened().seq_at(ts)),
        ("open, commits since the middle, to the first", lambda: next(opened().commits(middle))),
        ("open, inclusion", lambda: opened().inclusion(middle)),
        ("open, consistency", lambda: opened().consistency(middle)),
        ("seq_at", lambda: warm.seq_at(ts)),
        ("commits since the middle, to the first", lambda: next(warm.commits(middle))),
        ("commit_at", lambda: warm.commit_at(middle)),
        ("inclusion", lambda: warm.inclusion(middle)),
        ("prove", lambda: Prover(warm).commit(middle)),
    ):
        print(f"{name}: {timed(ask)}")
    proof, leaf = warm.inclusion(middle), leaf_hash(warm.commit_at(middle).leaf)
    old, steps, root = warm.root_at(middle), warm.consistency(middle), warm.head.root
    bundle = Prover(warm).commit(middle)
    print(f"bundle: {len(bundle)} bytes")
    for name, check in (
        ("verify inclusion", lambda: verify_inclusion(middle, commits, leaf, proof, root)),
        ("verify consistency", lambda: verify_consistency(middle, commits, old, root, steps)),
        ("verify the bundle", lambda: verify(bundle)),
    ):
        print(f"{name}: {timed(check)}")
