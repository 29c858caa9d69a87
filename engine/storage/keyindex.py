"""The key index of a data file: in which row each key stands, found without reading the file.

Layer: ``engine.storage``. Invariant: a key that is in the file is always found; what is found beside
it is removed by comparing values, unless the index is exact.

Every key becomes one word of 64 bits. A single column of whole numbers, dates or moments gives words
that are the values themselves, moved so that they order as unsigned numbers: such an index is *exact*.
Anything else is hashed. The words are sorted, each with its row's position, and cut into blocks of 4,096.

Two objects at rest. The header, canonical JSON, is small and verified whole:

    {"blocks": "<SHA-256 of each block>", "columns": [[id, "<family>"], ...], "first": "<first words>",
     "last": "<last word>", "rows": N, "v": "grizzly-keys/1"}            all in hexadecimal

The body is the blocks: the words, then the positions, as little-endian uint64 and uint32. A lookup
reads, and verifies, only the blocks it touches.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.cache import shared
from engine.errors import CorruptError
from engine.proof.canonical import canonical
from engine.storage.statistics import ByteRange
from engine.storage.verified import VerifiedFile

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import numpy.typing as npt

    from engine.objectstore import ByteSource
    from engine.storage.keyhash import Family

VERSION = "grizzly-keys/1"
BLOCK_ROWS = 4_096
_ENTRY = 12
_WHOLE = -1
_OVERHEAD = 200
_WORTH_ALL = 4
"""Touching more than one block in so many is reading them all."""


@dataclass(frozen=True, slots=True)
class Run:
    """Sorted words and the positions they stand for; words may repeat."""

    words: npt.NDArray[np.uint64]
    rows: npt.NDArray[np.uint32]

    @property
    def nbytes(self) -> int:
        """Return the bytes it takes in memory."""
        return int(self.words.nbytes + self.rows.nbytes) + _OVERHEAD

    def find(
        self, needles: npt.NDArray[np.uint64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return which of the sorted ``needles`` are here, by their index, and in which rows."""
        if not len(self.words) or not len(needles):
            return _NONE, _NONE
        low = np.searchsorted(self.words, needles)
        hits = np.flatnonzero(self.words[np.minimum(low, len(self.words) - 1)] == needles)
        low = low[hits]
        after = np.minimum(low + 1, len(self.words) - 1)
        if not ((self.words[after] == needles[hits]) & (after > low)).any():
            return hits, self.rows[low].astype(np.int64)
        counts = np.searchsorted(self.words, needles[hits], "right") - low
        steps = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(hits, counts), self.rows[np.repeat(low, counts) + steps].astype(np.int64)


_NONE: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)


def build(words: npt.NDArray[np.uint64]) -> Run:
    """Return the run of words that stand in the order of their rows."""
    if len(words) < 2 or bool((words[1:] > words[:-1]).all()):
        return Run(words, np.arange(len(words), dtype=np.uint32))
    order = np.argsort(words)
    return Run(words[order], order.astype(np.uint32))


def encode(run: Run, columns: Sequence[tuple[int, Family]]) -> tuple[bytes, bytes]:
    """Return a run's header and body, the same for the same run."""
    words, rows = run.words.astype("<u8", copy=False), run.rows.astype("<u4", copy=False)
    blocks = [
        words[at : at + BLOCK_ROWS].tobytes() + rows[at : at + BLOCK_ROWS].tobytes()
        for at in range(0, len(words), BLOCK_ROWS)
    ]
    header = {
        "blocks": "".join(hashlib.sha256(block).hexdigest() for block in blocks),
        "columns": [list(column) for column in columns],
        "first": words[::BLOCK_ROWS].astype(">u8").tobytes().hex(),
        "last": words[-1:].astype(">u8").tobytes().hex(),
        "rows": len(words),
        "v": VERSION,
    }
    return canonical(header), b"".join(blocks)


