"""Universal compaction of the log: full segments become packs, packs become larger packs.

Layer: ``engine.timeline``. Invariant: what a pack replaces is removed only after the pack is durable
and was read back; a commit's leaf, the tree's hashes and every proof stay what they were. One
process at a time compacts, and no writer or reader waits for it.
"""

from __future__ import annotations

import zlib
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.errors import CorruptError
from engine.objectstore import layout
from engine.proof.leaf import NO_PARENT
from engine.proof.tree import CompactRange
from engine.timeline import pack as packs_
from engine.timeline.pack import Packed, Part, Snapshot
from engine.timeline.packs import covering
from engine.timeline.state import UNSAVED, decode_node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.objectstore import Store
    from engine.timeline.group import Seal
    from engine.timeline.pack import Pack
    from engine.timeline.packs import Packs, Span
    from engine.timeline.record import Record
    from engine.timeline.state import State

_COMMITS: Final = layout.SEGMENT_COMMITS
WIDTHS: Final = (16, 256)
"""Segments of the packs that smaller ones are merged into."""

_MOST_BYTES: Final = 1 << 28
_QUICK: Final = 1
_THOROUGH: Final = 6
_SPARE: Final = 16


class Full:
    """Full segments that are in no pack yet: their records, signatures, and the state after them."""

    def __init__(
        self, first: int, records: Sequence[Record], seals: Sequence[Sequence[Seal]], state: State
    ) -> None:
        """Take segments from ``first`` on; ``state`` is the one after the last record."""
        self.first = first
        self.records = records
        self.seals = seals
        self.state = state


def seal(store: Store, db: str, packs: Packs, full: Full) -> Span:
    """Pack full segments, which begin where the packs end, and return the pack's span.

    The state's nodes that no pack holds yet come along.

    Raises: CorruptError, IoError, ReadOnlyError.
    """
    last = full.first + len(full.seals) - 1
    before = packs.last().range() if packs.segments else CompactRange()
    parent = packs.last().hashes(packs.segments - 1)[-32:] if packs.segments else NO_PARENT
    parts = [
        _part(store, full.records[at * _COMMITS : (at + 1) * _COMMITS], seals)
        for at, seals in enumerate(full.seals)
    ]
    nodes = full.state.unsaved()
    for node in nodes:
        node.born = last
    stored = [Packed(node.digest, zlib.compress(node.encode(), _QUICK)) for node in nodes]
    snapshot = Snapshot(last, full.state.born, full.state.count, full.state.root)
    data = packs_.encode(full.first, db, parent, parts, before, [snapshot], stored)
    try:
        _write(store, full.first, last, data)
    except BaseException:
        for node in nodes:
            node.born = UNSAVED
        raise
    return full.first, last


def _part(store: Store, records: Sequence[Record], seals: Sequence[Seal]) -> Part:
    first, last = records[0], records[-1]
    data = store.read(first.path, 0, last.end)
    objects = b"".join(data[record.start : record.end] for record in records)
    return Part(
        packs_.encode_block(records, _QUICK),
        objects,
        b"".join(record.hashed for record in records),
        first.ts,
        last.ts,
        packs_.encode_seals(first.seq, seals),
    )


def _write(store: Store, first: int, last: int, data: bytes) -> None:
    path = layout.pack(first, last)
    store.put(path, data)
    if store.read(path) != data:
        raise CorruptError(f"{path} is not what was written", subject=path)


def due(store: Store, packs: Packs) -> Span | None:
    """Return segments whose packs are to be merged into one, or None.

    A pack that would hold more than 256 MiB is not made.

    Raises: IoError.
    """
    for width in WIDTHS:
        for first, group in groupby(packs.spans, partial(_aligned, width)):
            inside, last = list(group), first + width - 1
            whole = len(inside) > 1 and inside[-1][1] == last
            if whole and _bytes(store, inside) <= _MOST_BYTES:
                return first, last
    return None


def _aligned(width: int, span: Span) -> int:
    return span[0] // width * width


def _bytes(store: Store, spans: Sequence[Span]) -> int:
    return sum(store.size(layout.pack(*span)) or 0 for span in spans)


