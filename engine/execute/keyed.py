"""Rows come in by their keys: whether a key is there is asked of the key indexes, not of a join.

Layer: ``execute``. Invariant: after each chunk the workspace holds its rows once; a key that is given
twice, or is there and may not be, undoes the statement.

Chunks bound memory: each is checked, encoded and stored before the next is computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import IntegrityError
from engine.execute.keys import TableKeys
from engine.storage import deletion, is_exact, repeated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.catalog import FileEntry, Table
    from engine.execute.lake import Lake
    from engine.execute.rows import RowWriter
    from engine.storage import Bitmap, Places

CHUNK_ROWS = 983_040
"""Rows that are in memory at a time: two files, encoded side by side."""


class KeyedWriter:
    """Adds the rows of one statement to one table."""

    def __init__(
        self,
        writer: RowWriter,
        lake: Lake,
        table: Table,
        *,
        replace: bool,
        kept: Sequence[str] = (),
    ) -> None:
        """Write through ``writer``; with ``replace`` a row takes the place of the one with its key.

        Of the row that it replaces it takes over the columns ``kept``.
        """
        self._writer = writer
        self._lake = lake
        self._table = table
        self._replace = replace
        self._kept = list(kept)
        self._before = list(lake.workspace.catalog.files(table))
        self._added: list[FileEntry] = []
        self._killed: dict[int, Bitmap] = {}
        self._keys = TableKeys(lake, table)
        self._types = self._keys.types

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> int:
        """Add rows, given as the table's columns in wire types; return how many.

        Raises: IntegrityError, and whatever computing them raises.
        """
        count = 0
        for chunk in _chunks(batches, schema):
            self._write(chunk)
            count += int(chunk.num_rows)
        self._writer.mark(self._table, self._before, self._killed)
        return count

    def _write(self, rows: pa.Table) -> None:
        table = self._table
        key_is_null = any(rows[c.name].null_count for c in table.key_columns)
        if not self._kept or key_is_null:
            self._writer.check(table, rows)
        if not table.key:
            self._writer.add(table, rows, None)
            return
        keys = rows.select([c.name for c in table.key_columns])
        if repeated(keys.columns, self._types):
            self._writer.check_distinct(table, table.key_columns, rows, self._once)
        if self._added:
            self._refuse_again(keys, rows)
        found = self._keys.find(self._before, keys)
        rids = None
        if len(found):
            if not self._replace:
                raise self._writer.duplicate(table, rows.take(pa.array(found.keys[:1])))
            self._kill(found)
            rows = self._with_kept(rows, found)
            rids = self._rids(found, int(rows.num_rows))
        if self._kept:
            self._writer.check(table, rows)
        added = self._writer.add(table, rows, rids)
        if len(added) == 1:
            self._keys.learn(added[0], keys)
        self._added += added

    @property
    def queries(self) -> bool:
        """Whether checking rows may take a query: for CHECK, or for keys that only look the same."""
        return bool(self._table.checks) or (bool(self._types) and not is_exact(self._types))

    @property
    def _once(self) -> str:
        if self._replace:
            return "two rows of the UPSERT have the same key"
        return "two rows have the same key"

    def _refuse_again(self, keys: pa.Table, rows: pa.Table) -> None:
        """A key of an earlier chunk may not come again."""
        found = self._keys.find(self._added, keys)
        if len(found):
            first = rows.take(pa.array(found.keys[:1]))
            self._writer.check_distinct(
                self._table, self._table.key_columns, pa.concat_tables([first, first]), self._once
            )
            raise IntegrityError(self._once, subject=self._table.qualified)

    def _kill(self, found: Places) -> None:
        for ordinal, positions in found.by_file():
            self._killed[ordinal] = deletion.union(self._killed.get(ordinal), positions)

    def _with_kept(self, rows: pa.Table, found: Places) -> pa.Table:
        """Return rows with the columns that they keep of those they replace."""
        if not self._kept:
            return rows
        scan = self._lake.scan_entries(self._table, self._before)
        old = scan.pick(found.files, found.positions, self._kept)
        count = int(rows.num_rows)
        replaced = found.spread(pa.repeat(pa.scalar(value=True), len(found)), count).is_valid()
        for name, values in zip(self._kept, old.columns, strict=True):
            place = rows.schema.get_field_index(name)
            column = pc.if_else(replaced, found.spread(values, count), rows.column(place))
            rows = rows.set_column(place, rows.schema.field(place), column)
        return rows

    def _rids(self, found: Places, rows: int) -> pa.ChunkedArray:
        """Return the ids of the rows that are replaced, null for those that are new."""
        scan = self._lake.scan_entries(self._table, self._before)
        ids = scan.row_ids(found.files, found.positions)
        return pa.chunked_array([found.spread(ids, rows)])


def _chunks(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        # Parts of one size: a small last one would be a small file.
        pieces = max(1, round(batch.num_rows / CHUNK_ROWS))
        step = -(-batch.num_rows // pieces)
        for at in range(0, batch.num_rows, max(1, step)):
            piece = batch.slice(at, step)
            if waiting and size + piece.num_rows > CHUNK_ROWS:
                yield _table(waiting, schema)
                waiting, size = [], 0
            waiting.append(piece)
            size += piece.num_rows
    if waiting:
        yield _table(waiting, schema)


def _table(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_batches(batches, schema=schema)
