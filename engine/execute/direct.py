"""Plain statements are carried out without the relational engine, or not at all.

Layer: ``execute``; the one place that decides. Invariant: what is answered here is what the relational
engine would have answered, to the type and the message; None means that it has to.
"""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from engine.cache import remembered
from engine.datatypes import parse_type
from engine.execute.exact import column
from engine.execute.keys import indexable, lookup
from engine.execute.ready import Ready
from engine.plan import Constant, Lookup, Removal, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.catalog import Column, Table
    from engine.execute.backends.base import Parameters
    from engine.execute.lake import Lake
    from engine.execute.rows import RowWriter
    from engine.plan import Shape, Slot


class Direct:
    """One shape, to be carried out in one workspace."""

    def __init__(self, lake: Lake, schema: str, shape: Shape) -> None:
        """Look the table up; bare names belong to ``schema``."""
        self._lake = lake
        self._shape = shape
        self.table = lake.workspace.catalog.table(shape.schema or schema, shape.table)
        self.replaces = isinstance(shape, Rows) and shape.replace

    def taken(self, params: Parameters) -> bool:
        """Say whether the statement needs no relational engine."""
        if isinstance(self._shape, Lookup):
            return self.answer(params) is not None
        if isinstance(self._shape, Rows):
            return self.rows([params]) is not None
        return self.table is not None and self._removed(self.table, params) is not None

    def rows(self, params: Sequence[Parameters]) -> pa.Table | None:
        """Return the rows that a statement adds, once for each of the parameters; None if unsure."""
        shape, table = self._shape, self.table
        if not isinstance(shape, Rows) or table is None or not takes_rows(table):
            return None
        given = _given(table, shape.columns)
        if given is None or any(len(row) != len(given) for row in shape.values):
            return None
        if shape.replace and (len(given) != len(table.columns) or not table.key):
            return None
        places = {c.id: place for place, c in enumerate(given)}
        arrays = []
        for c in table.columns:
            place = places.get(c.id)
            if place is None and c.default is not None:
                return None
            values = [
                None if place is None else _value(row[place], one)
                for one in params
                for row in shape.values
            ]
            array = column(values, parse_type(c.type))
            if array is None:
                return None
            arrays.append(array)
        return pa.table(arrays, schema=wire_schema(table))

    def answer(self, params: Parameters) -> Ready | None:
        """Return the answer of a lookup; None if unsure."""
        shape, table = self._shape, self.table
        if not isinstance(shape, Lookup) or table is None:
            return None
        if shape.counted:
            _note(self._lake, table, None)
            return self._count(table, shape.counted)
        shown = _shown(table, shape.columns)
        if shown is None:
            return None
        names = [c.name for c, _ in shown]
        kinds = [parse_type(c.type) for c, _ in shown]
        schema = pa.schema([pa.field(n, t.wire) for (_, n), t in zip(shown, kinds, strict=True)])
        if shape.key:
            keys = self._keys(table, shape.key, params)
            if keys is None:
                return None
            _note(self._lake, table, keys)
            found = find(self._lake, table, keys, names)
        else:
            _note(self._lake, table, None)
            found = self._lake.scan(table, self._lake.workspace.catalog).batches(names)
        renamed = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in found)
        return Ready(schema.names, [t.text for t in kinds], schema, renamed)

    def remove(self, writer: RowWriter, params: Parameters) -> int | None:
        """Remove the row with a key; return how many rows that were, or None if unsure."""
        table = self.table
        keys = None if table is None else self._removed(table, params)
        if table is None or keys is None:
            return None
        _note(self._lake, table, keys)
        entries = self._lake.workspace.catalog.files(table)
        found = lookup(self._lake, table, entries, keys)
        writer.mark(table, entries, dict(found.by_file()))
        return len(found)

    def _removed(self, table: Table, params: Parameters) -> pa.Table | None:
        """Return the key of the row to remove; None if unsure."""
        shape = self._shape
        if not isinstance(shape, Removal):
            return None
        return self._keys(table, shape.key, params)

    def _count(self, table: Table, name: str) -> Ready:
        live = sum(entry.live for entry in self._lake.workspace.catalog.files(table))
        schema = pa.schema([pa.field(name, pa.int64())])
        batch = pa.RecordBatch.from_arrays([pa.array([live], pa.int64())], schema=schema)
        return Ready([name], ["BIGINT"], schema, iter([batch]))

    def _keys(
        self, table: Table, fixed: Sequence[tuple[str, Slot]], params: Parameters
    ) -> pa.Table | None:
        """Return one key as a table, when it is the whole key and of its exact types."""
        if not table.key or not indexable(table) or len(fixed) != len(table.key):
            return None
        slots = {name.lower(): slot for name, slot in fixed}
        arrays = []
        for c in table.key_columns:
            slot = slots.get(c.name.lower())
            array = None if slot is None else column([_value(slot, params)], parse_type(c.type))
            if array is None or array.null_count:
                return None
            arrays.append(array)
        return pa.table(arrays, names=[c.name for c in table.key_columns])


def takes_rows(table: Table) -> bool:
    """Say whether rows of exact types can be added without planning."""
    return not table.uniques and (not table.key or indexable(table))


def find(
    lake: Lake, table: Table, keys: pa.Table, names: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Yield columns of the rows that have one of ``keys``, in the order of the files."""
    entries = lake.workspace.catalog.files(table)
    found = lookup(lake, table, entries, keys)
    if len(found):
        ordinals = sorted(set(found.files.tolist()))
        files = [entries[n] for n in ordinals]
        yield lake.scan_entries(table, files).pick(found.among(ordinals), found.positions, names)


def _note(lake: Lake, table: Table, keys: pa.Table | None) -> None:
    """Remember that the row with a key, or without one every row, was read."""
    reads = lake.workspace.reads
    if reads is None:
        return
    condition = None
    # NaN equals itself in a key, and nothing in a condition.
    if keys is not None and not any(pa.types.is_floating(f.type) for f in keys.schema):
        parts = [pc.field(f.name) == keys[f.name][0] for f in keys.schema]
        condition = reduce(and_, parts)
    reads.note(table.id, condition)


def wire_schema(table: Table) -> pa.Schema:
    """Return the schema that a table's rows have on their way in."""
    return _wire_schema(table.columns)


@remembered
def _wire_schema(columns: tuple[Column, ...]) -> pa.Schema:
    return pa.schema([pa.field(c.name, parse_type(c.type).wire) for c in columns])


def _value(slot: Slot, params: Parameters) -> object:
    if isinstance(slot, Constant):
        return slot.value
    return (params or {}).get(slot.name)


def _given(table: Table, names: Sequence[str]) -> list[Column] | None:
    """Return the columns that values are for, or None when a name is wrong or comes twice."""
    if not names:
        return list(table.columns)
    found = [c for name in names if (c := table.column(name)) is not None]
    return found if len({c.id for c in found}) == len(names) else None


def _shown(
    table: Table, columns: Sequence[tuple[str, str | None]] | None
) -> list[tuple[Column, str]] | None:
    """Return columns and the names they are shown by, where the relational engine gives these."""
    if columns is None:
        shown = [(c, c.name) for c in table.columns]
    else:
        known = [(table.column(name), alias) for name, alias in columns]
        shown = [(c, alias or c.name) for c, alias in known if c is not None]
        if len(shown) != len(columns):
            return None
    plain = all(parse_type(c.type).kind == "plain" for c, _ in shown)
    distinct = len({name.lower() for _, name in shown}) == len(shown)
    return shown if plain and distinct else None
