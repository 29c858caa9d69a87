"""A pack: sealed log segments in one file, with all that was derived from them.

Layer: ``engine.timeline``. Invariant: a pack is a pure function of the commits in it, but for which
snapshots of the state it keeps; packing changes no leaf, no hash and no proof.
Format: grizzly-lake(5).

    magic "GZP1" | per segment: objects, block, signatures | nodes | leaf hashes | index of nodes
    | footer | SHA-256 of footer | length of footer u32 | magic "GZP1"

A block is the segment's records without their objects, compressed.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from engine.errors import CorruptError
from engine.objectstore import layout
from engine.proof.hashing import SIZE, fold, root
from engine.proof.tree import CompactRange
from engine.timeline import record as records_
from engine.timeline.group import Seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.objectstore import Store
    from engine.timeline.record import Record

_COMMITS: Final = layout.SEGMENT_COMMITS
MAGIC: Final = b"GZP1"
_HEAD: Final = struct.Struct(">4sII16s32sQQQIIB")
_SEGMENT: Final = struct.Struct(">QQIIQQ32sII")
_ROOT: Final = 6
_SEAL: Final = struct.Struct(">H4s64s")
_SNAPSHOT: Final = struct.Struct(">IIQ32s")
_NODE: Final = struct.Struct(">12sQI")
_PREFIX: Final = 12
_TRAILER: Final = struct.Struct(">32sI4s")
_TABLE: Final = struct.Struct(f">{_COMMITS}I{_COMMITS}Q")
_GUESS: Final = 4096
_TILE: Final = _COMMITS * SIZE


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a pack, as the footer has it; places count from the pack's start."""

    objects: int
    block: int
    block_size: int
    objects_crc: int
    first_ts: int
    last_ts: int
    root: bytes
    groups: int
    seals_crc: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state after a segment's last commit, all of whose nodes are in packs."""

    segment: int
    born: int
    count: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One segment on its way into a pack."""

    block: bytes
    objects: bytes
    hashes: bytes
    first_ts: int
    last_ts: int
    seals: bytes


@dataclass(frozen=True, slots=True)
class Packed:
    """A stored node: its digest, and its bytes compressed."""

    digest: bytes
    data: bytes


def encode_block(records: Sequence[Record], effort: int) -> bytes:
    """Return the block of a segment's records."""
    sections = [record.section for record in records]
    table = _TABLE.pack(*map(len, sections), *(sum(record.lengths) for record in records))
    return zlib.compress(table + b"".join(sections), effort)


def encode_seals(first: int, seals: Sequence[Seal]) -> bytes:
    """Return the signatures of a segment's groups, of which the first begins with commit ``first``."""
    parts = []
    for seal in seals:
        parts.append(_SEAL.pack(seal.size - first, seal.key_id, seal.signature))
        first = seal.size
    return b"".join(parts)


def encode(  # noqa: PLR0913, PLR0917 - all that a pack is made of
    first: int,
    db: str,
    parent: bytes,
    parts: Sequence[Part],
    before: CompactRange,
    snapshots: Sequence[Snapshot],
    nodes: Sequence[Packed],
) -> bytes:
    """Return a pack's file; ``parent`` is the leaf hash before it and ``before`` the tree."""
    body: list[bytes] = [MAGIC]
    at = len(MAGIC)
    rows = []
    after = before.copy()
    for part in parts:
        digest = root(split(part.hashes))
        after.append_subtree(digest, _COMMITS.bit_length() - 1)
        rows.append(
            _SEGMENT.pack(
                at,
                at + len(part.objects),
                len(part.block),
                zlib.crc32(part.objects),
                part.first_ts,
                part.last_ts,
                digest,
                len(part.seals) // _SEAL.size,
                zlib.crc32(part.seals),
            )
        )
        body += (part.objects, part.block, part.seals)
        at += len(part.objects) + len(part.block) + len(part.seals)
    index = []
    for node in nodes:
        index.append(_NODE.pack(node.digest[:_PREFIX], at, len(node.data)))
        body.append(node.data)
        at += len(node.data)
    body += (part.hashes for part in parts)
    tiles, at = at, at + _TILE * len(parts)
    body += sorted(index)
    footer = [
        _HEAD.pack(
            MAGIC,
            first,
            len(parts),
            bytes.fromhex(db),
            parent,
            tiles,
            at,
            at + _NODE.size * len(nodes),
            len(nodes),
            len(snapshots),
            len(after.edge),
        ),
        *rows,
        *(_SNAPSHOT.pack(s.segment, s.born, s.count, s.digest) for s in snapshots),
        *after.edge,
    ]
    text = b"".join(footer)
    trailer = _TRAILER.pack(hashlib.sha256(text).digest(), len(text), MAGIC)
    return b"".join((*body, text, trailer))


