"""Key values that can be compared and put into a set, whatever their type.

Layer: ``execute``. Invariant: two keys are equal here exactly when the relational engine says so.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pyarrow as pa

from engine.datatypes import parse_type
from engine.execute.lake import SMALL_ROWS
from engine.storage import Places, families, locate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.catalog import FileEntry, Table
    from engine.execute.lake import Lake

_NOT_A_NUMBER = object()
_WIDTHS = {32: pa.int32(), 64: pa.int64()}


_FEW_KEYS = 256
"""So many keys are looked up in all small files of a table at once."""


def indexable(table: Table) -> bool:
    """Say whether a table has a key that can be looked up."""
    return families([parse_type(c.type) for c in table.key_columns]) is not None


def lookup(lake: Lake, table: Table, entries: Sequence[FileEntry], keys: pa.Table) -> Places:
    """Find the live rows of these files that have one of ``keys``; the table must be indexable.

    Shape: the key columns by name, wire types, no nulls. ``Places.files`` are ordinals in ``entries``.
    Cost: microseconds for each file and key; an index that was never opened is read, block by block.
    Raises: CorruptError, IoError.
    """
    names = [c.name for c in table.key_columns]
    large = []
    small: dict[str, list[int]] = {}
    for ordinal, entry in enumerate(entries):
        if entry.rows <= SMALL_ROWS and keys.num_rows <= _FEW_KEYS:
            small.setdefault(entry.data.digest, []).append(ordinal)
        elif entry.live:
            large.append(lake.keyed(table, ordinal, entry))
    return locate(
        large,
        (lambda words: lake.among_small(table, entries, small, words)) if small else None,
        lambda: lake.scan_entries(table, entries),
        names,
        [keys[name] for name in names],
        [parse_type(c.type) for c in table.key_columns],
    )


def key_tuples(
    rows: pa.Table | pa.RecordBatch, names: Sequence[str]
) -> Iterator[tuple[object, ...]]:
    """Yield the key of each row.

    Moments count as the numbers they rest as, for Python knows fewer of them; NaN equals itself.
    """
    return zip(*(_comparable(rows[name]) for name in names), strict=True)


def _comparable(column: pa.ChunkedArray | pa.Array) -> list[object]:
    if pa.types.is_temporal(column.type):
        return list(column.cast(_WIDTHS[column.type.bit_width]).to_pylist())
    values = column.to_pylist()
    if pa.types.is_floating(column.type):
        return [_NOT_A_NUMBER if v is not None and math.isnan(v) else v for v in values]
    return list(values)


def described(found: pa.Table) -> str:
    """Return the first row, whose values are text, as ``(a, b) = (1, x)``."""
    values = ", ".join(str(found[n][0].as_py()) for n in found.column_names)
    return f"({', '.join(found.column_names)}) = ({values})"
