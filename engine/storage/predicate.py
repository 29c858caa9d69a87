"""Conditions that zone maps can refute.

Layer: ``engine.storage``. Invariant: ``may_match`` answers False only when DuckDB would find the
condition TRUE for no row of the stripe; whatever it does not understand, it lets pass.

DuckDB's order is total: NaN equals NaN and is above every number, -0.0 equals 0.0. A comparison with
NULL is never true, and neither is its negation.
"""

from __future__ import annotations

import datetime as dt
import math
import struct
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.datatypes import DataType
    from engine.storage.zonemap import Bound, Zone

    Zones = Callable[[str], tuple[Zone, DataType] | None]


@dataclass(frozen=True, slots=True)
class Compare:
    """``column op value``; ``op`` is one of ``= != < <= > >=`` or something to let pass."""

    column: str
    op: str
    value: object


@dataclass(frozen=True, slots=True)
class In:
    """``column IN (values)``."""

    column: str
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class IsNull:
    """``column IS NULL``."""

    column: str


@dataclass(frozen=True, slots=True)
class And:
    """Both."""

    left: Predicate
    right: Predicate


@dataclass(frozen=True, slots=True)
class Or:
    """Either."""

    left: Predicate
    right: Predicate


@dataclass(frozen=True, slots=True)
class Not:
    """The negation, in three-valued logic."""

    operand: Predicate


Predicate = Compare | In | IsNull | And | Or | Not

_SAME = {"==": "=", "<>": "!="}
_INVERSE = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_TEST: dict[str, Callable[[Any, Any, Any], bool]] = {
    "=": lambda low, high, v: not (_below(v, low) or _below(high, v)),
    "!=": lambda low, high, v: low is None or high is None or not low == high == v,
    "<": lambda low, _high, v: low is None or low < v,
    "<=": lambda low, _high, v: low is None or low <= v,
    ">": lambda _low, high, v: high is None or high > v,
    ">=": lambda _low, high, v: high is None or high >= v,
}
_NAN_MATCHES = frozenset({"!=", ">", ">="})
"""Comparisons of NaN with a number that are true."""
_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_DAY = 86_400 * 10**9
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_INFINITE = 2**63 - 1
_EXACT_FLOAT = 2**53


def columns_of(node: Predicate) -> set[str]:
    """Return the names of the columns a condition reads."""
    if isinstance(node, And | Or):
        return columns_of(node.left) | columns_of(node.right)
    if isinstance(node, Not):
        return columns_of(node.operand)
    return {node.column}


def may_match(node: Predicate, zones: Zones) -> bool:
    """Tell whether some row of a stripe could satisfy a condition.

    Shape: ``zones`` gives a column's zone map and type, or None when nothing is known of it.
    """
    return _may(node, zones, outcome=True)


def _may(node: Predicate, zones: Zones, *, outcome: bool) -> bool:
    """Tell whether the condition could come out as ``outcome`` (NULL is neither)."""
    if isinstance(node, Not):
        return _may(node.operand, zones, outcome=not outcome)
    if isinstance(node, And | Or):
        sides = (_may(side, zones, outcome=outcome) for side in (node.left, node.right))
        return all(sides) if isinstance(node, And) == outcome else any(sides)
    found = zones(node.column)
    return found is None or _may_column(node, *found, outcome=outcome)


def _may_column(node: Compare | In | IsNull, zone: Zone, t: DataType, *, outcome: bool) -> bool:
    if isinstance(node, IsNull):
        return zone.nulls > 0 if outcome else zone.nulls < zone.rows
    if isinstance(node, In):
        if outcome:
            return any(_compare(zone, t, "=", value) for value in node.values)
        return all(_compare(zone, t, "!=", value) for value in node.values)
    op = _SAME.get(node.op, node.op)
    if op not in _INVERSE:
        return True
    return _compare(zone, t, op if outcome else _INVERSE[op], node.value)


def _compare(zone: Zone, t: DataType, op: str, value: object) -> bool:
    value = unwrapped(value)
    if value is None or zone.nulls == zone.rows:
        return False
    if isinstance(value, float | Decimal) and math.isnan(value):
        return _compare_nan(zone, op)
    if zone.nan and op in _NAN_MATCHES:
        return True
    if not zone.values:
        return False
    try:
        return any(_TEST[op](*triple) for triple in _triples(zone, t, value))
    except (TypeError, OverflowError, ValueError):
        return True


def _compare_nan(zone: Zone, op: str) -> bool:
    if op in {"=", ">="}:
        return zone.nan
    if op in {"<", "!="}:
        return zone.values
    return op == "<="


def _below(a: Any, b: Any) -> bool:
    return a is not None and b is not None and bool(a < b)


