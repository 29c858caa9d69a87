"""Python's values as a column, where they already are of the column's type.

Layer: ``execute``. Invariant: a value is taken exactly when converting it would change nothing; the
relational engine, which knows all conversions and their errors, gets whatever is left.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa

from engine.cache import remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.datatypes import DataType

_WHOLE_DOUBLE = 1 << 53
_DOUBLE_DIGITS, _DOUBLE_SCALE = 15, 22
_RANGES = {
    "TINYINT": (-(1 << 7), 1 << 7),
    "SMALLINT": (-(1 << 15), 1 << 15),
    "INTEGER": (-(1 << 31), 1 << 31),
    "BIGINT": (-(1 << 63), 1 << 63),
    "UTINYINT": (0, 1 << 8),
    "USMALLINT": (0, 1 << 16),
    "UINTEGER": (0, 1 << 32),
    "UBIGINT": (0, 1 << 64),
}


def column(values: Sequence[object], t: DataType) -> pa.Array | None:
    """Return the values as an array of the type's wire shape, or None where one would be converted."""
    taken = _taker(t)
    if taken is None:
        return None
    out: list[object] = []
    for value in values:
        if value is None:
            out.append(None)
            continue
        found = taken(value)
        if found is None:
            return None
        out.append(found)
    try:
        return pa.array(out, t.wire)
    except (pa.ArrowException, UnicodeError, OverflowError):
        return None


@remembered
def _taker(t: DataType) -> Callable[[object], object] | None:
    limits = _RANGES.get(t.text)
    if limits is not None:
        low, high = limits
        return lambda v: v if type(v) is int and low <= v < high else None
    if pa.types.is_decimal(t.wire):
        return lambda v: _decimal(v, t.wire.precision, t.wire.scale)
    return _TAKERS.get(t.text)


def _double(value: object) -> object:
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value) if -_WHOLE_DOUBLE <= value <= _WHOLE_DOUBLE else None
    if type(value) is not Decimal or not value.is_finite():
        return None
    _, digits, exponent = value.as_tuple()
    if len(digits) > _DOUBLE_DIGITS or not isinstance(exponent, int):
        return None
    return float(value) + 0.0 if -_DOUBLE_SCALE <= exponent <= 0 else None


def _decimal(value: object, precision: int, scale: int) -> object:
    if type(value) is int:
        value = Decimal(value)
    if type(value) is not Decimal or not value.is_finite():
        return None
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or not -scale <= exponent <= 0:
        return None
    if len(digits) + scale + exponent > precision:
        return None
    return value or abs(value)


def _moment(value: object) -> object:
    return value if type(value) is datetime.datetime and value.tzinfo is None else None


def _instant(value: object) -> object:
    at = value.tzinfo if type(value) is datetime.datetime else None
    return value if at is datetime.UTC else None


def _time(value: object) -> object:
    return value if type(value) is datetime.time and value.tzinfo is None else None


_TAKERS: dict[str, Callable[[object], object]] = {
    "BOOLEAN": lambda v: v if type(v) is bool else None,
    "DOUBLE": _double,
    "VARCHAR": lambda v: v if type(v) is str and "\0" not in v else None,
    "BLOB": lambda v: v if type(v) is bytes else None,
    "DATE": lambda v: v if type(v) is datetime.date else None,
    "TIME": _time,
    "TIMESTAMP": _moment,
    "TIMESTAMP WITH TIME ZONE": _instant,
}
