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
    import numpy.typing as npt

    from engine.storage.deletion import Bitmap

    Words = npt.NDArray[np.uint64]

BLOCK_ROWS = 8_192
BITS_PER_VALUE = 12
HASHES = 7
_MAGIC = b"GBF1"
_HEAD = struct.Struct("<4sII")
_ONE = np.uint64(1)


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
        for place in _places(found, size * 64):
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
        ends = begin + 8 * np.cumsum(sizes)
        self._filters = [
            np.frombuffer(data, np.uint8, int(8 * n), int(end - 8 * n))
            for n, end in zip(sizes, ends, strict=True)
        ]

    @property
    def nbytes(self) -> int:
        """Return the bytes it takes in memory."""
        return sum(f.nbytes for f in self._filters)

    def equal(self, words: Words) -> Bitmap:
        """Return the rows that may hold one of some values: whole blocks."""
        spread = _spread(words)
        found = deletion.EMPTY
        for number, bits in enumerate(self._filters):
            places = _places(spread, len(bits) * 8)
            hit = np.ones(len(spread), dtype=bool)
            for place in places:
                hit &= (bits[place >> 3] >> (place & 7).astype(np.uint8)) & 1 == 1
            if hit.any():
                start = number * BLOCK_ROWS
                found |= deletion.bitmap(range(start, min(start + BLOCK_ROWS, self._rows)))
        return found


def _places(words: Words, bits: int) -> list[npt.NDArray[np.int64]]:
    step = (words >> np.uint64(32)) | _ONE
    return [
        ((words + np.uint64(n) * step) % np.uint64(bits)).astype(np.int64) for n in range(HASHES)
    ]


def _spread(values: Words) -> Words:
    """Spread every bit over the word. Source: splitmix64's finalizer."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
