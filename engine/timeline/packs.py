"""All packs of a log: which there are, and what is read from them.

Layer: ``engine.timeline``. Invariant: whatever is answered is compared with hashes that lead to the
log's signed tree. Packs are merged while they are read: who finds one gone looks for its heir.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from typing import TYPE_CHECKING, Final, TypeVar

from engine.errors import CorruptError
from engine.objectstore import layout
from engine.proof.hashing import fold, node_hash
from engine.proof.leaf import NO_PARENT
from engine.proof.tree import CompactRange
from engine.proof.tree import split as split_size
from engine.timeline.pack import Pack, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.objectstore import Store
    from engine.timeline.pack import Block, Snapshot
    from engine.timeline.record import Record

_COMMITS: Final = layout.SEGMENT_COMMITS
_BITS: Final = _COMMITS.bit_length() - 1
_KEPT: Final = 16

Span = tuple[int, int]
T = TypeVar("T")


def covering(found: Iterable[Span]) -> tuple[list[Span], list[Span]]:
    """Return the spans that follow each other from 0 on, the widest ones, and those not needed."""
    chosen: list[Span] = []
    needless: list[Span] = []
    following = 0
    for span in sorted(found, key=lambda s: (s[0], -s[1])):
        if span[0] == following:
            chosen.append(span)
            following = span[1] + 1
        else:
            needless.append(span)
    return chosen, needless


class Packs:
    """The packs of one log, as they were when they were listed."""

    def __init__(self, store: Store) -> None:
        """Know of none yet."""
        self._store = store
        self._spans: list[Span] = []
        self._packs: dict[Span, Pack] = {}
        self._blocks: dict[int, Block] = {}
        self._tiles: dict[int, list[Sequence[bytes]]] = {}
        self._checked = False

    @property
    def segments(self) -> int:
        """Return how many segments, from the first on, are in packs."""
        return self._spans[-1][1] + 1 if self._spans else 0

    @property
    def spans(self) -> list[Span]:
        """Return the first and last segment of each pack."""
        return self._spans

    def relist(self) -> bool:
        """Look again which packs there are; False when they are the same.

        Raises: CorruptError, when one is missing between others; IoError.
        """
        paths = map(layout.parse_pack, self._store.list(layout.LOG))
        return self.stand([span for span in paths if span is not None])

    def stand(self, found: Iterable[Span]) -> bool:
        """Take the widest of the packs that were found; False when they are the same as before.

        Raises: CorruptError, when one is missing between others.
        """
        spans, needless = covering(found)
        if needless and needless[-1][0] > (spans[-1][1] + 1 if spans else 0):
            missing = spans[-1][1] + 1 if spans else 0
            raise CorruptError(
                f"the pack with log segment {missing} is missing",
                subject=layout.pack(missing, missing),
            )
        if spans == self._spans:
            return False
        self._spans = spans
        self._packs = {span: self._packs[span] for span in spans if span in self._packs}
        self._blocks = {}
        self._checked = False
        return True

    def pack(self, segment: int) -> Pack:
        """Return the pack that holds a segment.

        Raises: CorruptError, IoError.
        """
        span = self._spans[bisect_right(self._spans, (segment, 1 << 40)) - 1]
        found = self._packs.get(span)
        if found is None:
            found = self._packs[span] = Pack(self._store, layout.pack(*span))
        return found

    def last(self) -> Pack:
        """Return the last pack, of which there must be one.

        Raises: CorruptError, IoError.
        """
        return self.pack(self._spans[-1][1])

    def check(self, tree: CompactRange) -> None:
        """Compare the packs' roots with the log's tree as it was after the last pack.

        Cost: the footer of each pack that was not read yet.
        Raises: CorruptError, IoError.
        """
        if self._checked:
            return
        together = CompactRange()
        for first, last in self._spans:
            pack = self.pack(first)
            height = _BITS + (last + 1 - first).bit_length() - 1
            together.append_subtree(pack.rows[-1][0], height)
            if together.edge != tuple(pack.edge):
                raise pack.damaged()
        if together.edge != tree.edge:
            raise self.last().damaged()
        self._checked = True

    def subtree(self, lo: int, hi: int) -> bytes:
        """Return the root over leaves ``[lo, hi)``, which begin a subtree of some tree.

        Raises: CorruptError, IoError.
        """
        size = hi - lo
        if size & (size - 1) == 0 and lo % size == 0:
            if size < _COMMITS:
                height = size.bit_length() - 1
                return self._rows(lo >> _BITS)[height][(lo % _COMMITS) >> height]
            first, count = lo >> _BITS, size >> _BITS
            pack = self.pack(first)
            if first + count - 1 <= pack.last:
                return pack.rows[count.bit_length() - 1][(first - pack.first) // count]
        middle = lo + split_size(size)
        return node_hash(self.subtree(lo, middle), self.subtree(middle, hi))

    def _rows(self, segment: int) -> list[Sequence[bytes]]:
        rows = self._tiles.get(segment)
        if rows is None:
            rows = fold(split(self.pack(segment).hashes(segment)))
            _keep(self._tiles, segment, rows)
        return rows

    def leaf(self, seq: int) -> bytes:
        """Return the hash of a leaf; before the first one there is none.

        Raises: CorruptError, IoError.
        """
        if seq < 0:
            return NO_PARENT
        return self._rows(seq >> _BITS)[0][seq % _COMMITS]

    def record(self, seq: int) -> Record:
        """Return a commit's record, as the tree has it.

        Raises: CorruptError, IoError.
        """
        segment, place = divmod(seq, _COMMITS)
        record = self._block(segment).record(place, self.leaf(seq - 1))
        if record.hashed != self.leaf(seq):
            raise record.corrupt("it is not the one in the log's tree")
        return record

    def times(self, segment: int) -> list[int]:
        """Return the time of each commit of a segment, as yet unverified.

        Raises: CorruptError, IoError.
        """
        return self._block(segment).times()

    def _block(self, segment: int) -> Block:
        block = self._blocks.get(segment)
        if block is None:
            block = self.pack(segment).block(segment)
            _keep(self._blocks, segment, block)
        return block

    def node(self, digest: bytes, born: int) -> bytes:
        """Return the encoded state node that was first packed with a segment.

        Raises: CorruptError, IoError.
        """
        pack = self.pack(born)
        try:
            return zlib.decompress(pack.node(digest))
        except zlib.error as error:
            raise CorruptError(
                f"{pack.path}: a state node is damaged", subject=pack.path
            ) from error

    def snapshot(self, segment: int) -> Snapshot | None:
        """Return the newest snapshot of the state after ``segment`` or an earlier one.

        Raises: CorruptError, IoError.
        """
        while segment >= 0:
            pack = self.pack(segment)
            for snapshot in reversed(pack.snapshots):
                if snapshot.segment <= segment:
                    return snapshot
            segment = pack.first - 1
        return None

    def segment_at(self, ts: int) -> int:
        """Return the last segment that began at or before a time, or 0.

        Raises: CorruptError, IoError.
        """
        low, high = 0, len(self._spans) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self.pack(self._spans[middle][0]).segments[0].first_ts <= ts:
                low = middle
            else:
                high = middle - 1
        pack = self.pack(self._spans[low][0])
        times = [segment.first_ts for segment in pack.segments]
        return pack.first + max(0, bisect_right(times, ts) - 1)


def _keep(cache: dict[int, T], key: int, value: T) -> None:
    while len(cache) >= _KEPT:
        cache.pop(next(iter(cache)), None)
    cache[key] = value
