"""Small lakehouses to copy: commits with inlined objects, and objects in files."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from engine.catalog import FileEntry, Ref
from engine.clock import SystemClock
from engine.objectstore import LocalStore
from engine.proof.note import Checkpoint
from engine.timeline import Proposal, Timeline, checkpoint, load_or_create


def opened(lake: Path) -> Timeline:
    """Return the timeline of a lakehouse, which is made if there is none."""
    store = LocalStore(lake / ".grizzly")
    signer = load_or_create(lake.parent / "key")
    if store.size("FORMAT") is None:
        return Timeline.create(store, clock=SystemClock(), signer=signer)
    return Timeline.open(store, clock=SystemClock(), signer=signer)


def grow(lake: Path, first: int, last: int, *, every: int = 7) -> None:
    """Make commits; each has a file entry, every seventh with an object in a file of its own.

    They are not made durable: no test pulls the plug on them.
    """
    with mock.patch("os.fdatasync"), mock.patch("os.fsync"):
        timeline = opened(lake)
        _grow(timeline, range(first, last), every)
        timeline.compact()


def _grow(timeline: Timeline, numbers: range, every: int) -> None:
    for number in numbers:
        data = f"rows of commit {number} ".encode() * 20
        if number % every == 0:
            put(timeline, number, Ref(timeline.put_object(data)), ())
        else:
            put(timeline, number, None, (data,))


def put(timeline: Timeline, number: int, ref: Ref | None, objects: tuple[bytes, ...]) -> None:
    def build(_head: object, seq: int) -> Proposal:
        from hashlib import sha256

        data = ref or Ref(sha256(objects[0]).hexdigest(), seq)
        entry = FileEntry(rid=number % 50, rows=1, size=9, codec="orc", data=data)
        return Proposal("append", {entry.state_key("0001"): entry.encode()}, objects=objects)

    timeline.commit(build)


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files that make a lakehouse, by their names in it."""
    parts = ("FORMAT", "log", "objects")
    files = (p for p in folder.rglob("*") if p.is_file())
    named = {p.relative_to(folder / ".grizzly").as_posix(): p for p in files}
    return {n: kept(n, p.read_bytes()) for n, p in named.items() if n.split("/")[0] in parts}


def kept(name: str, data: bytes) -> bytes:
    """Return what a file says; of the checkpoints beside the log it is the newest one."""
    if name != "log/checkpoint":
        return data
    notes = [note for note in checkpoint.slots(data) if note]
    return max(notes, key=lambda note: Checkpoint.parse(note).size, default=data)
