"""What a transaction has changed and not yet committed, laid over the state it began from.

Layer: ``execute``. Invariant: the base never changes; whoever reads through a workspace sees the base
with the transaction's own changes, and nobody else sees those.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.catalog import PENDING_VERSION, ROW_ID_SHIFT, Catalog, FileEntry, Ref, state_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from engine.catalog import Mapping, Table
    from engine.catalog.definitions import FileIndex
    from engine.execute.reads import Reads
    from engine.storage import Encoded
    from engine.timeline import Timeline

INLINE_BYTES = 64 << 10
"""An object up to this size rides in its commit; a larger one gets a file of its own."""

FIRST_PENDING_ROW = PENDING_VERSION << ROW_ID_SHIFT
"""Row ids from here on belong to a commit that is still being written."""

INLINE_TOTAL = 1 << 20
"""What one commit carries at most; further objects get files."""


@dataclass(frozen=True, slots=True)
class Savepoint:
    """A workspace as it was."""

    changes: dict[str, bytes | None]
    objects: dict[str, bytes]
    keys: dict[str, list[pa.Table]]
    claims: frozenset[str]
    inline_bytes: int
    next_row: int


class Workspace:
    """An overlay over one state, and the objects its entries refer to."""

    def __init__(
        self,
        timeline: Timeline,
        state: Mapping,
        version: int,
        *,
        branch: str | None = None,
        reads: Reads | None = None,
        catalog: Catalog | None = None,
    ) -> None:
        """Start with nothing changed.

        ``branch`` is the line that ``state`` belongs to, main when None. What is read is noted in
        ``reads``, if anyone will ask for it. ``catalog`` is that of ``state``, where it is known.
        """
        self.timeline = timeline
        self.base = state
        self.version = version
        self.branch = branch
        self.reads = reads
        self.claims: set[str] = set()
        """The ids of tables that nobody else may change before this commits, whatever the isolation."""
        self.changes: dict[str, bytes | None] = {}
        self.objects: dict[str, bytes] = {}
        self.keys: dict[str, list[pa.Table]] = {}
        """The keys of the rows added to each keyed table, to be compared at commit."""
        self._inline_bytes = 0
        self._gathered: dict[str, bytes | memoryview] | None = None
        self._next_row = FIRST_PENDING_ROW
        self._before = Catalog(state) if catalog is None else catalog
        self._catalog: Catalog | None = self._before

    @property
    def catalog(self) -> Catalog:
        """The names as this transaction sees them now."""
        if self._catalog is None:
            self._catalog = self._before.after(self, self.changes)
        return self._catalog

    @property
    def dirty(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.changes)

    def unwatched(self) -> AbstractContextManager[None]:
        """Return a context in which reading is not noted: keys that are written protect it."""
        return nullcontext() if self.reads is None else self.reads.paused()

    def state_at(self, version: int) -> Mapping:
        """Return what was true on this workspace's branch after commit ``version``."""
        return state_at(self.timeline, version, self.branch)

    def get(self, key: str) -> bytes | None:
        """Return the value at ``key`` as this transaction sees it."""
        return self.changes[key] if key in self.changes else self.base.get(key)

    def items(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Yield the entries below ``prefix`` as this transaction sees them, in key order."""
        own = {k: v for k, v in self.changes.items() if k.startswith(prefix)}
        if not own:
            yield from self.base.items(prefix)
            return
        merged: dict[str, bytes | None] = dict(self.base.items(prefix))
        merged.update(own)
        for key in sorted(merged):
            value = merged[key]
            if value is not None:
                yield key, value

    def put(self, key: str, value: bytes | None) -> None:
        """Set ``key``, or remove it with None; a change back to the base is no change."""
        if self.base.get(key) == value:
            self.changes.pop(key, None)
        else:
            self.changes[key] = value
        self._catalog = None

    def keep(self, data: bytes | memoryview, *, digest: str | None = None) -> Ref:
        """Store an object and return where: in the coming commit when small, else in a file now.

        Cost: a file costs its fsync, unless it is gathered with others.
        """
        digest = digest or hashlib.sha256(data).hexdigest()
        if digest in self.objects:
            return Ref(digest, PENDING_VERSION)
        if len(data) <= INLINE_BYTES and self._inline_bytes + len(data) <= INLINE_TOTAL:
            self._inline_bytes += len(data)
            self.objects[digest] = bytes(data)
            return Ref(digest, PENDING_VERSION)
        if self._gathered is None:
            self.timeline.put_objects({digest: data})
        else:
            self._gathered[digest] = data
        return Ref(digest)

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Write what is kept within as files only at the end, together; nothing of it is read before.

        Cost: memory for all of it; the files share the cost of becoming durable.
        Raises: IoError, ReadOnlyError.
        """
        self._gathered = {}
        try:
            yield
            if self._gathered:
                self.timeline.put_objects(self._gathered)
        finally:
            self._gathered = None

    def add_file(
        self,
        table: Table,
        encoded: Encoded,
        part: tuple[str | None, ...] = (),
        idx: tuple[FileIndex, ...] = (),
    ) -> FileEntry:
        """Add a data file to a table under a provisional row id."""
        entry = FileEntry(
            rid=self._next_row,
            rows=encoded.rows,
            size=len(encoded.data),
            codec=encoded.codec,
            data=self.keep(memoryview(encoded.data), digest=encoded.sha256),
            sidecar=self.keep(encoded.sidecar) if encoded.sidecar else None,
            keys=None
            if encoded.keys is None
            else (self.keep(encoded.keys[0]), self.keep(encoded.keys[1])),
            tree=encoded.tree,
            idx=idx,
            part=part,
        )
        self._next_row += encoded.rows
        self.put(entry.state_key(table.id), entry.encode())
        return entry

    def savepoint(self) -> Savepoint:
        """Return what ``undo_to`` needs to forget everything done after now."""
        keys = {table: list(parts) for table, parts in self.keys.items()}
        return Savepoint(
            dict(self.changes),
            dict(self.objects),
            keys,
            frozenset(self.claims),
            self._inline_bytes,
            self._next_row,
        )

    def undo_to(self, point: Savepoint) -> None:
        """Forget what was done after ``point``; files written meanwhile stay as garbage."""
        self.changes = dict(point.changes)
        self.objects = dict(point.objects)
        self.keys = {table: list(parts) for table, parts in point.keys.items()}
        self.claims = set(point.claims)
        self._inline_bytes = point.inline_bytes
        self._next_row = point.next_row
        self._catalog = None

    def mark(self, table: Table, entry: FileEntry, marks: bytes, dead: int) -> None:
        """Replace the deletion marks of a data file; a file with no live row leaves the table."""
        key = entry.state_key(table.id)
        if dead >= entry.rows:
            self.put(key, None)
            return
        self.put(key, replace(entry, marks=self.keep(marks), dead=dead).encode())

    def fetch(self, ref: Ref) -> bytes:
        """Return an object's bytes, verified."""
        own = self.objects.get(ref.digest)
        return own if own is not None else self.timeline.object(ref.digest, ref.at)


def is_pending(rid: int) -> bool:
    """Say whether a row id belongs to a commit that is still being written."""
    return rid >= FIRST_PENDING_ROW
