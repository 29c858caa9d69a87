"""The files of a log as it was after some commit.

Layer: ``engine.timeline``. Invariant: only a signature that was made when the commit was the newest
says that it was; where none was kept there is no prefix.
Format: grizzly-lake(5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import UsageError
from engine.objectstore import layout
from engine.timeline import group

if TYPE_CHECKING:
    from engine.timeline.timeline import Timeline

_COMMITS: Final = layout.SEGMENT_COMMITS


def files_at(timeline: Timeline, seq: int) -> dict[str, int | bytes]:
    """Return the files that make a lakehouse's log up to commit ``seq``: sizes, or bytes.

    Packs are taken whole, or their commits as the segments that they came from.

    Raises: UsageError, when there is no such commit, or no signature of that moment was kept;
    CorruptError, IoError.
    """
    timeline.commit_at(seq)
    store, size = timeline.store, seq + 1
    files: dict[str, int | bytes] = {layout.FORMAT: store.size(layout.FORMAT) or 0}
    following = 0
    for first, last in timeline.packs():
        if (last + 1) * _COMMITS <= size:
            files[layout.pack(first, last)] = store.size(layout.pack(first, last)) or 0
            following = last + 1
    for index in range(following, -(-size // _COMMITS)):
        files[layout.segment(index)] = _segment(timeline, index, size)
    for seal in timeline.seals(seq // _COMMITS):
        if seal.size == size:
            files[layout.CHECKPOINT] = seal.note(timeline.origin)
            return files
    first = size // _COMMITS * _COMMITS
    raise UsageError(
        f"no checkpoint of version {seq} was kept", hint=f"version {first + _COMMITS - 1} has one"
    )


def _segment(timeline: Timeline, index: int, size: int) -> bytes:
    """Return a segment as it was when the log had ``size`` commits."""
    groups: list[bytes] = []
    first = index * _COMMITS
    for seal in timeline.seals(index):
        if seal.size > size:
            break
        records = list(timeline.records(first, seal.size - 1))
        objects = [
            timeline.store.read(record.path, start, length)
            for record in records
            for start, length in record.objects()
        ]
        groups.append(group.encode(timeline.db, records, seal, objects))
        first = seal.size
    return b"".join(groups)
