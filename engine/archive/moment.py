"""One moment of a lakehouse as a list of files: what a pack, a copy and a restore all begin with.

Layer: ``engine.archive``. Invariant: the files of a moment make a whole lakehouse by themselves; the
log is measured under the lakehouse's lock, all else that a commit rests on is durable and unchanging
before the commit is in the log.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.archive.reader import CHUNK
from engine.archive.store import ArchiveStore
from engine.catalog import refs_of
from engine.clock import SystemClock
from engine.errors import CorruptError, LakeError
from engine.objectstore import Lease, LocalStore, layout
from engine.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from engine.catalog import Ref
    from engine.objectstore import Store

_LOCK_SECONDS = 30.0
_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def lake_folder(path: Path) -> Path:
    """Return the folder that holds the lakehouse's own files, given it or the one around it."""
    inner = path / layout.FOLDER
    return inner if inner.is_dir() else path


def open_store(path: Path) -> Store:
    """Return the store of a lakehouse's folder, of a copy of one, or of an archive.

    Raises: LakeError when there is nothing; ArchiveError, IoError.
    """
    if path.is_file():
        return ArchiveStore(path)
    if not path.exists():
        raise LakeError(f"{path} does not exist", subject=str(path))
    root = lake_folder(path)
    return LocalStore(root, writable=os.access(root, os.W_OK))


@contextmanager
def kept(store: Store) -> Iterator[None]:
    """Let nothing be vacuumed from a lakehouse meanwhile."""
    lease = None
    if isinstance(store, LocalStore) and store.writable and store.size(layout.FORMAT) is not None:
        lease = Lease(store)
        lease.hold(0)
    try:
        yield
    finally:
        if lease is not None:
            lease.close()


@dataclass(frozen=True)
class Moment:
    """What a lakehouse was made of. ``files`` gives sizes, or bytes where a file gets replaced."""

    store: Store
    timeline: Timeline
    checkpoint: str
    files: Mapping[str, int | bytes]

    @property
    def commits(self) -> int:
        """Return how many commits the log had."""
        return self.timeline.head.seq + 1

    def size(self, name: str) -> int:
        """Return a file's size."""
        kept = self.files[name]
        return kept if isinstance(kept, int) else len(kept)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a file's bytes, in pieces of bounded size.

        Raises: CorruptError when the file became shorter; IoError.
        """
        kept = self.files[name]
        if isinstance(kept, bytes):
            yield kept
            return
        source = self.store.source(name)
        for offset in range(0, kept, CHUNK):
            length = min(CHUNK, kept - offset)
            chunk = source.read(offset, length)
            if len(chunk) != length:
                raise CorruptError(f"{name} became shorter", subject=name)
            yield chunk


def measure(store: Store) -> Moment:
    """Return the newest moment of a lakehouse, without its objects.

    The last segment counts up to its last intact commit, and the checkpoint is that one's.

    Raises: LakeError when there is no lakehouse, or others write for too long; CorruptError.
    """
    timeline = Timeline.open(store, clock=SystemClock())
    files = timeline.files(_LOCK_SECONDS)
    return Moment(store, timeline, timeline.checkpoint, dict(sorted(files.items())))


def listed(store: Store, *prefixes: str) -> Iterator[str]:
    """Yield every file below some folders."""
    for prefix in prefixes:
        yield from store.list(prefix)


def size_of(store: Store, name: str) -> int:
    """Return the size of a file that must be there.

    Raises: CorruptError.
    """
    size = store.size(name)
    if size is None:
        raise CorruptError(f"{name} is missing", subject=name)
    return size


def with_objects(moment: Moment) -> Moment:
    """Return the moment with every object there is: some hold versions of long ago."""
    files = dict(moment.files)
    for name in listed(moment.store, layout.OBJECTS):
        files[name] = size_of(moment.store, name)
    return replace(moment, files=files)


def with_named_objects(moment: Moment) -> Moment:
    """Return the moment with the objects that its commits name.

    Objects are listed after the log was measured: what the log rests on was there before. Those
    that no commit names stay out: an interrupted transaction left them, or one that still runs.
    """
    required, digests = needed(moment.timeline), named(moment.timeline)
    files = dict(moment.files)
    for name in sorted({*required, *listed(moment.store, layout.OBJECTS)}):
        if name in required or name.rpartition("/")[2].encode() in digests:
            files[name] = size_of(moment.store, name)
    return replace(moment, files=dict(sorted(files.items())))


def named(timeline: Timeline, until: int | None = None) -> set[bytes]:
    """Return every digest that commits put into the state. Cost: reads the log up to there."""
    found: set[bytes] = set()
    for commit in timeline.commits(until=until):
        for value in commit.changes.values():
            found.update(_DIGEST.findall(value or b""))
    return found


def needed(timeline: Timeline) -> dict[str, Ref]:
    """Return the files of objects that the newest state rests on, by their paths."""
    return {
        layout.data_object(ref.digest): ref
        for key, value in timeline.head.state.items()
        for ref in refs_of(key, value)
        if ref.at is None
    }
