"""Commits that became durable together: one append, one signature.

Layer: ``engine.timeline``. Invariant: a group is intact or it is nothing: one checksum covers the
header and every record, another the objects, and the signature the log as it is after the last one.
Format: grizzly-lake(5).

    magic "GZG1" | identifier of the lakehouse 16 | number of the first commit u64 | commits u32 | bytes of records u32
    | bytes of objects u64 | CRC-32 of objects u32 | root of the log | key id 4 | signature 64
    | CRC-32 of all before and of the records u32 | records | objects
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.errors import CorruptError
from engine.proof.note import checkpoint_text, signed
from engine.timeline import record as records_

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.timeline.record import Record

MAGIC: Final = b"GZG1"
_HEAD: Final = struct.Struct(">4s16sQIIQI32s4s64s")
_CRC: Final = struct.Struct(">I")
_PREFIX: Final = _HEAD.size + _CRC.size


@dataclass(frozen=True, slots=True)
class Seal:
    """Who signed the log as it was when it had ``size`` commits, and its root then."""

    size: int
    root: bytes
    key_id: bytes
    signature: bytes

    def note(self, origin: str) -> bytes:
        """Return the signed checkpoint."""
        text = checkpoint_text(origin, self.size, self.root)
        return signed(text, origin, self.key_id, self.signature)


@dataclass(frozen=True, slots=True)
class Group:
    """An intact group as it lies in a segment, of which only the checksum was looked at."""

    path: str
    db: str
    first: int
    count: int
    seal: Seal
    sections: bytes
    start: int
    objects: int
    end: int
    objects_crc: int

    @property
    def length(self) -> int:
        """Return the bytes of the whole group."""
        return self.end - self.start

    def records(self, db: str, parent: bytes) -> list[Record]:
        """Return the records, read as those that follow the leaf with hash ``parent``.

        Raises: CorruptError.
        """
        if db != self.db:
            raise CorruptError(f"{self.path} belongs to another lakehouse", subject=self.path)
        found: list[Record] = []
        at, start = 0, self.objects
        for seq in range(self.first, self.first + self.count):
            place = records_.Place(db, seq, parent, self.path, start)
            record, at = records_.decode(self.sections, at, place)
            found.append(record)
            parent, start = record.hashed, record.end
        if at != len(self.sections) or start != self.end:
            raise CorruptError(f"{self.path}: commit {self.first} is damaged", subject=self.path)
        return found

    def objects_intact(self, data: bytes, base: int) -> bool:
        """Return whether the objects' checksum holds; ``base`` is the place of ``data``."""
        view = memoryview(data)[self.objects - base : self.end - base]
        return zlib.crc32(view) == self.objects_crc


def overhead(sections: int) -> int:
    """Return how far after a group's start its objects begin."""
    return _PREFIX + sections


def encode(db: str, records: Sequence[Record], seal: Seal, objects: Sequence[bytes]) -> bytes:
    """Return a whole group."""
    sections = b"".join(record.section for record in records)
    blobs = b"".join(objects)
    head = _HEAD.pack(
        MAGIC,
        bytes.fromhex(db),
        records[0].seq,
        len(records),
        len(sections),
        len(blobs),
        zlib.crc32(blobs),
        seal.root,
        seal.key_id,
        seal.signature,
    )
    crc = zlib.crc32(sections, zlib.crc32(head))
    return b"".join((head, _CRC.pack(crc), sections, blobs))


def decode(data: bytes, at: int, base: int, path: str) -> Group | None:
    """Return the group that starts at ``data[at]``, or None when none is intact there.

    ``base`` is the place of ``data`` in the segment. Objects are not looked at.
    """
    if len(data) - at < _PREFIX or data[at : at + 4] != MAGIC:
        return None
    (_, db, first, count, size, blobs, blobs_crc, root, key_id, signature) = _HEAD.unpack_from(
        data, at
    )
    (crc,) = _CRC.unpack_from(data, at + _HEAD.size)
    body = at + _PREFIX
    end = body + size
    if count == 0 or end + blobs > len(data):
        return None
    sections = data[body:end]
    if zlib.crc32(sections, zlib.crc32(data[at : at + _HEAD.size])) != crc:
        return None
    seal = Seal(first + count, root, key_id, signature)
    objects = base + end
    return Group(
        path,
        db.hex(),
        first,
        count,
        seal,
        sections,
        base + at,
        objects,
        objects + blobs,
        blobs_crc,
    )
