"""One commit as bytes in a log segment.

Layer: ``engine.timeline``. Invariant: a record is intact or it is nothing; one checksum covers the
header and every small section, a second one the inlined objects, and each object has its digest.
Format: grizzly-lake(5).

    magic "GZC1" | lengths of leaf, meta, changes, note: 4 x u32 | objects u32 | bytes of objects u64
    | CRC-32 of objects u32 | CRC-32 of all before and up to the objects u32
    | leaf | meta | changes | note | per object: SHA-256, length u64 | objects
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.errors import CorruptError
from engine.proof.canonical import canonical
from engine.proof.errors import ProofError
from engine.proof.hashing import leaf_hash
from engine.proof.leaf import Leaf
from engine.proof.statemap import changes_root
from engine.timeline.model import Commit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAGIC: Final = b"GZC1"
_HEADER: Final = struct.Struct(">4sIIIIIQI")
_CRC: Final = struct.Struct(">I")
_ENTRY: Final = struct.Struct(">32sQ")
_PREFIX: Final = _HEADER.size + _CRC.size

Change = tuple[bytes, bytes | None]


@dataclass(frozen=True, slots=True)
class Record:
    """A record's small sections, where its objects are, and the segment that holds it."""

    segment: str
    leaf: bytes
    hashed: bytes
    claims: Leaf
    meta: bytes
    note: bytes
    changes: bytes
    start: int
    end: int
    objects: Mapping[bytes, tuple[int, int]]
    objects_crc: int
    objects_size: int

    def corrupt(self, what: str) -> CorruptError:
        """Return the error that this record's ``what`` is not what was written."""
        return CorruptError(
            f"{self.segment}: commit {self.claims.seq}: {what}", subject=self.segment
        )

    def parse_changes(self) -> list[Change]:
        """Return the changes, in order of their keys, checked against the leaf.

        Raises: CorruptError.
        """
        try:
            changes: list[Change] = [
                (key.encode("ascii"), None if value is None else value.encode("utf-8"))
                for key, value in json.loads(self.changes)
            ]
        except (ValueError, TypeError, AttributeError) as error:
            raise self.corrupt("malformed changes") from error
        if (len(changes), changes_root(changes)) != (
            self.claims.changes_count,
            self.claims.changes_root,
        ):
            raise self.corrupt("the changes are not those that the leaf names")
        return changes

    def commit(self) -> Commit:
        """Return the commit, checked against its leaf.

        Raises: CorruptError.
        """
        changes = {key.decode("ascii"): value for key, value in self.parse_changes()}
        meta = json.loads(self.meta)
        claims = self.claims
        return Commit(claims.seq, claims.ts, claims.op, meta, self.leaf, changes)


def encode_changes(changes: Sequence[Change]) -> bytes:
    """Return the section that holds a commit's changes."""
    return canonical(
        [
            [key.decode("ascii"), None if value is None else value.decode("utf-8")]
            for key, value in changes
        ]
    )


def encode(
    leaf: bytes, meta: bytes, changes: bytes, note: bytes, objects: Sequence[bytes]
) -> bytes:
    """Return a whole record."""
    blobs = b"".join(objects)
    table = b"".join(_ENTRY.pack(hashlib.sha256(data).digest(), len(data)) for data in objects)
    header = _HEADER.pack(
        MAGIC,
        len(leaf),
        len(meta),
        len(changes),
        len(note),
        len(objects),
        len(blobs),
        zlib.crc32(blobs),
    )
    small = b"".join((leaf, meta, changes, note, table))
    crc = zlib.crc32(small, zlib.crc32(header))
    return b"".join((header, _CRC.pack(crc), small, blobs))


def decode(data: bytes, at: int, base: int, segment: str) -> Record | None:
    """Return the record that starts at ``data[at]``, or None when none is intact there.

    ``base`` is the place of ``data`` in the segment. Inlined objects are not looked at.
    """
    if len(data) - at < _PREFIX:
        return None
    magic, *lengths, count, size, objects_crc = _HEADER.unpack_from(data, at)
    (crc,) = _CRC.unpack_from(data, at + _HEADER.size)
    body = at + _PREFIX
    small_end = body + sum(lengths) + count * _ENTRY.size
    if magic != MAGIC or small_end + size > len(data):
        return None
    view = memoryview(data)
    if zlib.crc32(view[body:small_end], zlib.crc32(view[at : at + _HEADER.size])) != crc:
        return None
    sections = []
    for length in lengths:
        sections.append(data[body : body + length])
        body += length
    leaf, meta, changes, note = sections
    try:
        claims = Leaf.parse(leaf)
    except ProofError:
        return None
    objects: dict[bytes, tuple[int, int]] = {}
    place = base + small_end
    for digest, length in _ENTRY.iter_unpack(view[body:small_end]):
        objects[digest] = (place, length)
        place += length
    return Record(
        segment=segment,
        leaf=leaf,
        hashed=leaf_hash(leaf),
        claims=claims,
        meta=meta,
        note=note,
        changes=changes,
        start=base + at,
        end=base + small_end + size,
        objects=objects,
        objects_crc=objects_crc,
        objects_size=size,
    )


def objects_intact(record: Record, data: bytes, base: int) -> bool:
    """Return whether the objects' checksum holds; ``base`` is the place of ``data``."""
    end = record.end - base
    return zlib.crc32(memoryview(data)[end - record.objects_size : end]) == record.objects_crc
