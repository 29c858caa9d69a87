"""Key values that can be compared and put into a set, whatever their type.

Layer: ``execute``. Invariant: two keys are equal here exactly when the relational engine says so.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from engine.cache import shared
from engine.datatypes import parse_type
from engine.execute.gone import explained
from engine.storage import (
    KeyedFile,
    SmallKeys,
    TableScan,
    families,
    locate,
    run_of,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from engine.catalog import FileEntry, Table
    from engine.execute.lake import Lake
    from engine.storage import Keys, Places, Run

_NOT_A_NUMBER = object()
_WIDTHS = {32: pa.int32(), 64: pa.int64()}


_FEW_KEYS = 256
"""So many keys are looked up in all small files of a table at once."""
_SMALL_ROWS = 1_000
"""Files up to this size share a map of their keys."""
_WORTH_LEARNING = 100
"""The keys of files up to this size go into that map when they are written."""


class TableKeys:
    """The keys of one table's files, wherever they are known from."""

    def __init__(self, lake: Lake, table: Table) -> None:
        """Look at the table's key; it must be indexable."""
        self._lake = lake
        self._table = table
        self.names = [c.name for c in table.key_columns]
        self.types = [parse_type(c.type) for c in table.key_columns]
        self._columns = tuple(zip(table.key, families(self.types) or (), strict=False))

    def find(self, entries: Sequence[FileEntry], keys: pa.Table) -> Places:
        """Find the live rows of these files that have one of ``keys``."""
        large = []
        small: dict[str, list[int]] = {}
        for ordinal, entry in enumerate(entries):
            if entry.rows <= _SMALL_ROWS and keys.num_rows <= _FEW_KEYS:
                small.setdefault(entry.data.digest, []).append(ordinal)
            elif entry.live:
                large.append(self._keyed(ordinal, entry))
        indexes = [ref for entry in entries for ref in entry.keys or ()]
        with explained(self._lake.workspace.timeline, *indexes):
            return locate(
                large,
                (lambda words: self._among_small(entries, small, words)) if small else None,
                lambda: self._lake.scan_entries(self._table, entries),
                self.names,
                [keys[name] for name in self.names],
                self.types,
            )

    def learn(self, entry: FileEntry, keys: pa.Table) -> None:
        """Remember the keys of a file just made without an index, so that it need not be read for them."""
        if entry.rows <= _WORTH_LEARNING:
            self._small.learn(entry.data.digest, run_of(keys.columns, self.types))
        elif entry.rows > _SMALL_ROWS and entry.keys is None:
            shared.keep(self._name(entry), run_of(keys.columns, self.types))

    @property
    def _small(self) -> SmallKeys:
        return self._lake.opened.small.get((self._table.id, self._columns), SmallKeys)

    def _among_small(
        self,
        entries: Sequence[FileEntry],
        files: Mapping[str, Sequence[int]],
        words: Sequence[int],
    ) -> Iterator[tuple[int, int, int]]:
        """Yield the word's index, the file's ordinal and the position of live rows."""
        found = self._small.find(words, files, lambda digest: self._run(entries[files[digest][0]]))
        for index, ordinal, position in found:
            marks = self._lake.marks(entries[ordinal])
            if marks is None or position not in marks:
                yield index, ordinal, position

    def _keyed(self, ordinal: int, entry: FileEntry) -> KeyedFile:
        return KeyedFile(
            ordinal, entry.rows, lambda: self._keys(entry), lambda: self._lake.marks(entry)
        )

    def _keys(self, entry: FileEntry) -> Keys:
        """Return the index of a file's keys: the one it was written with, else one made of its rows."""
        if entry.keys is not None:
            header, body = entry.keys
            lake = self._lake
            stored = lake.opened.keys.get(header.digest, lambda: lake.stored_keys(header, body))
            if stored.columns == self._columns:
                return stored
        found: Run = shared.get(self._name(entry), lambda: self._run(entry))
        return found

    def _name(self, entry: FileEntry) -> tuple[Hashable, ...]:
        """Return what the index made of a file's rows is held by."""
        return "run", entry.data.digest, self._lake.open(entry).stamp, self._columns

    def _run(self, entry: FileEntry) -> Run:
        whole = replace(self._lake.scan_file(0, entry), deleted=None)
        scan = TableScan(self._lake.columns(self._table), [whole])
        schema = pa.schema([scan.schema.field(name) for name in self.names])
        return run_of(
            pa.Table.from_batches(scan.batches(self.names), schema=schema).columns, self.types
        )


def indexable(table: Table) -> bool:
    """Say whether a table has a key that can be looked up."""
    return families([parse_type(c.type) for c in table.key_columns]) is not None


def lookup(lake: Lake, table: Table, entries: Sequence[FileEntry], keys: pa.Table) -> Places:
    """Find the live rows of these files that have one of ``keys``; the table must be indexable.

    Shape: the key columns by name, wire types, no nulls. ``Places.files`` are ordinals in ``entries``.
    Cost: microseconds for each file and key; an index that was never opened is read, block by block.
    Raises: CorruptError, IoError.
    """
    return TableKeys(lake, table).find(entries, keys)


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
