"""One commit as bytes: what cannot be computed again, and nothing else.

Layer: ``engine.timeline``. Invariant: the leaf is spelled from the record and the leaf before it,
never stored: so a record that differs in one bit is another leaf, and no log's.
Format: grizzly-lake(5).

    time u64 | entries of the state u64 | root of the state | length of meta u32 | changes u32
    | objects u16 | length of operation u8 | operation | meta | per object: length u32
    | per change: length of key u16, of value u32 (2^32 - 1 removes the key), key, value

The objects themselves lie elsewhere, one after the other.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from engine.errors import CorruptError
from engine.proof.hashing import leaf_hash
from engine.proof.leaf import spell
from engine.proof.statemap import changes_root
from engine.timeline.model import Commit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HEAD: Final = struct.Struct(">QQ32sIIHB")
_CHANGE: Final = struct.Struct(">HI")
_REMOVED: Final = 0xFFFFFFFF
MOST_OBJECTS: Final = 0xFFFF

Change = tuple[bytes, bytes | None]


@dataclass(slots=True)
class Record:
    """A commit, and where its objects lie in a file of the log."""

    seq: int
    ts: int
    op: str
    meta: bytes
    changes: tuple[Change, ...]
    state_count: int
    state_root: bytes
    leaf: bytes
    hashed: bytes
    section: bytes
    lengths: tuple[int, ...]
    path: str
    start: int

    def corrupt(self, what: str) -> CorruptError:
        """Return the error that this record's ``what`` is not what was written."""
        return CorruptError(f"{self.path}: commit {self.seq}: {what}", subject=self.path)

    @property
    def end(self) -> int:
        """Return the place after the last object."""
        return self.start + sum(self.lengths)

    def objects(self) -> Iterator[tuple[int, int]]:
        """Yield the place and the length of each object."""
        return zip(accumulate(self.lengths, initial=self.start), self.lengths, strict=False)

    def commit(self) -> Commit:
        """Return the commit."""
        changes = {key.decode("ascii"): value for key, value in self.changes}
        return Commit(self.seq, self.ts, self.op, json.loads(self.meta), self.leaf, changes)


@dataclass(frozen=True, slots=True)
class Place:
    """What a record is read or made after: the log, its number, and the leaf before it."""

    db: str
    seq: int
    parent: bytes
    path: str
    start: int


def make(  # noqa: PLR0913, PLR0917 - all that a record is made of
    place: Place,
    ts: int,
    op: str,
    meta: bytes,
    changes: tuple[Change, ...],
    state: tuple[int, bytes],
    objects: Sequence[bytes],
) -> Record:
    """Return the record of a new commit; ``state`` is the number of entries and the root."""
    name = op.encode("ascii")
    lengths = tuple(map(len, objects))
    parts = [
        _HEAD.pack(ts, *state, len(meta), len(changes), len(lengths), len(name)),
        name,
        meta,
        struct.pack(f">{len(lengths)}I", *lengths),
    ]
    for key, value in changes:
        if value is None:
            parts += (_CHANGE.pack(len(key), _REMOVED), key)
        else:
            parts += (_CHANGE.pack(len(key), len(value)), key, value)
    return _record(place, ts, op, meta, changes, state, b"".join(parts), lengths)


def time_at(data: bytes, at: int) -> int:
    """Return the time in the record that begins at ``data[at]``."""
    return int.from_bytes(data[at : at + 8], "big")


def decode(data: bytes, at: int, place: Place) -> tuple[Record, int]:
    """Return the record that begins at ``data[at]``, and where it ends.

    Raises: CorruptError, when there cannot be one. That it is the log's own is for the caller to
    see, by its leaf's hash.
    """
    start = at
    try:
        ts, count, root, metas, changed, objects, names = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        op = data[at : at + names].decode("ascii")
        at += names
        meta = data[at : at + metas]
        at += metas
        lengths = struct.unpack_from(f">{objects}I", data, at)
        at += 4 * objects
        changes: list[Change] = []
        for _ in range(changed):
            keys, values = _CHANGE.unpack_from(data, at)
            at += _CHANGE.size
            key = data[at : at + keys]
            at += keys
            if values == _REMOVED:
                changes.append((key, None))
            else:
                changes.append((key, data[at : at + values]))
                at += values
    except (struct.error, ValueError) as error:
        raise CorruptError(
            f"{place.path}: commit {place.seq} is damaged", subject=place.path
        ) from error
    section = data[start:at]
    state = (count, root)
    return _record(place, ts, op, meta, tuple(changes), state, section, lengths), at


def _record(  # noqa: PLR0913, PLR0917 - all that a record is made of
    place: Place,
    ts: int,
    op: str,
    meta: bytes,
    changes: tuple[Change, ...],
    state: tuple[int, bytes],
    section: bytes,
    lengths: tuple[int, ...],
) -> Record:
    leaf = spell(
        db=place.db,
        seq=place.seq,
        ts=ts,
        op=op,
        parent=place.parent,
        meta=hashlib.sha256(meta).digest(),
        changes=(len(changes), changes_root(changes)),
        state=state,
    )
    return Record(
        place.seq,
        ts,
        op,
        meta,
        changes,
        *state,
        leaf,
        leaf_hash(leaf),
        section,
        lengths,
        place.path,
        place.start,
    )
