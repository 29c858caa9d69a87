"""What is known of one column in one stripe without reading it: bounds, nulls, NaN.

Layer: ``engine.storage``. Invariant: every value of the stripe that is neither null nor NaN lies between
``low`` and ``high`` in DuckDB's order; a bound may be loose, never wrong.

Bounds are integers for integers, booleans, dates (days), times and timestamps (the type's own unit);
floats, decimals, text and bytes are themselves. Long text and bytes keep a prefix: as it is for the low
bound, its last character raised for the high one.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.datatypes import DataType

Bound = int | float | Decimal | str | bytes
PREFIX = 64
"""Characters, or bytes, of a bound that are kept."""
_UNORDERED = frozenset({"JSON", "INTERVAL", "BIT"})
_LAST_CHARACTER = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class Zone:
    """The zone map of one column in one stripe.

    ``values`` tells whether there is any value but null and NaN. A bound of None is unknown.
    """

    rows: int
    nulls: int
    nan: bool = False
    values: bool = True
    low: Bound | None = None
    high: Bound | None = None


def zone_of(array: pa.Array | pa.ChunkedArray, t: DataType) -> Zone:
    """Compute the zone map of wire values."""
    rows, nulls = len(array), int(array.null_count)
    if rows == nulls:
        return Zone(rows, nulls, values=False)
    if t.is_nested or t.text in _UNORDERED:
        return Zone(rows, nulls)
    nan = False
    if pa.types.is_floating(t.wire):
        is_nan = pc.is_nan(array)
        nan = bool(pc.any(is_nan).as_py())
        if nan:
            array = array.filter(pc.invert(is_nan))
            if array.null_count == len(array):
                return Zone(rows, nulls, nan=True, values=False)
    low, high = _bounds(array, t)
    return Zone(rows, nulls, nan=nan, low=low, high=high)


def from_bound(bound: Bound | None, t: DataType) -> object:
    """Return a bound as a value that conditions compare with."""
    if pa.types.is_temporal(t.wire) and isinstance(bound, int):
        kind = pa.int32() if t.wire.bit_width == 32 else pa.int64()
        return pa.array([bound], kind).view(t.wire)[0]
    if pa.types.is_boolean(t.wire) and bound is not None:
        return bool(bound)
    return bound


def to_json(zone: Zone) -> dict[str, object]:
    """Return a zone as JSON, but for its rows, which the stripe knows."""
    out: dict[str, object] = {"nulls": zone.nulls}
    if zone.nan:
        out["nan"] = True
    if not zone.values:
        out["values"] = False
    for key, bound in (("low", zone.low), ("high", zone.high)):
        if bound is not None:
            out[key] = _spell(bound)
    return out


def from_json(data: Mapping[str, object], rows: int, t: DataType) -> Zone:
    """Return the zone that ``to_json`` wrote.

    Raises: ValueError, TypeError, ArithmeticError when it did not write this.
    """
    nulls = data["nulls"]
    if not isinstance(nulls, int) or not 0 <= nulls <= rows:
        raise ValueError("a null count outside the stripe")
    return Zone(
        rows,
        nulls,
        nan=data.get("nan", False) is True,
        values=data.get("values", True) is True,
        low=_read(data.get("low"), t),
        high=_read(data.get("high"), t),
    )


def _bounds(array: pa.Array | pa.ChunkedArray, t: DataType) -> tuple[Bound | None, Bound | None]:
    if pa.types.is_temporal(t.wire):
        array = _integers(array)
    try:
        found = pc.min_max(array).as_py()
    except UnicodeDecodeError:
        return None, None
    low, high = found["min"], found["max"]
    if isinstance(low, bool):
        return int(low), int(high)
    if isinstance(low, str | bytes):
        return low[:PREFIX], _raised(high)
    return low, high


def _integers(array: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    to = pa.int32() if pa.types.is_date32(array.type) else pa.int64()
    if isinstance(array, pa.ChunkedArray):
        return pa.chunked_array([chunk.view(to) for chunk in array.chunks], type=to)
    return array.view(to)


def _raised(high: str | bytes) -> str | bytes | None:
    """Return the least prefix-long bound above every continuation of ``high``'s prefix."""
    if len(high) <= PREFIX:
        return high
    if isinstance(high, bytes):
        stem = high[:PREFIX].rstrip(b"\xff")
        return stem[:-1] + bytes([stem[-1] + 1]) if stem else None
    text = high[:PREFIX].rstrip(chr(_LAST_CHARACTER))
    if not text:
        return None
    last = ord(text[-1]) + 1
    return text[:-1] + chr(_SURROGATES.stop if last in _SURROGATES else last)


def _spell(bound: Bound) -> object:
    if isinstance(bound, float):
        return bound.hex()
    if isinstance(bound, bytes):
        return bound.hex()
    if isinstance(bound, Decimal):
        return str(bound)
    return bound


def _read(data: object, t: DataType) -> Bound | None:
    if data is None:
        return None
    if isinstance(data, int) and not isinstance(data, bool):
        return data
    if not isinstance(data, str):
        raise TypeError("a bound that is neither a number nor text")
    if pa.types.is_floating(t.wire):
        return float.fromhex(data)
    if pa.types.is_decimal(t.wire):
        return Decimal(data)
    if pa.types.is_binary(t.wire):
        return bytes.fromhex(data)
    return data
