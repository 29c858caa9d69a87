"""Deletion vectors, read with nothing but the standard library.

Layer: ``engine.proof``. Invariant: every byte is used, or ``ProofError``.
Source: https://github.com/RoaringBitmap/RoaringFormatSpec; the header is that of grizzly-lake(5).
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

from engine.proof.errors import ProofError

_HEAD: Final = struct.Struct("<4sII")
_PAIRS: Final = 12346
_RUNS: Final = 12347
_OFFSETS_FROM: Final = 4
_ARRAY: Final = 4096
_MOST: Final = 1 << 25
"""Positions that are read at all: more than any data file has rows."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, length: int) -> bytes:
        found = self._data[self.at : self.at + length]
        if len(found) != length:
            raise ProofError("a deletion vector is cut short")
        self.at += length
        return found

    def shorts(self, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}H", self.take(2 * count))

    def word(self) -> int:
        return int.from_bytes(self.take(4), "little")


def positions(data: bytes) -> set[int]:
    """Return the positions that a deletion vector holds.

    Raises: ProofError.
    """
    if len(data) < _HEAD.size:
        raise ProofError("a deletion vector is cut short")
    magic, count, crc = _HEAD.unpack_from(data)
    payload = data[_HEAD.size :]
    if magic != b"GDV1" or zlib.crc32(payload) != crc:
        raise ProofError("a deletion vector is malformed")
    reader = _Reader(payload)
    found = _containers(reader, min(count, _MOST))
    if reader.at != len(payload) or len(found) != count:
        raise ProofError("a deletion vector is malformed")
    return found


def _containers(reader: _Reader, most: int) -> set[int]:
    cookie = reader.word()
    size, runs = 0, b""
    if cookie & 0xFFFF == _RUNS:
        size = (cookie >> 16) + 1
        runs = reader.take((size + 7) // 8)
    elif cookie == _PAIRS:
        size = reader.word()
    else:
        raise ProofError("a deletion vector is malformed")
    heads = reader.shorts(2 * size)
    if not runs or size >= _OFFSETS_FROM:
        reader.take(4 * size)
    found: set[int] = set()
    for place in range(size):
        high, cardinality = heads[2 * place] << 16, heads[2 * place + 1] + 1
        if runs and runs[place // 8] >> place % 8 & 1:
            end = -1
            for _ in range(*reader.shorts(1)):
                start, length = reader.shorts(2)
                if start <= end:
                    raise ProofError("a deletion vector is malformed")
                end = start + length
                found.update(range(high + start, high + end + 1))
        elif cardinality > _ARRAY:
            bits = int.from_bytes(reader.take(8192), "little")
            found.update(high + n for n in range(1 << 16) if bits >> n & 1)
        else:
            found.update(high + low for low in reader.shorts(cardinality))
        if len(found) > most:
            raise ProofError("a deletion vector is malformed")
    return found
