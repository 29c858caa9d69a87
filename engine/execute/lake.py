"""A table's files, opened: from catalog entries to scans.

Layer: ``execute``. Invariant: every byte that leaves here was checked against a digest that the
timeline's state root commits to.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from engine.cache import Cache
from engine.datatypes import parse_type
from engine.execute.gone import ever_vacuumed, explained, require_present
from engine.storage import (
    DataFile,
    ScanColumn,
    ScanFile,
    SmallKeys,
    StoredKeys,
    TableScan,
    deletion,
)
from engine.storage.bloom import Bloom
from engine.storage.fileindex import ColumnIndex, FileIndexes, Indexed, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.catalog import Catalog, Column, FileEntry, Ref, Table
    from engine.execute.usage import Usage
    from engine.execute.workspace import Workspace
    from engine.objectstore import ByteSource
    from engine.storage import Bitmap

OPEN_FILES = 1_024
"""How many data files stay open, with their statistics parsed."""


_small: Cache[SmallKeys] = Cache(OPEN_FILES)
"""The keys of small files, by table: all sessions of a process know them from each other."""


class Opened:
    """What a session has opened and verified, by digest."""

    def __init__(self, usage: Usage) -> None:
        """Open nothing yet; ``usage`` is what the session sees of how tables are used."""
        self.usage = usage
        self.files: Cache[DataFile] = Cache(OPEN_FILES)
        self.marks: Cache[Bitmap] = Cache(OPEN_FILES)
        self.keys: Cache[StoredKeys] = Cache(OPEN_FILES)
        self.indexes: Cache[ColumnIndex] = Cache(OPEN_FILES)
        self.small = _small


@dataclass(frozen=True)
class Lake:
    """A workspace together with the files that are open."""

    workspace: Workspace
    opened: Opened
    constant: Callable[[str, str], object]
    _vacuumed: list[bool] = field(default_factory=list, compare=False)
    """Whether the lakehouse was ever vacuumed, once that was asked."""

    def scan(self, table: Table, catalog: Catalog) -> TableScan:
        """Return a scan of all live rows of a table in the state of ``catalog``."""
        return self.scan_entries(table, catalog.files(table))

    def scan_entries(self, table: Table, entries: Sequence[FileEntry]) -> TableScan:
        """Return a scan of the live rows of these files of a table."""
        files = [
            self.indexed(table, self.scan_file(n, entry), entry) for n, entry in enumerate(entries)
        ]
        return TableScan(self.columns(table), files)

    def columns(self, table: Table) -> list[ScanColumn]:
        """Return a table's columns as a scan reads them."""
        return [ScanColumn(c.id, c.name, c.type, self._initial(c), c.parts) for c in table.columns]

    def scan_file(self, ordinal: int, entry: FileEntry) -> ScanFile:
        """Return one data file as a scan reads it; nothing is opened yet.

        Raises: VacuumedError, when not all of it is there any more.
        """
        timeline = self.workspace.timeline
        if not self._vacuumed:
            self._vacuumed.append(ever_vacuumed(timeline))
        if self._vacuumed[0]:
            require_present(timeline, entry)
        return ScanFile(
            file_id=ordinal,
            rid=entry.rid,
            rows=entry.rows,
            datafile=lambda: self.open(entry),
            deleted=self.marks(entry),
        )

    def indexed(self, table: Table, file: ScanFile, entry: FileEntry) -> ScanFile:
        """Return a file with the secondary indexes that its entry names."""
        if not entry.idx:
            return file
        return replace(file, indexes=lambda: self._indexes(table, entry))

    def _indexes(self, table: Table, entry: FileEntry) -> FileIndexes:
        data = self.open(entry)
        by_id = {c.id: c for c in table.columns}
        found: dict[str, list[Indexed]] = {}
        for index in entry.idx:
            for column_id, refs in index.columns:
                column, inside = by_id.get(column_id), data.field_of(column_id)
                if column is None or inside is None:
                    continue
                t = parse_type(column.type)
                if data.type_of(inside) == t:
                    opened = partial(self._index, index.kind, refs)
                    found.setdefault(column.name, []).append(Indexed(index.name, t, opened))
        return FileIndexes(found)

    def _index(self, kind: str, refs: Sequence[Ref]) -> ColumnIndex:
        with explained(self.workspace.timeline, *refs):
            first = refs[0]
            return self.opened.indexes.get(first.digest, lambda: self._open_index(kind, refs))

    def _open_index(self, kind: str, refs: Sequence[Ref]) -> ColumnIndex:
        if kind == "bloom":
            return Bloom(self.workspace.fetch(refs[0]), refs[0].digest)
        header, body = refs
        return Tree(self.stored_keys(header, body))

    def marks(self, entry: FileEntry) -> Bitmap | None:
        """Return the positions of a file's dead rows, or None when all live."""
        if entry.marks is None:
            return None
        ref = entry.marks
        with explained(self.workspace.timeline, ref):
            return self.opened.marks.get(
                ref.digest, lambda: deletion.deserialize(self.workspace.fetch(ref))
            )

    def open(self, entry: FileEntry) -> DataFile:
        """Return the open data file of an entry."""
        with explained(self.workspace.timeline, entry.data, entry.sidecar):
            return self.opened.files.get(entry.data.digest, lambda: self._open(entry))

    def stored_keys(self, header: Ref, body: Ref) -> StoredKeys:
        """Open a key index by its two objects; only the header is read.

        Raises: CorruptError, IoError.
        """
        return StoredKeys(self.workspace.fetch(header), self.source(body), body.digest)

    def source(self, ref: Ref) -> ByteSource:
        """Return random access to an object; a file's bytes are checked by whoever reads them.

        Raises: CorruptError, IoError.
        """
        own = self.workspace.objects.get(ref.digest)
        if own is not None:
            return _Pending(ref.digest, own)
        return self.workspace.timeline.source(ref.digest, ref.at)

    def _open(self, entry: FileEntry) -> DataFile:
        digest = entry.data.digest
        source = self.source(entry.data)
        sidecar = None if entry.sidecar is None else self.workspace.fetch(entry.sidecar)
        return DataFile(source, digest, sidecar, entry.codec)

    def _initial(self, column: Column) -> object:
        return None if column.initial is None else self.constant(column.initial, column.type)


class _Pending:
    """The bytes of an object that no commit carries yet."""

    def __init__(self, digest: str, data: bytes) -> None:
        self.name = f"uncommitted object {digest[:12]}"
        self.size = len(data)
        self.stamp = digest
        self._data = data

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]
