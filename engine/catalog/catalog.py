"""Names at one point in time: what a state map calls things.

Layer: ``catalog``. Invariant: a ``Catalog`` never changes; a new state is a new catalog.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol

from engine.cache import Cache
from engine.catalog.blobs import BLOBS, Blob
from engine.catalog.definitions import FileEntry, Snapshot, View, Watermark, key_name, name_key
from engine.catalog.migrations import MIGRATIONS, Migration
from engine.catalog.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping as Changed

MAIN = "main"
SYSTEM = "grizzly"

RESERVED_COLUMNS = (
    "_change",
    "_commit_ts",
    "_cv",
    "_file",
    "_first",
    "_from_source",
    "_last",
    "_n",
    "_op",
    "_pos",
    "_rid",
    "_side",
    "_version",
)
"""Names no column may have: scans and change logs use them."""


class Mapping(Protocol):
    """The part of a state map that a catalog reads."""

    def get(self, key: str) -> bytes | None:
        """Return the value at ``key``, or None."""
        ...

    def items(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Yield the entries whose key begins with ``prefix``, in key order."""
        ...


class Catalog:
    """The schemas, tables, views, snapshots and files of one state.

    Cost: definitions, and the files of each table, are read once, on first use.
    """

    def __init__(self, state: Mapping) -> None:
        """Look at ``state``; nothing is read yet."""
        self.state = state
        self._tables: dict[tuple[str, str], Table] | None = None
        self._views: dict[tuple[str, str], View] | None = None
        self._files: dict[str, list[FileEntry]] = {}

    def after(self, state: Mapping, changes: Changed[str, bytes | None]) -> Catalog:
        """Return the catalog of ``state``, which differs from this one's by ``changes``, or by less.

        Cost: by the changes, and a copy of each list of files that they change.
        """
        made = Catalog(state)
        kinds = {key[:2] for key in changes}
        if "t/" not in kinds:
            made._tables = self._tables
        if "v/" not in kinds:
            made._views = self._views
        made._files = dict(self._files)
        fresh = set()
        for key, value in changes.items():
            table_id = key.split("/", 2)[1] if key.startswith("f/") else None
            if table_id not in made._files:
                continue
            if table_id not in fresh:
                fresh.add(table_id)
                made._files[table_id] = list(made._files[table_id])
            _put(made._files[table_id], key, value)
        return made

    def schemas(self) -> list[str]:
        """Return all schema names, ``main`` first."""
        return [MAIN, *(key_name(key) for key, _ in self.state.items("s/"))]

    def tables(self) -> list[Table]:
        """Return every table, ordered by schema and name."""
        return [table for _, table in sorted(self._by_name().items())]

    def views(self) -> list[View]:
        """Return every view, ordered by schema and name."""
        return [view for _, view in sorted(self._views_by_name().items())]

    def table(self, schema: str, name: str) -> Table | None:
        """Return the table of that name in any case, or None."""
        return self._by_name().get((schema.lower(), name.lower()))

    def view(self, schema: str, name: str) -> View | None:
        """Return the view of that name in any case, or None."""
        return self._views_by_name().get((schema.lower(), name.lower()))

    def snapshots(self) -> list[Snapshot]:
        """Return every named snapshot, by name."""
        return [Snapshot.decode(key_name(key), data) for key, data in self.state.items("ref/")]

    def snapshot(self, name: str) -> Snapshot | None:
        """Return the snapshot called ``name``, or None."""
        data = self.state.get(name_key("ref", name))
        return None if data is None else Snapshot.decode(name, data)

    def blobs(self, prefix: str = "") -> list[Blob]:
        """Return every blob whose name begins with ``prefix``, by name as keys spell it."""
        items = self.state.items(name_key(BLOBS, prefix))
        return [Blob.decode(key_name(key), data) for key, data in items]

    def blob(self, name: str) -> Blob | None:
        """Return the blob of exactly that name, or None."""
        data = self.state.get(name_key(BLOBS, name))
        return None if data is None else Blob.decode(name, data)

    def watermarks(self) -> list[Watermark]:
        """Return every watermark, by name."""
        return [Watermark.decode(key_name(key), data) for key, data in self.state.items("w/")]

    def watermark(self, name: str) -> Watermark | None:
        """Return the watermark called ``name``, or None."""
        data = self.state.get(name_key("w", name))
        return None if data is None else Watermark.decode(name, data)

    def migrations(self) -> list[Migration]:
        """Return every applied migration, by name."""
        items = self.state.items(f"{MIGRATIONS}/")
        return [Migration.decode(key_name(key), data) for key, data in items]

    def files(self, table: Table) -> list[FileEntry]:
        """Return the table's data files in row id order."""
        if table.id not in self._files:
            items = self.state.items(table.file_prefix)
            self._files[table.id] = _entries(table, items)
        return self._files[table.id]

    def _by_name(self) -> dict[tuple[str, str], Table]:
        if self._tables is None:
            found = (table_of(key, data) for key, data in self.state.items("t/"))
            self._tables = {(t.schema.lower(), t.name.lower()): t for t in found}
        return self._tables

    def _views_by_name(self) -> dict[tuple[str, str], View]:
        if self._views is None:
            found = (View.decode(key[2:], data) for key, data in self.state.items("v/"))
            self._views = {(v.schema.lower(), v.name.lower()): v for v in found}
        return self._views


_TABLES = 4_096
_latest: Cache[dict[str, tuple[bytes, FileEntry]]] = Cache(_TABLES)
_definitions: Cache[Table] = Cache(_TABLES)


_changed: Cache[FileEntry] = Cache(_TABLES)


def _put(entries: list[FileEntry], key: str, value: bytes | None) -> None:
    """Set, or with None remove, one entry of a list in row id order."""
    rid = int(key.rsplit("/", 1)[1], 16)
    place = bisect_left(entries, rid, key=attrgetter("rid"))
    known = place < len(entries) and entries[place].rid == rid
    if value is None:
        del entries[place : place + known]
    else:
        entry = _changed.get((key, value), lambda: FileEntry.decode(key, value))
        entries[place : place + known] = [entry]


def _entries(table: Table, items: Iterator[tuple[str, bytes]]) -> list[FileEntry]:
    """Return what entries say; most of a state's entries were in the state before."""
    before = _latest.get(table.id, dict)
    known = {
        key: old
        if (old := before.get(key)) is not None and old[0] == data
        else (data, FileEntry.decode(key, data))
        for key, data in items
    }
    _latest.put(table.id, known)
    return [entry for _, entry in known.values()]


def table_of(key: str, data: bytes) -> Table:
    """Return the table that an entry of the state defines; most were there in the state before."""
    return _definitions.get((key, data), lambda: Table.decode(key[2:], data))
