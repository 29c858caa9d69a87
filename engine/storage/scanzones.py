"""What is known of a table's columns in one stripe, from files of any age, without reading it.

Layer: ``engine.storage``. Invariant: what is said of a stripe holds for the values that a scan shows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from engine.datatypes import DataType, parse_type
from engine.storage.statistics import CHANGED, ROW_ID
from engine.storage.units import FILE, POSITION
from engine.storage.values import constant
from engine.storage.zonemap import Zone, zone_of

if TYPE_CHECKING:
    from engine.storage.units import Unit
    from engine.storage.values import ReadColumn
    from engine.storage.zonemap import Bound

_BIGINT = parse_type("BIGINT")
_DAY_US = 86_400_000_000
_ENDLESS_DAY = 2**31 - 1


def zone_in(unit: Unit, name: str, column: ReadColumn | None) -> tuple[Zone, DataType] | None:
    """Return what is known of a column in a stripe and the type its bounds are of, if anything is."""
    if column is None:
        return _hidden_zone(unit, name)
    inside = unit.data.field_of(column.id)
    if inside is None:
        return _constant_zone(column, unit.rows)
    zone = unit.data.stripes[unit.stripe].zones.get(inside)
    written = unit.data.type_of(inside)
    if zone is not None and written is not None and written != column.type:
        zone = _widened_zone(zone, written, column.type)
    return None if zone is None else (zone, column.type)


def _widened_zone(zone: Zone, written: DataType, now: DataType) -> Zone | None:
    """Return a zone of the type a file was written in as one of a wider type, where it is known."""
    if now.wire == written.wire:
        return zone
    if written.wire == pa.date32():
        low, high = (_midnight(bound) for bound in (zone.low, zone.high))
        return None if low is None or high is None else replace(zone, low=low, high=high)
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    if all(any(kind(t.wire) for kind in numbers) for t in (written, now)):
        return zone
    return None


def _midnight(day: Bound | None) -> int | None:
    """Return the microseconds of a day's beginning; None for days without end or number."""
    return day * _DAY_US if isinstance(day, int) and abs(day) < _ENDLESS_DAY else None


def _constant_zone(column: ReadColumn, rows: int) -> tuple[Zone, DataType]:
    one = zone_of(constant(column, 1), column.type)
    nulls = rows if one.nulls else 0
    return Zone(
        rows, nulls, nan=one.nan, values=one.values, low=one.low, high=one.high
    ), column.type


def _hidden_zone(unit: Unit, name: str) -> tuple[Zone, DataType] | None:
    if unit.data.type_of(name) is not None:
        stored = unit.data.stripes[unit.stripe].zones.get(name)
        return (stored, _BIGINT) if stored is not None and not stored.nulls else None
    first, last = unit.start, unit.start + unit.rows - 1
    rid = unit.file.rid
    bounds: dict[str, tuple[int, int]] = {
        FILE: (unit.file.file_id, unit.file.file_id),
        POSITION: (first, last),
        ROW_ID: (rid + first, rid + last),
        CHANGED: (rid >> 32, rid >> 32),
    }
    if name not in bounds:
        return None
    low, high = bounds[name]
    return Zone(unit.rows, 0, low=low, high=high), _BIGINT
