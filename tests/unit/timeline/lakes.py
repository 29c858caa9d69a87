"""Small lakehouses for the timeline's tests."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from engine.objectstore import LocalStore
from engine.timeline import Proposal, Signer, Timeline
from engine.timeline.proving import Prover

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.timeline import Commit, Head

SIGNER = Signer(bytes(range(32)))


class TickingClock:
    """A clock that advances by a second at every look, or stands still."""

    def __init__(self, now: int = 1_700_000_000_000_000, step: int = 1_000_000) -> None:
        self.now = now
        self.step = step

    def now_us(self) -> int:
        self.now += self.step
        return self.now

    def token(self) -> str:
        return "0123456789abcdef" * 2


def blob(seq: int) -> bytes:
    """Return the bytes that commit ``seq`` of a test lake inlines."""
    return b"rows of commit %d" % seq


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def proposal(_head: Head, seq: int) -> Proposal:
    return Proposal(
        "insert",
        {
            f"f/00000001/{seq << 32:016x}": b'{"rows":%d}' % seq,
            "t/00000001": b'{"last":%d}' % seq,
        },
        [blob(seq)],
        {"author": "Ann", "message": f"commit {seq}"},
    )


def fill(timeline: Timeline, count: int) -> list[Commit]:
    return [timeline.commit(proposal) for _ in range(count)]


def make(path: Path, count: int = 0) -> Timeline:
    timeline = Timeline.create(LocalStore(path), clock=TickingClock(), signer=SIGNER)
    fill(timeline, count)
    return timeline


class AtOnce:
    """Stands for a thread that has done all its work when it was started."""

    def __init__(self, target: Callable[[], None], name: str) -> None:
        self.target = target
        self.name = name

    def start(self) -> None:
        self.target()

    def is_alive(self) -> bool:
        return False


def reopen(path: Path, *, writable: bool = True) -> Timeline:
    store = LocalStore(path, writable=writable)
    return Timeline.open(store, clock=TickingClock(), signer=SIGNER if writable else None)


def answers(path: Path) -> object:
    """Return everything that a reader can ask of a test lake."""
    timeline = reopen(path, writable=False)
    head = timeline.head
    picks = sorted(
        {0, 1, head.seq // 2, 255, 256, head.seq - 1, head.seq} & set(range(head.seq + 1))
    )
    commits = list(timeline.commits())
    return (
        head.root,
        head.leaf,
        timeline.checkpoint,
        commits,
        [timeline.commit_at(seq) for seq in picks],
        [list(timeline.state_at(seq).items()) for seq in picks],
        [timeline.seq_at(commits[seq].ts) for seq in picks],
        [timeline.object(digest(blob(seq)), seq) for seq in picks if seq],
        [timeline.inclusion(seq) for seq in picks],
        [timeline.consistency(seq + 1) for seq in picks],
        [Prover(timeline).commit(seq) for seq in picks],
    )


def files(path: Path) -> list[Path]:
    """Return every file that holds something."""
    return sorted(file for file in path.rglob("*") if file.is_file() and file.stat().st_size)