def split(hashes: bytes) -> list[bytes]:
    """Return the hashes that were joined."""
    return [hashes[place : place + SIZE] for place in range(0, len(hashes), SIZE)]


class Pack:
    """A pack that is read: its footer at once, all else when it is asked for.

    The footer's roots are believed only as far as the caller compares them with the log's tree.
    """

    def __init__(self, store: Store, path: str) -> None:
        """Read the footer.

        Raises: CorruptError, IoError.
        """
        self.path = path
        self._store = store
        size = store.size(path)
        if size is None:
            raise CorruptError(f"{path} is missing", subject=path)
        data = store.read(path, max(0, size - _GUESS))
        if len(data) < _TRAILER.size:
            raise self.damaged()
        digest, length, magic = _TRAILER.unpack(data[-_TRAILER.size :])
        if magic != MAGIC or length + _TRAILER.size > size:
            raise self.damaged()
        if length + _TRAILER.size > len(data):
            data = store.read(path, size - length - _TRAILER.size)
        footer = data[-length - _TRAILER.size : -_TRAILER.size]
        if hashlib.sha256(footer).digest() != digest:
            raise self.damaged()
        self._parse(footer)
        if layout.parse_pack(path) != (self.first, self.last) or (
            self.end + len(footer) + _TRAILER.size != size
        ):
            raise self.damaged()

    def _parse(self, footer: bytes) -> None:
        try:
            (_, first, count, db, parent, tiles, index, end, nodes, snapshots, edge) = (
                _HEAD.unpack_from(footer)
            )
            at = _HEAD.size
            stop = at + count * _SEGMENT.size
            self._rows: list[tuple[Any, ...]] = list(_SEGMENT.iter_unpack(footer[at:stop]))
            at, stop = stop, stop + snapshots * _SNAPSHOT.size
            kept = list(_SNAPSHOT.iter_unpack(footer[at:stop]))
        except struct.error as error:
            raise self.damaged() from error
        self.first: int = first
        self.last: int = first + count - 1
        self.db: str = db.hex()
        self.parent: bytes = parent
        self.end: int = end
        self.nodes: int = nodes
        self._tiles, self._index_at = tiles, index
        self.snapshots = [Snapshot(*row) for row in kept]
        self.edge = split(footer[stop:])
        if len(self.edge) != edge or not self._rows:
            raise self.damaged()

    def damaged(self) -> CorruptError:
        """Return the error that this file is not what was written."""
        return CorruptError(f"{self.path} is damaged", subject=self.path)

    @property
    def commits(self) -> int:
        """Return how many commits there are in the log up to the pack's end."""
        return (self.last + 1) * _COMMITS

    def range(self) -> CompactRange:
        """Return the log's tree as it was after the pack's last commit."""
        return CompactRange(self.commits, self.edge)

    @cached_property
    def rows(self) -> list[Sequence[bytes]]:
        """Return all rows of the tree over the segments' roots."""
        return fold([row[_ROOT] for row in self._rows])

    @cached_property
    def segments(self) -> list[Segment]:
        """Return what the footer says of each segment."""
        return [Segment(*row) for row in self._rows]

    def seals(self, segment: int, root_at: Callable[[int], bytes | None]) -> list[Seal]:
        """Return the signatures that were kept of a segment's groups; the last one ends it.

        ``root_at`` gives the root that the log had with a number of commits.

        Raises: CorruptError, IoError.
        """
        row = self.segments[segment - self.first]
        data = self._store.read(self.path, row.block + row.block_size, row.groups * _SEAL.size)
        if zlib.crc32(data) != row.seals_crc:
            raise self.damaged()
        found: list[Seal] = []
        size = segment * _COMMITS
        for count, key_id, signature in _SEAL.iter_unpack(data):
            size += count
            found.append(Seal(size, root_at(size) or b"", key_id, signature))
        if len(found) != row.groups or size != (segment + 1) * _COMMITS:
            raise self.damaged()
        return found

    def hashes(self, segment: int) -> bytes:
        """Return the leaf hashes of a segment, joined, which fold to its root.

        Raises: CorruptError, IoError.
        """
        place = segment - self.first
        data = self._store.read(self.path, self._tiles + place * _TILE, _TILE)
        if len(data) != _TILE or root(split(data)) != self.segments[place].root:
            raise self.damaged()
        return data

    def block(self, segment: int) -> Block:
        """Return a segment's records, as yet unread.

        Raises: CorruptError, IoError.
        """
        row = self.segments[segment - self.first]
        try:
            return Block(self.path, segment, self.db, self.plain_block(segment), row.objects)
        except struct.error as error:
            raise self.damaged() from error

    def plain_block(self, segment: int) -> bytes:
        """Return a segment's records as they are before they are compressed.

        Raises: CorruptError, IoError.
        """
        try:
            return zlib.decompress(self.raw_block(segment))
        except zlib.error as error:
            raise self.damaged() from error

    def raw_block(self, segment: int) -> bytes:
        """Return a segment's records as they are stored.

        Raises: IoError.
        """
        row = self.segments[segment - self.first]
        return self._store.read(self.path, row.block, row.block_size)

    def objects(self, segment: int) -> bytes:
        """Return all objects of a segment, joined, as their checksum says they were.

        Raises: CorruptError, IoError.
        """
        row = self.segments[segment - self.first]
        data = self._store.read(self.path, row.objects, row.block - row.objects)
        if zlib.crc32(data) != row.objects_crc:
            raise CorruptError(f"{self.path}: an inlined object is damaged", subject=self.path)
        return data

    @cached_property
    def _index(self) -> list[bytes]:
        data = self._store.read(self.path, self._index_at, self.nodes * _NODE.size)
        if len(data) != self.nodes * _NODE.size:
            raise self.damaged()
        return [data[at : at + _NODE.size] for at in range(0, len(data), _NODE.size)]

    def stored(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield how the digest of each stored node begins, and the node, compressed.

        Raises: CorruptError, IoError.
        """
        for row in self._index:
            prefix, at, length = _NODE.unpack(row)
            yield prefix, self._store.read(self.path, at, length)

    def node(self, digest: bytes) -> bytes:
        """Return a stored node, compressed; what it holds is for the caller to verify.

        Raises: CorruptError, IoError.
        """
        wanted = digest[:_PREFIX]
        index = self._index
        place = bisect_left(index, wanted)
        if place == len(index) or index[place][:_PREFIX] != wanted:
            raise CorruptError(f"{self.path} lacks a state node", subject=self.path)
        _, at, length = _NODE.unpack(index[place])
        return self._store.read(self.path, at, length)


class Block:
    """The records of one packed segment."""

    def __init__(self, path: str, segment: int, db: str, data: bytes, objects: int) -> None:
        """Take the uncompressed block and the place of the segment's first object.

        Raises: struct.error.
        """
        table = _TABLE.unpack_from(data)
        if _TABLE.size + sum(table[:_COMMITS]) != len(data):
            raise struct.error("the block's table does not fit")
        self._path = path
        self._first = segment * _COMMITS
        self._db = db
        self._data = data
        self._sections = list(accumulate(table[:_COMMITS], initial=_TABLE.size))
        self._objects = list(accumulate(table[_COMMITS:], initial=objects))

    @property
    def objects_size(self) -> int:
        """Return the bytes of all objects of the segment."""
        size: int = self._objects[-1] - self._objects[0]
        return size

    def record(self, place: int, parent: bytes) -> Record:
        """Return a record, read as the one that follows the leaf with hash ``parent``.

        Raises: CorruptError.
        """
        where = records_.Place(
            self._db, self._first + place, parent, self._path, self._objects[place]
        )
        found, end = records_.decode(self._data, self._sections[place], where)
        if end != self._sections[place + 1] or found.end != self._objects[place + 1]:
            raise found.corrupt("its length is not the one in the table")
        return found

    def times(self) -> list[int]:
        """Return the time of each record, which nothing has verified yet."""
        return [records_.time_at(self._data, at) for at in self._sections[:-1]]
