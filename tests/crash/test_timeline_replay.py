"""Every state that a disk may be in after a power cut opens, and is what was acknowledged.

A store writes down what it was asked to do; the replayer makes the folder that a machine may find
after stopping at any of these steps, when what was not synced was kept, lost, or torn.
"""

from __future__ import annotations

import os
import random
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from engine.objectstore import LocalStore, layout
from engine.timeline import Proposal, Timeline
from engine.timeline.waiting import Ticket
from tests.unit.timeline import lakes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from engine.timeline import Head


_SECTOR = 512
_BEFORE = 380


@dataclass(frozen=True)
class Step:
    """One change of one file. ``acked`` commits had been promised before it."""

    kind: str
    path: str
    data: bytes = b""
    at: int = 0
    durable: bool = True
    acked: int = 0


class Recorder(LocalStore):
    """A store that writes down every change that it makes."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.steps: list[Step] = []
        self.acked = -1

    def _note(self, kind: str, path: str, data: bytes, at: int, *, durable: bool) -> None:
        self.steps.append(Step(kind, path, data, at, durable, self.acked))

    @override
    def put_many(self, files: Iterable[tuple[str, bytes | memoryview]]) -> None:
        for path, data in files:
            self._note("put", path, bytes(data), 0, durable=True)
            super().put_many([(path, data)])

    @override
    def replace(self, path: str, data: bytes) -> None:
        self._note("put", path, data, 0, durable=False)
        super().replace(path, data)

    @override
    def patch(self, path: str, data: bytes, at: int) -> None:
        self._note("write", path, data, at, durable=False)
        super().patch(path, data, at)

    @override
    def append(self, path: str, data: bytes, at: int) -> None:
        self._note("write", path, data, at, durable=True)
        super().append(path, data, at)

    @override
    def truncate(self, path: str, size: int) -> None:
        self._note("truncate", path, b"", size, durable=True)
        super().truncate(path, size)

    @override
    def remove(self, path: str) -> None:
        if self.size(path) is not None:
            self._note("remove", path, b"", 0, durable=False)
        super().remove(path)


Files = dict[str, bytes]


def applied(files: Files, step: Step, cut: int | None = None) -> None:
    """Do a step, or only its first bytes."""
    old = files.get(step.path, b"")
    if step.kind == "put":
        files[step.path] = step.data
    elif step.kind == "write":
        data = step.data if cut is None else step.data[:cut]
        files[step.path] = old[: step.at].ljust(step.at, b"\0") + data + old[step.at + len(data) :]
    elif step.kind == "truncate":
        files[step.path] = old[: step.at]
    else:
        files.pop(step.path, None)


class Disk:
    """What is on the disk for certain, and the steps since that a power cut may undo."""

    def __init__(self, files: Files) -> None:
        self.sure = dict(files)
        self.loose: list[Step] = []

    def do(self, step: Step) -> None:
        """Do a step; a sync of a file makes sure of what was done to that file before."""
        if not step.durable:
            self.loose.append(step)
            return
        for earlier in [loose for loose in self.loose if loose.path == step.path]:
            applied(self.sure, earlier)
            self.loose.remove(earlier)
        applied(self.sure, step)

    def after_cut(self, step: Step, dice: random.Random) -> Files:
        """Return what may be found when the power went during a step."""
        found = dict(self.sure)
        for loose in self.loose:
            if dice.random() < 0.5:
                applied(found, loose)
        if step.kind == "write":
            choice = dice.randrange(4)
            if choice == 1:
                applied(found, step, dice.randrange(len(step.data) + 1))
            elif choice == 2:
                # The file has its new length; its sectors came in any order.
                torn = bytearray(step.data)
                for at in range(-(step.at % _SECTOR), len(torn), _SECTOR):
                    if dice.random() < 0.5:
                        lost = slice(max(at, 0), min(at + _SECTOR, len(torn)))
                        torn[lost] = bytes(lost.stop - lost.start)
                applied(found, Step("write", step.path, bytes(torn), step.at))
            elif choice == 3:
                applied(found, step)
        elif dice.random() < 0.5:
            applied(found, step)
        return found


def read(path: Path) -> Files:
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file() and file.parent.name != layout.TMP
    }


def lay(files: Files, path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)


@contextmanager
def unsynced() -> Iterator[None]:
    """Let the tests' own files be as good as durable."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fdatasync", lambda _fd: None)
        patch.setattr(os, "fsync", lambda _fd: None)
        yield


def history(path: Path) -> tuple[Files, list[Step], list[bytes]]:
    """Return a lake's files, what was then done to it, and the root after each of its commits."""
    timeline = lakes.make(path, _BEFORE)
    timeline.compact()
    before = read(path)
    store = Recorder(path)
    timeline = Timeline.open(store, clock=lakes.TickingClock(), signer=lakes.SIGNER)
    store.acked = timeline.head.seq
    for number in range(130):
        # Those that wait already become durable with the one that comes.
        timeline._waiting._tickets += [Ticket(sized) for _ in range(number % 4)]
        store.acked = timeline.commit(sized).seq
        if number % 40 == 39:
            timeline.compact()
    return before, store.steps, [timeline.root_at(seq + 1) for seq in range(store.acked + 1)]


def sized(head: Head, seq: int) -> Proposal:
    """Propose a commit with an object that takes up some sectors."""
    plain = lakes.proposal(head, seq)
    more = random.Random(seq).randbytes(seq % 5 * 700)
    return Proposal(plain.op, plain.changes, [*plain.objects, more], plain.meta)


def check(path: Path, acked: int, following: int, roots: list[bytes]) -> None:
    """Open what is left of a lake: what was promised is there, and of a group all or nothing."""
    reader = lakes.reopen(path, writable=False)
    head = reader.head
    assert head.seq in {acked, following}
    for data in (sized if head.seq > _BEFORE else lakes.proposal)(head, head.seq).objects:
        reader.object(lakes.digest(data), head.seq)
    assert head.root == roots[head.seq]
    assert head.state.get("t/00000001") == b'{"last":%d}' % head.seq
    if head.seq % 6:
        return
    writer = lakes.reopen(path)
    assert writer.commit(lakes.proposal).seq == head.seq + 1
    assert lakes.reopen(path).root_at(head.seq + 1) == head.root


def run(tmp_path: Path, states: int, seed: int) -> None:
    dice = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch, unsynced():
        patch.setattr("engine.timeline.timeline.Thread", lakes.AtOnce)
        patch.setattr("engine.timeline.compact.WIDTHS", (2, 4))
        before, steps, roots = history(tmp_path / "lake")
        ends = {len(roots) - 1, len(roots)} | {step.acked for step in steps}
        busy = [n for n, step in enumerate(steps) if step.kind in {"put", "remove"}]
        chosen = dice.choices(range(len(steps)), k=states // 2)
        chosen += [n + dice.randrange(-2, 3) for n in dice.choices(busy, k=states - len(chosen))]
        disk, done = Disk(before), 0
        for place in sorted(min(max(place, 0), len(steps) - 1) for place in chosen):
            for step in steps[done:place]:
                disk.do(step)
            done = place
            lay(disk.after_cut(steps[place], dice), tmp_path / "cut")
            acked = steps[place].acked
            following = min(seq for seq in ends if seq > acked)
            check(tmp_path / "cut", acked, following, roots)


def test_every_state_after_a_power_cut_is_a_promised_one(tmp_path: Path) -> None:
    run(tmp_path, 300, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_ten_thousand_states_after_power_cuts(tmp_path: Path, seed: int) -> None:
    run(tmp_path, 1000, seed)