class StoredKeys:
    """An index at rest; blocks are read and verified when a lookup touches them."""

    def __init__(self, header: bytes, source: ByteSource, body: str) -> None:
        """Open an index whose header was verified; ``body`` is the digest of its blocks.

        Raises: CorruptError.
        """
        try:
            self._parse(json.loads(header), source, body)
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptError(
                f"the key index {source.name} cannot be read: {error}", subject=source.name
            ) from error
        self._source = source
        self._body = body

    def _parse(self, data: dict[str, Any], source: ByteSource, body: str) -> None:
        if data["v"] != VERSION:
            raise ValueError(f"format {data['v']!r}")
        self.rows = int(data["rows"])
        self.columns = tuple((int(i), str(f)) for i, f in data["columns"])
        self._first = np.frombuffer(bytes.fromhex(data["first"]), ">u8").astype(np.uint64)
        self._last = np.frombuffer(bytes.fromhex(data["last"]), ">u8").astype(np.uint64)
        self._fences: list[int] = self._first.tolist()
        self._end = int(self._last[0]) if len(self._last) else 0
        digests = data["blocks"]
        starts = range(0, self.rows, BLOCK_ROWS)
        if len(starts) != len(self._first) or len(digests) != 64 * len(starts) or not starts:
            raise ValueError("its blocks do not add up to its rows")
        self._ranges = [
            ByteRange(
                at * _ENTRY,
                _ENTRY * min(BLOCK_ROWS, self.rows - at),
                digests[64 * i : 64 * i + 64],
            )
            for i, at in enumerate(starts)
        ]
        self._file = VerifiedFile(source, body, self._ranges)

    def find(
        self, needles: npt.NDArray[np.uint64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return which of the sorted ``needles`` are here, by their index, and in which rows.

        Cost: one read for each block touched and not held; all in one when they are many.
        Raises: CorruptError, IoError.
        """
        if len(needles) == 1:
            return self._find_one(int(needles[0]))
        begin = int(np.searchsorted(needles, self._first[0]))
        end = int(np.searchsorted(needles, self._last[0], "right"))
        if begin >= end:
            return _NONE, _NONE
        inside = needles[begin:end]
        hits, rows = self._run(inside).find(inside)
        return hits + begin, rows

    def _find_one(self, word: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return what ``find`` does, for one word."""
        if not self._fences or not self._fences[0] <= word <= self._end:
            return _NONE, _NONE
        stamp = self._source.stamp
        begin = max(0, bisect_left(self._fences, word) - 1)
        rows: list[int] = []
        for block in range(begin, bisect_right(self._fences, word)):
            run = self._held(stamp, block)
            place = int(run.words.searchsorted(np.uint64(word)))
            while place < len(run.words) and run.words[place] == word:
                rows.append(int(run.rows[place]))
                place += 1
        return np.zeros(len(rows), dtype=np.int64), np.array(rows, dtype=np.int64)

    def share(self, low: int, high: int) -> float:
        """Return at most what share of the words is from ``low`` to ``high``; nothing is read."""
        begin = max(0, int(np.searchsorted(self._first, np.uint64(low))) - 1)
        end = int(np.searchsorted(self._first, np.uint64(high), "right"))
        return max(0, end - begin - 2) / max(1, len(self._first))

    def between(self, low: int, high: int) -> npt.NDArray[np.uint32]:
        """Return the rows of the words from ``low`` to ``high``, both included.

        Cost: one read for each block of the range that is not held.
        Raises: CorruptError, IoError.
        """
        least, most = np.uint64(low), np.uint64(high)
        begin = max(0, int(np.searchsorted(self._first, least)) - 1)
        end = int(np.searchsorted(self._first, most, "right"))
        if begin >= end:
            return np.empty(0, dtype=np.uint32)
        stamp = self._source.stamp
        run = _concat([self._held(stamp, block) for block in range(begin, end)])
        left = int(np.searchsorted(run.words, least))
        return run.rows[left : int(np.searchsorted(run.words, most, "right"))]

    def _run(self, needles: npt.NDArray[np.uint64]) -> Run:
        """Return a run in which every needle of this index is found."""
        low = np.maximum(np.searchsorted(self._first, needles) - 1, 0)
        high = np.searchsorted(self._first, needles, "right") - 1
        stamp = self._source.stamp
        blocks = np.unique(np.concatenate([low, high])).tolist()
        if len(blocks) * _WORTH_ALL > len(self._ranges) or bool((high > low + 1).any()):
            blocks, name = list(range(len(self._ranges))), _WHOLE
            whole: Run = shared.get(("keys", self._body, stamp, name), lambda: self._joined(blocks))
            return whole
        return _concat([self._held(stamp, block) for block in blocks])

    def _held(self, stamp: Hashable, block: int) -> Run:
        key = ("keys", self._body, stamp, block)
        found: Run = shared.get(key, lambda: self._block(block))
        return found

    def _joined(self, blocks: Sequence[int]) -> Run:
        return _concat([self._block(index) for index in blocks])

    def _block(self, index: int) -> Run:
        part = self._ranges[index]
        data = self._file.part(index)
        count = part.length // _ENTRY
        words = np.frombuffer(data, "<u8", count)
        return Run(words, np.frombuffer(data, "<u4", count, 8 * count))


def _concat(runs: Sequence[Run]) -> Run:
    if len(runs) == 1:
        return runs[0]
    return Run(np.concatenate([r.words for r in runs]), np.concatenate([r.rows for r in runs]))
