"""A lakehouse as it was: the files that it was made of after some commit.

Layer: ``engine.archive``. Invariant: what is cut from a longer history is, byte for byte, what a
lakehouse that ended there was made of; what cannot be cut from its files is made again from its log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from engine.archive.moment import Moment, size_of
from engine.archive.overlay import Held, Overlay
from engine.clock import SystemClock
from engine.errors import UsageError
from engine.objectstore import layout
from engine.timeline import Timeline, log, rebuild

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from engine.objectstore import ByteSource, Store


@dataclass(frozen=True, slots=True)
class _Head:
    """The first ``size`` bytes of a file."""

    whole: ByteSource
    size: int

    @property
    def name(self) -> str:
        """Return the file's name."""
        return self.whole.name

    @property
    def stamp(self) -> Hashable:
        """Return a value that changes when somebody rewrites the file."""
        return (self.whole.stamp, self.size)

    def read(self, offset: int, length: int) -> bytes:
        """Return the bytes from ``offset``, fewer than ``length`` only at the end."""
        return self.whole.read(offset, max(0, min(length, self.size - offset)))


class Past(Overlay):
    """A lakehouse without the commits after some version; its derived files are not in it."""

    def __init__(self, store: Store, version: int) -> None:
        """Cut the log behind commit ``version``.

        Raises: UsageError when there is no such commit; CorruptError, IoError.
        """
        index, place = divmod(version, layout.SEGMENT_COMMITS)
        path = layout.segment(index)
        records = log.scan(store, index).records if store.size(path) is not None else []
        if version < 0 or place >= len(records):
            raise UsageError(f"there is no version {version}")
        record = records[place]
        self.end = record.end
        self.note = record.note
        cut = _Head(store.source(path), record.end)
        super().__init__(
            {path: cut, layout.CHECKPOINT: Held(layout.CHECKPOINT, record.note)}, store
        )
        self._segments = index + 1
        self._indexes = (version + 1) // layout.SEGMENT_COMMITS

    @override
    def size(self, path: str) -> int | None:
        """Return the file's size, or None when there is no such file, or was none then."""
        return None if self._is_later(path) else super().size(path)

    @override
    def list(self, prefix: str) -> Iterator[str]:
        """Yield the path of every file below the folder ``prefix``, sorted."""
        yield from (path for path in super().list(prefix) if not self._is_later(path))

    def _is_later(self, path: str) -> bool:
        """Return whether a log file is that of a segment which was not there, or not full."""
        stem, _, suffix = path.removeprefix(f"{layout.LOG}/").partition(".")
        if path == f"{layout.LOG}/{stem}.{suffix}" and stem.isdigit():
            return int(stem) >= (self._indexes if suffix == "idx" else self._segments)
        return False


def measure_at(store: Store, version: int) -> Moment:
    """Return the moment of a lakehouse right after a commit, without its objects.

    Cost: replays the log up to there.
    Raises: UsageError when there is no such commit; CorruptError, IoError.
    """
    whole = Timeline.open(store, clock=SystemClock())
    past = Past(store, version)
    found = rebuild.replay(past, whole.db)
    derived = {
        path: data if store.size(path) != len(data) else len(data)
        for path, data in found.derived.items()
    }
    files: dict[str, int | bytes] = {
        layout.FORMAT: size_of(store, layout.FORMAT),
        layout.CHECKPOINT: past.note,
        **derived,
    }
    last = version // layout.SEGMENT_COMMITS
    for index in range(last):
        files[layout.segment(index)] = size_of(store, layout.segment(index))
    files[layout.segment(last)] = past.end
    front = {path: Held(path, data) for path, data in found.derived.items()}
    timeline = Timeline.open(Overlay(front, past), clock=SystemClock())
    return Moment(past, timeline, past.note.decode("utf-8"), dict(sorted(files.items())))
