"""Deletion vectors: which positions of a data file no longer count, as a Roaring bitmap.

Layer: ``engine.storage``; the one door to ``pyroaring``. Invariant: bitmaps are immutable; one that was
read back is exactly one that was written, or an error.

At rest: magic ``GDV1``, count of positions and CRC-32 of the payload as little-endian uint32, then the
payload in Roaring's portable format. An object's digest protects it too; the CRC keeps the parser from
ever meeting bytes it did not write.
Source: https://github.com/RoaringBitmap/RoaringFormatSpec
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
from pyroaring import FrozenBitMap as Bitmap

from engine.errors import CorruptError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

__all__ = [
    "EMPTY",
    "Bitmap",
    "bitmap",
    "count",
    "count_between",
    "deserialize",
    "mask",
    "minus",
    "positions",
    "serialize",
    "union",
]

EMPTY = Bitmap()
_HEAD = struct.Struct("<4sII")
_MAGIC = b"GDV1"


def bitmap(positions: Iterable[int]) -> Bitmap:
    """Return the set of these positions (a numpy array is fastest as uint32; a range is cheap)."""
    return Bitmap(positions)


def serialize(positions: Bitmap) -> bytes:
    """Return a deletion vector as bytes, the same for the same positions."""
    payload = Bitmap.serialize(_compact(positions))
    return _HEAD.pack(_MAGIC, len(positions), zlib.crc32(payload)) + payload


def deserialize(data: bytes, subject: str | None = None) -> Bitmap:
    """Return the deletion vector that bytes hold.

    Raises: CorruptError when they are not exactly what ``serialize`` returned.
    """
    if len(data) < _HEAD.size:
        raise CorruptError("a deletion vector is cut short", subject=subject)
    magic, size, crc = _HEAD.unpack_from(data)
    payload = data[_HEAD.size :]
    if magic != _MAGIC or zlib.crc32(payload) != crc:
        raise CorruptError("a deletion vector's checksum is wrong", subject=subject)
    try:
        found = Bitmap.deserialize(payload)
    except (ValueError, IndexError) as error:
        raise CorruptError("a deletion vector cannot be read", subject=subject) from error
    if len(found) != size:
        raise CorruptError("a deletion vector's count is wrong", subject=subject)
    return found


def union(a: Bitmap | None, b: Bitmap | None) -> Bitmap:
    """Return the positions in either; None is the empty set."""
    return (a or EMPTY) | (b or EMPTY)


def minus(a: Bitmap | None, b: Bitmap | None) -> Bitmap:
    """Return the positions in ``a`` but not in ``b``; None is the empty set."""
    return (a or EMPTY) - (b or EMPTY)


def count(positions: Bitmap | None) -> int:
    """Return how many positions there are; None is the empty set."""
    return 0 if positions is None else len(positions)


def count_between(positions: Bitmap | None, start: int, stop: int) -> int:
    """Return how many positions there are from ``start`` up to ``stop``."""
    return 0 if positions is None else int(positions.range_cardinality(start, stop))


def positions(found: Bitmap, start: int, stop: int) -> npt.NDArray[np.int64]:
    """Return the positions from ``start`` up to ``stop``, ascending and relative to ``start``."""
    if start or (found and found.max() >= stop):
        found = found & Bitmap(range(start, stop))
    return np.frombuffer(found.to_array(), dtype=np.uint32).astype(np.int64) - start


def mask(found: Bitmap, rows: int, start: int = 0) -> npt.NDArray[np.bool_]:
    """Return for ``rows`` positions from ``start`` whether each is in the set."""
    out = np.zeros(rows, dtype=np.bool_)
    out[positions(found, start, start + rows)] = True
    return out


def _compact(found: Bitmap) -> Bitmap:
    """Return an equal bitmap in its one smallest form, whatever operations made it."""
    copy = Bitmap(found.to_array())
    copy.run_optimize()
    return copy
