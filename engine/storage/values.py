"""The values of a table's columns in one stripe, from files of any age.

Layer: ``engine.storage``. Invariant: a file that lacks a column gives its default; one that was written
under a narrower type gives the same values in the type of now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.datatypes import DataType, Shape, adapt, parse_type, shape_of
from engine.storage.statistics import CHANGED, HIDDEN, ROW_ID
from engine.storage.units import FILE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.storage.units import ScanColumn, Unit


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """A column that is read: where its values come from in files that lack it."""

    id: int
    shape: Shape
    default: pa.Scalar | None

    @property
    def type(self) -> DataType:
        """The type of its values now."""
        return self.shape.type


def read_columns(columns: Iterable[ScanColumn]) -> dict[str, ReadColumn]:
    """Return columns by their names, ready to be read."""
    found = {}
    for column in columns:
        t = parse_type(column.type)
        found[column.name] = ReadColumn(column.id, shape_of(t, column.parts), _default(column, t))
    return found


def source_of(unit: Unit, name: str, column: ReadColumn | None) -> str | None:
    """Return the physical name that a column's values are read from, if the file has it."""
    if column is not None:
        return unit.data.field_of(column.id)
    return name if name in HIDDEN and unit.data.type_of(name) is not None else None


def values_of(
    unit: Unit, name: str, column: ReadColumn | None, stored: pa.Array | None
) -> pa.Array:
    """Return a column's values in its type of now, from what a stripe holds of it."""
    if column is None:
        return _hidden(unit, name, stored)
    if stored is None:
        return constant(column, unit.rows)
    written = unit.data.shape_of(column.id)
    if written == column.shape and not column.type.is_nested:
        return stored
    return adapt(stored, written, column.shape).cast(column.type.wire)


def _default(column: ScanColumn, t: DataType) -> pa.Scalar | None:
    value = column.default
    if value is None:
        return None
    if isinstance(value, pa.Scalar):
        return value.cast(t.wire)
    return pa.scalar(value, type=t.wire)


def constant(column: ReadColumn, rows: int) -> pa.Array:
    """Return what rows of a file without the column show."""
    if column.default is None:
        return pa.nulls(rows, column.type.wire)
    return pa.repeat(column.default, rows)


def _hidden(unit: Unit, name: str, stored: pa.Array | None) -> pa.Array:
    rows, rid = unit.rows, unit.file.rid
    if name == FILE:
        return pa.array(np.full(rows, unit.file.file_id, dtype=np.int32))
    if name == CHANGED:
        own = pa.array(np.full(rows, rid >> 32, dtype=np.int64))
    else:
        base = unit.start + (rid if name == ROW_ID else 0)
        own = pa.array(np.arange(base, base + rows, dtype=np.int64))
    return own if stored is None else pc.coalesce(stored, own)
