"""A workspace becomes a commit: conflicts are found, provisional names become final.

Layer: ``session``. Invariant: what is decided here is decided under the timeline's lock, against the
newest state; nothing is rewritten but references, however far the head has moved.
Source: design of the lakehouse, conflict rules: the same row, the same key or the same definition
changed by another writer is a conflict; everything else commutes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.catalog import Blob, PENDING_VERSION, ROW_ID_SHIFT, Catalog, FileEntry, Ref, Table, View
from engine.errors import ConflictError
from engine.execute import key_tuples
from engine.execute.workspace import is_pending
from engine.storage import deletion
from engine.timeline import Proposal

if TYPE_CHECKING:
    from engine.execute import Lake
    from engine.timeline import Commit, State

RETRY_HINT = "nothing of this transaction was kept; run it again"


class Transaction:
    """Commits one workspace.

    Raises: ConflictError, from ``commit``, when another writer got in the way.
    """

    def __init__(self, lake: Lake) -> None:
        """Commit the lake's workspace."""
        self._lake = lake
        self._workspace = lake.workspace
        self._objects: dict[str, bytes] = {}

    def commit(self, op: str, meta: dict[str, str]) -> Commit:
        """Append the workspace to the timeline; durable when this returns.

        Cost: one append and its sync, and the keys of files that others added meanwhile.
        Raises: ConflictError, IoError, LakeError when the lock is not to be had.
        """
        return self._workspace.timeline.commit(
            lambda head, seq: Proposal(
                op, self._final(head.state, seq), list(self._objects.values()), meta
            )
        )

    def _final(self, head: State, seq: int) -> dict[str, bytes | None]:
        self._objects = {}
        changes: dict[str, bytes | None] = {}
        self._check_definitions(head)
        self._check_names(head)
        for key, value in self._workspace.changes.items():
            if key.startswith("f/"):
                final_key, final = self._final_file(head, key, value, seq)
                if head.get(final_key) != final:
                    changes[final_key] = final
                continue
            base = self._workspace.base.get(key)
            if head.get(key) != base:
                raise ConflictError(f"another writer changed {_title(key)}", hint=RETRY_HINT)
            if key.startswith("t/") and base is not None:
                self._check_still(head, key)
            changes[key] = self._final_blob(key, value, seq) if key.startswith("blob/") else value
        self._check_added_keys(head)
        return changes

    def _final_blob(self, key: str, value: bytes | None, seq: int) -> bytes | None:
        if value is None:
            return None
        blob = Blob.decode(key, value)
        if blob.data.at == PENDING_VERSION:
            digest = blob.data.digest
            self._objects[digest] = self._workspace.objects[digest]
        return blob.settled(seq).encode()

    def _final_file(
        self, head: State, key: str, value: bytes | None, seq: int
    ) -> tuple[str, bytes | None]:
        base = self._workspace.base.get(key)
        if base is None:
            return self._added_file(key, value, seq)
        current = head.get(key)
        if current is None:
            raise ConflictError("another writer rewrote or removed the same rows", hint=RETRY_HINT)
        if current == base:
            entry = None if value is None else FileEntry.decode(key, value)
            return key, None if entry is None else self._settle(entry, seq).encode()
        return key, self._merge_marks(key, base, current, value, seq)

    def _added_file(self, key: str, value: bytes | None, seq: int) -> tuple[str, bytes | None]:
        if value is None:
            return key, None
        entry = FileEntry.decode(key, value)
        if is_pending(entry.rid):
            first = entry.rid & ((1 << ROW_ID_SHIFT) - 1)
            entry = replace(entry, rid=seq << ROW_ID_SHIFT | first)
        table_id = key.split("/")[1]
        return entry.state_key(table_id), self._settle(entry, seq).encode()

    def _settle(self, entry: FileEntry, seq: int) -> FileEntry:
        """Give pending objects the commit that carries them."""

        def settled(ref: Ref) -> Ref:
            if ref.at != PENDING_VERSION:
                return ref
            self._objects[ref.digest] = self._workspace.objects[ref.digest]
            return Ref(ref.digest, seq)

        sidecar = None if entry.sidecar is None else settled(entry.sidecar)
        marks = None if entry.marks is None else settled(entry.marks)
        keys = None if entry.keys is None else (settled(entry.keys[0]), settled(entry.keys[1]))
        return replace(entry, data=settled(entry.data), sidecar=sidecar, marks=marks, keys=keys)

    def _merge_marks(
        self, key: str, base: bytes, current: bytes, value: bytes | None, seq: int
    ) -> bytes | None:
        """Both sides deleted rows of one file: keep both, unless they share a row."""
        ours_from = FileEntry.decode(key, base)
        theirs = FileEntry.decode(key, current)
        before = self._lake.marks(ours_from)
        if value is None:
            mine = deletion.bitmap(range(ours_from.rows))
        else:
            marks = self._lake.marks(FileEntry.decode(key, value))
            mine = deletion.union(marks, None)
        killed = deletion.minus(mine, before)
        their_marks = self._lake.marks(theirs)
        their_killed = deletion.minus(deletion.union(their_marks, None), before)
        if killed & their_killed:
            raise ConflictError("another writer changed the same rows", hint=RETRY_HINT)
        merged = deletion.union(their_marks, killed)
        dead = deletion.count(merged)
        if dead >= theirs.rows:
            return None
        data = deletion.serialize(merged)
        ref = self._workspace.keep(data)
        return self._settle(replace(theirs, marks=ref, dead=dead), seq).encode()

    def _check_definitions(self, head: State) -> None:
        """A table written to must still be defined as it was."""
        touched = {k.split("/")[1] for k in self._workspace.changes if k.startswith("f/")}
        for table_id in touched:
            key = f"t/{table_id}"
            if head.get(key) != self._workspace.base.get(key):
                raise ConflictError("another writer altered or dropped the table", hint=RETRY_HINT)

    def _check_added_keys(self, head: State) -> None:
        """Keys that were new when they were added must still be new."""
        for table_id in self._workspace.keys:
            base = self._workspace.base.get(f"t/{table_id}")
            if base is not None:
                self._check_keys(head, Table.decode(table_id, base))

    def _check_keys(self, head: State, table: Table) -> None:
        added = [FileEntry.decode(k, v) for k, v in self._came(head, table.file_prefix)]
        if not added:
            return
        names = [c.name for c in table.key_columns]
        ours = {key for keys in self._workspace.keys[table.id] for key in key_tuples(keys, names)}
        scan = self._lake.scan_entries(table, added)
        for batch in scan.batches(names, (), None):
            if not ours.isdisjoint(key_tuples(batch, names)):
                raise ConflictError("another writer added the same key", hint=RETRY_HINT)

    def _check_still(self, head: State, key: str) -> None:
        """A definition was judged by the rows it saw: there must be no others now."""
        if self._came(head, f"f/{key[2:]}/"):
            raise ConflictError("another writer added rows to the table", hint=RETRY_HINT)

    def _came(self, head: State, prefix: str) -> list[tuple[str, bytes]]:
        """Return the entries that others added below ``prefix`` since this transaction began."""
        known = {key for key, _ in self._workspace.base.items(prefix)}
        return [(key, value) for key, value in head.items(prefix) if key not in known]

    def _check_names(self, head: State) -> None:
        """A name given here must not have been given meanwhile."""
        base, now = self._workspace.base, Catalog(head)
        for key, value in self._workspace.changes.items():
            if value is None or key[:2] not in ("t/", "v/"):
                continue
            mine: Table | View = (
                Table.decode(key[2:], value) if key[0] == "t" else View.decode(key[2:], value)
            )
            for other in (now.table(mine.schema, mine.name), now.view(mine.schema, mine.name)):
                if other is not None and base.get(other.state_key) is None:
                    raise ConflictError(
                        f"another writer took the name '{mine.qualified}'", hint=RETRY_HINT
                    )


def _title(key: str) -> str:
    words = {
        "t": "the table's definition",
        "v": "the view",
        "s": "the schema",
        "ref": "the snapshot",
        "blob": "the blob",
    }
    return words.get(key.split("/", 1)[0], "the same thing")
