"""Bloom filters of a data file's column: in which blocks of rows a value can be.

Layer: ``engine.storage``. Invariant: a value that is in a block is always found there.

At rest: magic ``GBF1``, the number of blocks and the rows of the file as little-endian uint32; for each
block the number of 64-bit words of its filter as uint32; then the filters. A block is 8,192 rows.
Source: Kirsch and Mitzenmacher, "Less Hashing, Same Performance": two hashes make all.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import CorruptError
from engine.storage import deletion

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from engine.storage.deletion import Bitmap

    Words = npt.NDArray[np.uint64]

BLOCK_ROWS = 8_192
BITS_PER_VALUE = 12
HASHES = 7
_MAGIC = b"GBF1"
_HEAD = struct.Struct("<4sII")
_ONE = np.uint64(1)
_AT_ONCE = 1_024
"""So many values are looked up together, which bounds the memory that takes."""


def encode(words: Words, rows: Words, total: int) -> bytes:
    """Return the filters of a column: its values as words, and in which rows of ``total`` they are.

    Shape: ``rows`` ascend. Cost: about 50 ns a value.
    """
    sizes, filters = [], []
    for start in range(0, total, BLOCK_ROWS):
        low, high = np.searchsorted(rows, [start, start + BLOCK_ROWS])
        found = np.unique(_spread(words[low:high]))
        size = max(1, -(-len(found) * BITS_PER_VALUE // 64))
        bits = np.zeros(size * 64, dtype=np.uint8)
        for place in _places(found, np.uint64(size * 64)):
            bits[place] = 1
        sizes.append(size)
        filters.append(np.packbits(bits, bitorder="little").tobytes())
    head = _HEAD.pack(_MAGIC, len(sizes), total)
    return head + np.array(sizes, dtype="<u4").tobytes() + b"".join(filters)


class Bloom:
    """The filters of one column of one file."""

    def __init__(self, data: bytes, subject: str) -> None:
        """Read what ``encode`` returned; the caller has verified the object's digest.

        Raises: CorruptError when it is something else.
        """
        try:
            magic, blocks, self._rows = _HEAD.unpack_from(data)
            sizes = np.frombuffer(data, "<u4", blocks, _HEAD.size).astype(np.int64)
        except (struct.error, ValueError) as error:
            raise CorruptError(f"the index {subject} is cut short", subject=subject) from error
        begin = _HEAD.size + 4 * blocks
        if magic != _MAGIC or begin + 8 * int(sizes.sum()) != len(data):
            raise CorruptError(f"the index {subject} is no Bloom filter", subject=subject)
        self._bits = (64 * sizes).astype(np.uint64)
        self._begins = 8 * (np.cumsum(sizes) - sizes)
        self._filters = np.frombuffer(data, np.uint8, offset=begin)

    @property
    def nbytes(self) -> int:
        """Return the bytes it takes in memory."""
        return int(self._filters.nbytes + self._bits.nbytes + self._begins.nbytes)

    def equal(self, words: Words) -> Bitmap:
        """Return the rows that may hold one of some values: whole blocks.

        Cost: a fraction of a microsecond for each value and block.
        """
        spread = np.unique(_spread(words))
        near = np.zeros(len(self._bits), dtype=bool)
        for at in range(0, len(spread), _AT_ONCE):
            hit = np.ones((len(spread[at : at + _AT_ONCE]), len(near)), dtype=bool)
            for place in _places(spread[at : at + _AT_ONCE, None], self._bits):
                held = self._filters[self._begins + (place >> 3)] >> (place & 7).astype(np.uint8)
                hit &= held & 1 == 1
            near |= hit.any(axis=0)
        found = deletion.EMPTY
        for number in np.flatnonzero(near).tolist():
            start = number * BLOCK_ROWS
            found |= deletion.bitmap(range(start, min(start + BLOCK_ROWS, self._rows)))
        return found


def _places(words: Words, bits: Words | np.uint64) -> Iterator[npt.NDArray[np.int64]]:
    """Yield where each word has a bit in a filter of so many, hash by hash."""
    step = (words >> np.uint64(32)) | _ONE
    for n in range(HASHES):
        yield ((words + np.uint64(n) * step) % bits).astype(np.int64)


def _spread(values: Words) -> Words:
    """Spread every bit over the word. Source: splitmix64's finalizer."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
