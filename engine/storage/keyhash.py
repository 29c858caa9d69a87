"""A row's key as one word of 64 bits.

Layer: ``engine.storage``. Invariant: keys that the relational engine calls equal have equal words; keys
of one whole-number column have equal words only then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from engine.datatypes import DataType

    Words = npt.NDArray[np.uint64]

Family = str
"""Types whose equal values have equal words: their name, or ``int`` for all of the whole numbers."""

_INT = "int"
_INTS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"})
_EQUAL_TEXT = frozenset({"VARCHAR", "UUID", "HUGEINT", "UHUGEINT"})
_SIGN = np.uint64(1 << 63)
_ODD = np.uint64(0x9E3779B97F4A7C15)
_PRIME = np.uint64(0x100000001B3)
_NAN = np.float64("nan")
_PIECE = 1 << 20
"""Bytes of text that are hashed at a time."""


def family(t: DataType) -> Family | None:
    """Return the family of a type, or None when its equality is not that of its words."""
    if t.text in _INTS:
        return _INT
    if t.is_nested or (t.kind == "text" and not _same_as_text(t)):
        return None
    return t.text


def families(types: Sequence[DataType]) -> tuple[Family, ...] | None:
    """Return the families of a key's types, or None when the key cannot be indexed."""
    found = [f for t in types if (f := family(t)) is not None]
    return tuple(found) if found and len(found) == len(types) else None


def is_exact(types: Sequence[DataType]) -> bool:
    """Tell whether equal words mean equal keys."""
    return len(types) == 1 and _is_whole(types[0])


def words(columns: Sequence[pa.Array | pa.ChunkedArray], types: Sequence[DataType]) -> Words:
    """Return the word of each row's key.

    Shape: wire values without nulls; the types have a family. Cost: 10 to 100 ns a row.
    """
    arrays = [_one(c) for c in columns]
    if is_exact(types):
        return _whole(arrays[0], types[0])
    total = np.zeros(len(arrays[0]), dtype=np.uint64)
    for array, t in zip(arrays, types, strict=True):
        total = _mixed(total * _ODD + _hashed(array, t))
    return total


def _same_as_text(t: DataType) -> bool:
    return t.text in _EQUAL_TEXT or t.text.startswith("ENUM(")


def _is_whole(t: DataType) -> bool:
    wire = t.wire
    return bool(
        pa.types.is_integer(wire) or pa.types.is_boolean(wire) or pa.types.is_temporal(wire)
    )


def _one(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    if not column.num_chunks:
        return pa.array([], column.type)
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _whole(array: pa.Array, t: DataType) -> Words:
    """Return whole numbers as words in their own order."""
    if pa.types.is_temporal(t.wire):
        array = array.view(pa.int32() if t.wire.bit_width == 32 else pa.int64())
    values = array.to_numpy(zero_copy_only=False)
    out: Words = (
        values if values.dtype == np.uint64 else values.astype(np.int64).view(np.uint64) ^ _SIGN
    )
    return out


def _hashed(array: pa.Array, t: DataType) -> Words:
    if _is_whole(t):
        return _mixed(_whole(array, t))
    if pa.types.is_floating(t.wire):
        values = array.to_numpy(zero_copy_only=False).astype(np.float64) + 0.0  # -0.0 is 0.0
        return _mixed(np.where(np.isnan(values), _NAN, values).view(np.uint64))
    if pa.types.is_decimal(t.wire):
        pairs = np.frombuffer(array.buffers()[1], np.uint64)
        pairs = pairs[2 * array.offset : 2 * (array.offset + len(array))].reshape(-1, 2)
        return _mixed(pairs[:, 0] ^ _mixed(pairs[:, 1]))
    return _text(array)


def _text(array: pa.Array) -> Words:
    """Return a polynomial over the bytes of each text, piece by piece to bound memory."""
    if not len(array):
        return np.empty(0, dtype=np.uint64)
    lengths = pc.binary_length(array).to_numpy(zero_copy_only=False).astype(np.int64)
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1]
    marks = ends.astype(np.int64)
    raw = np.frombuffer(data, np.uint8) if data is not None and data.size else _EMPTY
    powers: Words = np.cumprod(
        np.full(int(lengths.max()) + 1, _PRIME, dtype=np.uint64), dtype=np.uint64
    )
    out = np.empty(len(array), dtype=np.uint64)
    start = 0
    while start < len(array):
        stop = int(np.searchsorted(marks, marks[start] + _PIECE, "right")) - 1
        stop = min(len(array), max(stop, start + 1))
        out[start:stop] = _polynomials(raw, marks[start : stop + 1], powers)
        start = stop
    return _mixed(out + lengths.astype(np.uint64) * _ODD)


_EMPTY = np.empty(0, dtype=np.uint8)


def _polynomials(raw: npt.NDArray[np.uint8], marks: npt.NDArray[np.int64], powers: Words) -> Words:
    base = int(marks[0])
    piece = raw[base : int(marks[-1])].astype(np.uint64) + np.uint64(1)
    place = np.arange(len(piece)) - np.repeat(marks[:-1] - base, np.diff(marks))
    sums = np.zeros(len(piece) + 1, dtype=np.uint64)
    np.cumsum(piece * powers[place], out=sums[1:])
    out: Words = sums[marks[1:] - base] - sums[marks[:-1] - base]
    return out


def _mixed(values: Words) -> Words:
    """Spread every bit over the word. Source: splitmix64's finalizer."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    out: Words = values ^ (values >> np.uint64(31))
    return out
