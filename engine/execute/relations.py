"""Sources become relations the backend can read.

Layer: ``execute``. Invariant: a relation's rows are fixed when it is made, so a statement that reads
what it writes sees the state it began with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from engine.analyze import (
    BlobSource,
    ChangeSource,
    FileSource,
    SystemSource,
    TableSource,
    ViewSource,
)
from engine.datatypes import parse_type
from engine.execute import system
from engine.execute.backends.base import ArrowRelation
from engine.execute.backends.files import ForeignFile
from engine.execute.blobs import BlobFile, content
from engine.execute.changes import changes
from engine.execute.reads import Watched
from engine.plan import comma, ident

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.analyze import Source
    from engine.catalog import Table
    from engine.execute.backends.base import Relation
    from engine.execute.backends.duckdb import DuckDB
    from engine.execute.lake import Lake
    from engine.objectstore import ByteSource
    from engine.storage import TableScan

RAW = "{name}_raw"


class Relations:
    """What one statement reads, registered with the backend until ``close``."""

    def __init__(self, backend: DuckDB, lake: Lake) -> None:
        """Register nothing yet."""
        self._backend = backend
        self._lake = lake
        self._files: list[ForeignFile] = []
        self._made: set[str] = set()
        self._watches: dict[str, Watched] = {}
        self.scans: dict[str, TableScan] = {}

    def make(self, sources: Iterable[Source]) -> None:
        """Register those of ``sources`` that are not registered yet, in order.

        Raises: IoError for a missing file, CorruptError, BackendError.
        """
        for source in sources:
            if source.name not in self._made:
                self._made.add(source.name)
                self._make(source)

    def make_table(self, name: str, table: Table) -> None:
        """Register a table's rows in the present as ``name``."""
        self._make(TableSource(name, table, self._lake.workspace.catalog))

    def trust(self, name: str) -> None:
        """Note nothing of what is read of ``name``: the keys that are written protect it."""
        if name in self._watches:
            self._watches[name].trusted = True

    def show(self, name: str, relation: Relation, types: Sequence[tuple[str, str]]) -> None:
        """Register ``relation`` as ``name``, with columns of the SQL ``types`` given by name.

        Columns that travel in another type are cast by a view; all others pass through.
        """
        casts = {n: kind.text for n, t in types if (kind := parse_type(t)).cast_on_read}
        if not casts:
            self._backend.register(name, relation)
            return
        raw = RAW.format(name=name)
        self._backend.register(raw, relation)
        shown = comma(
            f"CAST({ident(c)} AS {casts[c]}) AS {ident(c)}" if c in casts else ident(c)
            for c in relation.schema.names
        )
        self._backend.define_view(name, f"SELECT {shown} FROM {ident(raw)}")  # noqa: S608

    def close(self) -> None:
        """Take everything back."""
        self._backend.forget()
        for file in self._files:
            file.close()

    def _make(self, source: Source) -> None:
        match source:
            case TableSource(table=table):
                scan = self._lake.scan(table, source.catalog)
                self.scans[source.name] = scan
                relation = self._watched(
                    scan if source.hidden else Visible(scan, len(table.columns)), source
                )
                self.show(source.name, relation, [(c.name, c.type) for c in table.columns])
            case ChangeSource():
                self._make_changes(source)
            case FileSource():
                file = ForeignFile(source.path, source.reader, source.options)
                self._files.append(file)
                self.show(source.name, file, list(zip(file.columns, file.types, strict=True)))
            case BlobSource(blob=blob, reader=reader):
                self._make_blob(source, self._lake.source(blob.data), reader)
            case SystemSource():
                table = system.relation(source, self._lake)
                self._backend.register(source.name, ArrowRelation(table))
            case ViewSource():
                self._backend.define_view(source.name, source.sql, source.columns)

    def _watched(self, relation: Relation, source: TableSource) -> Relation:
        """Note what is read of the present, if this transaction has to answer for that."""
        workspace = self._lake.workspace
        if workspace.reads is None or source.catalog is not workspace.catalog:
            return relation
        watched = Watched(relation, source.table.id, workspace.reads)
        self._watches[source.name] = watched
        return watched

    def _make_blob(self, source: BlobSource, data: ByteSource, reader: str | None) -> None:
        blob = source.blob
        if reader is None:
            table = pa.table({"content": pa.array([content(blob, data)], pa.binary())})
            self._backend.register(source.name, ArrowRelation(table))
            return
        file = BlobFile(blob, data, reader, source.options)
        self._files.append(file)
        self.show(source.name, file, list(zip(file.columns, file.types, strict=True)))

    def _make_changes(self, source: ChangeSource) -> None:
        made = changes(source, self._lake)
        types = [(c.name, c.type) for c in made.table.columns]
        self.show(source.name, ArrowRelation(made.rows), types)


class Visible:
    """A scan without the columns that address its rows."""

    def __init__(self, scan: TableScan, width: int) -> None:
        """Show the first ``width`` columns."""
        self.schema = pa.schema([scan.schema.field(i) for i in range(width)])
        self.rows = scan.rows
        self.prunes = scan.prunes
        self.batches = scan.batches
