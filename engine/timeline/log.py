"""Log segments at rest: reading records, telling a torn end from damage, and the sealed index.

Layer: ``engine.timeline``. Invariant: what cannot be the trace of an interrupted append is damage,
and damage raises; nothing that was acknowledged is ever skipped.
Format: grizzly-lake(5).
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.errors import CorruptError
from engine.objectstore import layout
from engine.proof.errors import ProofError
from engine.proof.hashing import SIZE
from engine.proof.leaf import NO_PARENT
from engine.proof.note import Checkpoint
from engine.timeline import record as records_

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.objectstore import Store
    from engine.timeline.record import Record

COMMITS: Final = layout.SEGMENT_COMMITS
_MAGIC: Final = b"GZI1"
_INDEX: Final = struct.Struct(f">4sI{COMMITS}Q{COMMITS + 1}Q")


@dataclass(frozen=True, slots=True)
class Scan:
    """The intact records from some place on; ``torn`` bytes of an interrupted append follow."""

    records: list[Record]
    end: int
    torn: int


def scan(store: Store, index: int, start: int = 0, first: int | None = None) -> Scan:
    """Read a segment's records from byte ``start``, where commit ``first`` begins.

    Raises: CorruptError, when what follows the intact records cannot be an interrupted append;
    IoError.
    """
    path = layout.segment(index)
    expected = index * COMMITS if first is None else first
    limit = (index + 1) * COMMITS
    data = store.read(path, start)
    found: list[Record] = []
    at = 0
    while at < len(data) and expected < limit:
        record = records_.decode(data, at, start, path)
        if record is None or record.claims.seq != expected:
            break
        found.append(record)
        expected += 1
        at = record.end - start
    if found and at == len(data) and not records_.objects_intact(found[-1], data, start):
        expected -= 1
        at = found.pop().start - start
    if at < len(data) and (expected == limit or _resumes(data, at, expected, path)):
        raise CorruptError(f"{path}: commit {expected} is damaged", subject=path)
    return Scan(found, start + at, len(data) - at)


def _resumes(data: bytes, at: int, expected: int, path: str) -> bool:
    """Return whether an intact later record follows, which no interrupted append leaves behind."""
    at = data.find(records_.MAGIC, at)
    while at >= 0:
        record = records_.decode(data, at, 0, path)
        if record is not None and record.claims.seq > expected:
            return True
        at = data.find(records_.MAGIC, at + 1)
    return False


def read_full(store: Store, index: int) -> list[Record]:
    """Return all records of a segment that is not the last.

    Raises: CorruptError, IoError.
    """
    path = layout.segment(index)
    if store.size(path) is None:
        raise CorruptError(f"{path} is missing", subject=path)
    found = scan(store, index).records
    if len(found) < COMMITS:
        raise CorruptError(
            f"{path}: commit {index * COMMITS + len(found)} is damaged", subject=path
        )
    return found


@dataclass(frozen=True, slots=True)
class Link:
    """What the next record must follow: the last one's leaf hash and time."""

    db: str
    hashed: bytes = NO_PARENT
    ts: int = -1


def check_links(records: Sequence[Record], link: Link) -> None:
    """Check that records follow ``link`` and each other, and hold the meta that they name.

    Raises: CorruptError.
    """
    for record in records:
        claims = record.claims
        if claims.db != link.db:
            raise record.corrupt("it belongs to another lakehouse")
        if claims.parent != link.hashed:
            raise record.corrupt("it does not follow the commit before it")
        if claims.ts <= link.ts:
            raise record.corrupt("its time is not after that of the commit before it")
        if hashlib.sha256(record.meta).digest() != claims.meta:
            raise record.corrupt("its meta is not the one that the leaf names")
        link = Link(link.db, record.hashed, claims.ts)


def parse_note(record: Record, origin: str) -> Checkpoint:
    """Return the checkpoint that was signed with a record.

    Raises: CorruptError.
    """
    try:
        checkpoint = Checkpoint.parse(record.note)
    except ProofError as error:
        raise record.corrupt(str(error)) from error
    if (checkpoint.origin, checkpoint.size) != (origin, record.claims.seq + 1):
        raise record.corrupt("its checkpoint is another commit's")
    return checkpoint


def read_floor(store: Store) -> tuple[bytes, int]:
    """Return ``log/checkpoint`` and the number of commits that it promises.

    It is replaced by renaming, without a sync: a power cut may leave an old one, or on some file
    systems an empty one. Any other content was not written here.

    Shape: no bytes and 0 when it is empty; no bytes and -1 when it is missing.
    Raises: CorruptError, IoError.
    """
    path = layout.CHECKPOINT
    if store.size(path) is None:
        return b"", -1
    note = store.read(path)
    if not note:
        return b"", 0
    try:
        return note, Checkpoint.parse(note).size
    except ProofError as error:
        raise CorruptError(f"{path}: {error}", subject=path) from error


@dataclass(frozen=True, slots=True)
class SegmentIndex:
    """A full segment's timestamps, and the places where its records begin and the last ends."""

    times: tuple[int, ...]
    places: tuple[int, ...]


def index_of(records: Sequence[Record]) -> SegmentIndex:
    """Return the index of a full segment."""
    places = [record.start for record in records]
    return SegmentIndex(tuple(record.claims.ts for record in records), (*places, records[-1].end))


def encode_index(index: int, content: SegmentIndex) -> bytes:
    """Return the file of a segment's index: magic, segment, times, places, SHA-256 of them."""
    data = _INDEX.pack(_MAGIC, index, *content.times, *content.places)
    return data + hashlib.sha256(data).digest()


def read_index(store: Store, index: int) -> SegmentIndex:
    """Return a full segment's index, made anew if the file is missing or damaged.

    Raises: CorruptError, IoError.
    """
    path = layout.segment_index(index)
    data = b"" if store.size(path) is None else store.read(path)
    body = data[:-SIZE]
    if len(body) == _INDEX.size and hashlib.sha256(body).digest() == data[-SIZE:]:
        magic, segment, *numbers = _INDEX.unpack(body)
        if (magic, segment) == (_MAGIC, index):
            return SegmentIndex(tuple(numbers[:COMMITS]), tuple(numbers[COMMITS:]))
    return index_of(read_full(store, index))


def read_record(store: Store, seq: int) -> Record:
    """Return one record of a full segment; only its place and its checksum are verified.

    Raises: CorruptError, IoError.
    """
    index, place = divmod(seq, COMMITS)
    places = read_index(store, index).places
    path = layout.segment(index)
    start, end = places[place : place + 2]
    if store.size(path) is None:
        raise CorruptError(f"{path} is missing", subject=path)
    record = records_.decode(store.read(path, start, end - start), 0, start, path)
    if record is None or record.claims.seq != seq:
        raise CorruptError(f"{path}: commit {seq} is damaged", subject=path)
    return record