def unwrapped(value: object) -> object:
    """Return what a literal stands for: of an Arrow scalar its value, exactly."""
    if not isinstance(value, pa.Scalar):
        return value
    if not value.is_valid:
        return None
    t = value.type
    if pa.types.is_timestamp(t):
        return _Instant(value.value * _NANOSECONDS[t.unit], zoned=t.tz is not None)
    if pa.types.is_time64(t):
        return _Clock(value.value * _NANOSECONDS[t.unit])
    if pa.types.is_date32(t):
        return _Day(value.value)
    plain: object = value.as_py()
    return plain


@dataclass(frozen=True, slots=True)
class _Instant:
    """Nanoseconds since 1970; ``zoned`` when a time zone was meant."""

    ns: int
    zoned: bool


@dataclass(frozen=True, slots=True)
class _Clock:
    ns: int


@dataclass(frozen=True, slots=True)
class _Day:
    days: int


def _triples(
    zone: Zone, t: DataType, value: object
) -> list[tuple[Bound | None, Bound | None, object]]:
    """Return low, high and value as DuckDB may compare them: one triple for each way it may cast.

    Raises: TypeError when the value is of no kind that compares with the column.
    """
    low, high = zone.low, zone.high
    if pa.types.is_temporal(t.wire):
        scale, probe = _temporal(t, value)
        return [(_scaled(low, scale), _scaled(high, scale), probe)]
    for kind, wire in ((bool, pa.bool_()), (str, pa.string()), (bytes, pa.binary())):
        if isinstance(value, kind):
            if t.wire != wire:
                raise TypeError
            return [(low, high, value)]
    if not isinstance(value, int | float | Decimal) or not _is_number(t.wire):
        raise TypeError
    return _numbers(low, high, value, t)


def _numbers(
    low: Any, high: Any, value: float | Decimal, t: DataType
) -> list[tuple[Bound | None, Bound | None, object]]:
    exact: tuple[Any, Any, object] = (low, high, value)
    if t.wire == pa.float32():
        return [exact, (low, high, _single(value)), (low, high, float(value))]
    if t.wire == pa.float64():
        return [exact, (low, high, float(value))]
    if isinstance(value, float):
        return [exact, (_double(low), _double(high), value)]
    return [exact]


def whole(value: object, t: DataType) -> int | None:
    """Return a value as the whole number that it is in a column of whole numbers, dates or moments.

    None when it is none, or when that is not certain.
    """
    value = unwrapped(value)
    try:
        if pa.types.is_temporal(t.wire):
            scale, probe = _temporal(t, value)
            return probe // scale if probe % scale == 0 else None
    except (TypeError, OverflowError, ValueError):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if isinstance(value, float) and abs(value) >= _EXACT_FLOAT:
        return None
    return int(value) if math.isfinite(value) and value == int(value) else None


def _is_number(t: pa.DataType) -> bool:
    return bool(pa.types.is_integer(t) or pa.types.is_floating(t) or pa.types.is_decimal(t))


def _double(bound: Any) -> float | None:
    return None if bound is None else float(bound)


def _single(value: float | Decimal) -> float:
    """Round to the nearest FLOAT."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _scaled(bound: Any, scale: int) -> int | None:
    return None if bound is None else int(bound) * scale


def _temporal(t: DataType, value: object) -> tuple[int, int]:
    """Return the nanoseconds in one unit of the column, and the value in nanoseconds."""
    if t.wire == pa.date32():
        return _DAY, _date_probe(value)
    scale = _NANOSECONDS[t.wire.unit]
    if pa.types.is_time(t.wire):
        return scale, _time_probe(value)
    return scale, _instant_probe(value, zoned=t.wire.tz is not None)


def _date_probe(value: object) -> int:
    if isinstance(value, _Day):
        return value.days * _DAY
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return (value - _EPOCH.date()).days * _DAY
    return _instant_probe(value, zoned=False)


def _time_probe(value: object) -> int:
    if isinstance(value, _Clock):
        return value.ns
    if not isinstance(value, dt.time) or value.tzinfo is not None:
        raise TypeError
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return (seconds * 1_000_000 + value.microsecond) * 1000


def _instant_probe(value: object, *, zoned: bool) -> int:
    if isinstance(value, _Instant):
        if value.zoned != zoned or abs(value.ns) >= _INFINITE * 1000:
            raise TypeError
        return value.ns
    if not isinstance(value, dt.datetime):
        if zoned or not isinstance(value, dt.date):
            raise TypeError
        value = dt.datetime.combine(value, dt.time())
    if (value.tzinfo is not None) != zoned:
        raise TypeError
    since = value.replace(tzinfo=value.tzinfo or dt.UTC) - _EPOCH
    return (since // dt.timedelta(microseconds=1)) * 1000