def merge(store: Store, packs: Packs, span: Span) -> None:
    """Write one pack in place of those that hold some segments; they are removed later.

    Everything that has a checksum is compared with it, leaf hashes with the tree. Of the signatures
    those stay that end a segment: they cover what comes before. Snapshots of the state are kept as
    long as they cost little; the last one always is.

    Raises: CorruptError, IoError, ReadOnlyError.
    """
    first, last = span
    sources: list[Pack] = []
    while not sources or sources[-1].last < last:
        sources.append(packs.pack(sources[-1].last + 1 if sources else first))
    thorough = last - first + 1 == WIDTHS[0]
    parts = [
        _repacked(pack, segment, thorough=thorough)
        for pack in sources
        for segment in range(pack.first, pack.last + 1)
    ]
    before = packs.pack(first - 1).range() if first else CompactRange()
    snapshots, nodes = _kept(sources, packs, last - first + 1)
    data = packs_.encode(first, sources[0].db, sources[0].parent, parts, before, snapshots, nodes)
    _write(store, first, last, data)


def _repacked(pack: Pack, segment: int, *, thorough: bool) -> Part:
    row = pack.segments[segment - pack.first]
    hashes = pack.hashes(segment)
    plain = pack.plain_block(segment)
    block = zlib.compress(plain, _THOROUGH) if thorough else pack.raw_block(segment)
    seals = pack.seals(segment, lambda _size: b"")
    kept = packs_.encode_seals(segment * _COMMITS, seals[-1:])
    return Part(block, pack.objects(segment), hashes, row.first_ts, row.last_ts, kept)


def _kept(
    sources: Sequence[Pack], packs: Packs, segments: int
) -> tuple[list[Snapshot], list[Packed]]:
    """Return the snapshots to keep, oldest first, and all nodes below them that are born here."""
    found = [snapshot for pack in sources for snapshot in pack.snapshots]
    read: dict[bytes, _Read] = {}
    needed, all_nodes = (_nodes(some, sources, packs, read) for some in (found[-1:], found))
    sizes = [sum(len(node.data) for node in nodes) for nodes in (needed, all_nodes)]
    if sizes[1] <= sizes[0] * 3 // 2 + _SPARE * _COMMITS * segments:
        return found, all_nodes
    return found[-1:], needed


_Read: TypeAlias = "tuple[Packed, list[tuple[bytes, int]]]"
"""A node that was read and verified, and the nodes below it."""


def _nodes(
    snapshots: Sequence[Snapshot],
    sources: Sequence[Pack],
    packs: Packs,
    read: dict[bytes, _Read],
) -> list[Packed]:
    """Return the nodes below snapshots that were born in ``sources``; each is read once."""
    first = sources[0].first
    seen: dict[bytes, Packed] = {}
    pending = [(s.digest, s.born) for s in snapshots if s.count]
    while pending:
        digest, born = pending.pop()
        if born < first or digest in seen:
            continue
        if digest not in read:
            data = packs.pack(born).node(digest)
            node = decode_node(zlib.decompress(data), digest, born)
            read[digest] = Packed(digest, data), node.children()
        seen[digest], below = read[digest]
        pending += below
    return list(seen.values())


def clear(store: Store, packs: Packs, grace: int) -> None:
    """Remove what was packed: log segments and smaller packs, ``grace`` after it was replaced.

    Units: nanoseconds of the file system's clock, up to the newest write to the log.
    Raises: IoError, ReadOnlyError.
    """
    names = list(store.list(layout.LOG))
    spans = [span for span in map(layout.parse_pack, names) if span is not None]
    needless = set(covering(spans)[1])
    now = max((store.changed(name) or 0 for name in names), default=0)
    for name in names:
        last = layout.last_commit(name)
        if last is None or last >= packs.segments * _COMMITS:
            continue
        if layout.parse_segment(name) is not None or layout.parse_pack(name) in needless:
            heir = packs.pack(last // _COMMITS).path
            if now - (store.changed(heir) or 0) >= grace:
                store.remove(name)
