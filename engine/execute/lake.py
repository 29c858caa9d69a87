"""A table's files, opened: from catalog entries to scans.

Layer: ``execute``. Invariant: every byte that leaves here was checked against a digest that the
timeline's state root commits to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.storage import DataFile, ScanColumn, ScanFile, TableScan, deletion

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.cache import Cache
    from engine.catalog import Catalog, Column, FileEntry, Table
    from engine.execute.workspace import Workspace
    from engine.storage import Bitmap

OPEN_FILES = 1_024
"""How many data files stay open, with their statistics parsed."""


@dataclass(frozen=True)
class Lake:
    """A workspace together with the files that are open."""

    workspace: Workspace
    opened: Cache[DataFile]
    constant: Callable[[str, str], object]

    def scan(self, table: Table, catalog: Catalog) -> TableScan:
        """Return a scan of all live rows of a table in the state of ``catalog``."""
        return self.scan_entries(table, catalog.files(table))

    def scan_entries(self, table: Table, entries: Sequence[FileEntry]) -> TableScan:
        """Return a scan of the live rows of these files of a table."""
        files = [self.scan_file(n, entry) for n, entry in enumerate(entries)]
        return TableScan(self.columns(table), files)

    def columns(self, table: Table) -> list[ScanColumn]:
        """Return a table's columns as a scan reads them."""
        return [ScanColumn(c.id, c.name, c.type, self._initial(c)) for c in table.columns]

    def scan_file(self, ordinal: int, entry: FileEntry) -> ScanFile:
        """Return one data file as a scan reads it; nothing is opened yet."""
        return ScanFile(
            file_id=ordinal,
            rid=entry.rid,
            rows=entry.rows,
            datafile=lambda: self.open(entry),
            deleted=self.marks(entry),
        )

    def marks(self, entry: FileEntry) -> Bitmap | None:
        """Return the positions of a file's dead rows, or None when all live."""
        if entry.marks is None:
            return None
        return deletion.deserialize(self.workspace.fetch(entry.marks))

    def open(self, entry: FileEntry) -> DataFile:
        """Return the open data file of an entry."""
        return self.opened.get(entry.data.digest, lambda: self._open(entry))

    def _open(self, entry: FileEntry) -> DataFile:
        digest = entry.data.digest
        own = self.workspace.objects.get(digest)
        source = (
            _Pending(digest, own)
            if own is not None
            else self.workspace.timeline.source(digest, entry.data.at)
        )
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
