"""Rows become data files: parted as the table wants it, each file with its indexes.

Layer: ``execute``. Invariant: every row is in exactly one file; a table without partitions or indexes
pays for neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalog.arrangement import clustering_of, partitioning_of
from engine.catalog.definitions import FileIndex
from engine.catalog.indexes import indexes_of
from engine.datatypes import parse_type
from engine.execute.encoding import encode
from engine.storage import fileindex
from engine.storage.cluster import ordered
from engine.storage.partition import parts, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from engine.catalog import FileEntry, Table
    from engine.catalog.indexes import Index
    from engine.execute.workspace import Workspace

Label = tuple[str | None, ...]


def place(workspace: Workspace, table: Table, rows: pa.Table) -> list[FileEntry]:
    """Add rows, in wire types, to a table as data files; return their entries.

    Shape: the table's columns, then optionally ``_rid`` and ``_cv``.
    """
    if not rows.num_rows:
        return []
    indexes = indexes_of(workspace, table)
    added = []
    for label, part in _parted(table, rows):
        start = 0
        with workspace.gathering():
            for encoded in encode(part, table):
                held = part.slice(start, encoded.rows)
                start += encoded.rows
                idx = () if encoded.codec != "orc" else build(workspace, table, indexes, held)
                added.append(workspace.add_file(table, encoded, label, idx))
    return added


def clustered(table: Table, rows: pa.Table) -> pa.Table:
    """Return rows in the order that the table wants, if it wants any."""
    by = clustering_of(table)
    return rows if by is None else ordered(rows, [c.name for c in by.columns], by.method)


def build(
    workspace: Workspace, table: Table, indexes: Sequence[Index], rows: pa.Table
) -> tuple[FileIndex, ...]:
    """Return the indexes of a file that holds these rows, in this order."""
    by_id = {c.id: c for c in table.columns}
    found = []
    for index in indexes:
        columns = []
        for column_id in sorted(index.columns):
            column = by_id[column_id]
            t = parse_type(column.type)
            objects = fileindex.build(index.kind, rows[column.name], column_id, t)
            columns.append((column_id, tuple(workspace.keep(data) for data in objects)))
        found.append(FileIndex(index.name.lower(), index.kind, tuple(columns)))
    return tuple(found)


def _parted(table: Table, rows: pa.Table) -> Iterator[tuple[Label, pa.Table]]:
    fields = partitioning_of(table)
    if not fields:
        yield (), rows
        return
    values = [
        value_of(rows[f.column.name], parse_type(f.column.type), f.transform, f.width)
        for f in fields
    ]
    yield from parts(rows, values)
