"""Verification: the whole lakehouse recomputed from its log, file by file.

Layer: ``engine.timeline``. Invariant: nothing that an open handle holds in memory is believed, but
for how long the log was when the audit began.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from engine.errors import CorruptError, StorageError
from engine.objectstore import layout
from engine.proof.errors import ProofError
from engine.proof.hashing import root
from engine.proof.note import Checkpoint, VerifierKey
from engine.proof.tree import CompactRange
from engine.timeline import draft, identity, log
from engine.timeline import record as records_
from engine.timeline.model import Finding
from engine.timeline.state import State, decode_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.objectstore import Store
    from engine.timeline.model import Head
    from engine.timeline.record import Record
    from engine.timeline.state import Node

_COMMITS: Final = layout.SEGMENT_COMMITS
_PIECE: Final = 1 << 20
_WORKERS: Final = min(8, os.cpu_count() or 1)
_BATCH: Final = 64
"""Objects that are hashed before what was found is told."""


def announced_key(head: Head) -> VerifierKey:
    """Return the key that signed a head's checkpoint, as the state map announces it.

    Raises: CorruptError.
    """
    return _key(Checkpoint.parse(head.note), head.state)


def _key(checkpoint: Checkpoint, state: State) -> VerifierKey:
    try:
        held = json.loads(state.get(draft.verifier_key_entry(checkpoint.key_id)) or b"{}")
        key = VerifierKey.parse(held["vkey"])
        if checkpoint.size > held.get("until", checkpoint.size) + 1:
            raise CorruptError(
                "the checkpoint is signed with a key that was retired before",
                subject=layout.CHECKPOINT,
            )
    except (ProofError, ValueError, KeyError, TypeError) as error:
        raise CorruptError(
            "the key that signed the checkpoint is not announced in the log",
            subject=layout.CHECKPOINT,
        ) from error
    return key


def check_signature(checkpoint: Checkpoint, state: State, path: str) -> None:
    """Check that a key which the state map announces signed a checkpoint, found at ``path``.

    Cost: about 2 ms.
    Raises: CorruptError.
    """
    try:
        checkpoint.verify(_key(checkpoint, state))
    except ProofError as error:
        raise CorruptError(f"{path}: {error}", subject=path) from error


def _fold(row: list[bytes | None]) -> bytes | None:
    hashes = [digest for digest in row if digest is not None]
    return root(hashes) if len(hashes) == len(row) else None


class Audit:
    """One pass over every file of a lakehouse."""

    def __init__(
        self,
        store: Store,
        db: str,
        origin: str,
        head: Head,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        """Take the log's identity and the head up to which to look."""
        self._store = store
        self._db = db
        self._origin = origin
        self._size = head.seq + 1
        self._progress = progress
        self._total = 0
        self._done = 0
        self._counting = threading.Lock()
        self._link: log.Link | None = log.Link(db)
        self._range: CompactRange | None = CompactRange()
        self._state: State | None = State(self._no_node)
        self._expected_nodes: dict[str, Node] = {}
        self._leaves: list[list[bytes] | None] = []
        self._sealed_segments = 0

    def _no_node(self, digest: bytes) -> bytes:
        path = layout.state(digest.hex())
        raise CorruptError(f"{path} is missing", subject=path)

    def run(self) -> Iterator[Finding]:
        """Yield a finding for every file, and for whatever is wrong inside one."""
        if self._progress is not None:
            folders = (layout.LOG, layout.TILE, layout.STATE, layout.OBJECTS)
            paths = (path for folder in folders for path in self._store.list(folder))
            self._total = sum(self._store.size(path) or 0 for path in paths)
        yield self._finding(layout.FORMAT, self._format)
        for index in range(-(-self._size // _COMMITS)):
            yield from self._segment(index)
        yield self._finding(layout.CHECKPOINT, self._checkpoint)
        yield from self._tiles()
        yield from self._states()
        yield from self._objects()

    def _objects(self) -> Iterator[Finding]:
        """Hash the objects side by side: large ones let go of the interpreter."""
        paths = iter(self._store.list(layout.OBJECTS))
        with ThreadPoolExecutor(_WORKERS) as pool:
            while batch := list(islice(paths, _BATCH)):
                yield from pool.map(self._checked_object, batch)

    def _checked_object(self, path: str) -> Finding:
        return self._finding(path, partial(self._object, path))

    def _finding(self, subject: str, check: Callable[[], str]) -> Finding:
        try:
            finding = Finding(subject, ok=True, detail=check())
        except StorageError as error:
            finding = Finding(error.subject or subject, ok=False, detail=error.message)
        if self._progress is not None:
            with self._counting:
                self._done += self._store.size(subject) or 0
                self._progress(min(self._done, self._total), self._total)
        return finding

    def _read(self, path: str) -> bytes:
        if self._store.size(path) is None:
            raise CorruptError(f"{path} is missing", subject=path)
        return self._store.read(path)

    def _format(self) -> str:
        if identity.decode(self._read(layout.FORMAT)) != self._db:
            raise CorruptError("FORMAT names another lakehouse", subject=layout.FORMAT)
        return f"lakehouse {self._db}"

    def _segment(self, index: int) -> Iterator[Finding]:
        path = layout.segment(index)
        found: list[Record] = []

        def records() -> str:
            self._read(path)
            found.extend(self._records(index))
            return f"commits {index * _COMMITS} to {index * _COMMITS + len(found) - 1}"

        finding = self._finding(path, records)
        yield finding
        self._leaves.append([record.hashed for record in found] if finding.ok else None)
        if not finding.ok:
            # What comes after cannot be replayed; each later segment is still checked by itself.
            self._link = self._range = self._state = None
        if finding.ok and len(found) == _COMMITS:
            yield from self._sealed(index, found)

    def _records(self, index: int) -> list[Record]:
        wanted = min(_COMMITS, self._size - index * _COMMITS)
        found = log.scan(self._store, index).records[:wanted]
        path = layout.segment(index)
        if len(found) < wanted:
            seq = index * _COMMITS + len(found)
            raise CorruptError(f"{path}: commit {seq} is damaged", subject=path)
        self._links(found)
        data = self._store.read(path, 0, found[-1].end)
        for record in found:
            self._replay(record, data)
        checkpoint = log.parse_note(found[-1], self._origin)
        if self._state is not None:
            check_signature(checkpoint, self._state, path)
        return found

    def _links(self, found: list[Record]) -> None:
        first = found[0].claims
        link = self._link or log.Link(self._db, first.parent, first.ts - 1)
        log.check_links(found, link)
        self._link = log.Link(self._db, found[-1].hashed, found[-1].claims.ts)

    def _replay(self, record: Record, data: bytes) -> None:
        claims = record.claims
        checkpoint = log.parse_note(record, self._origin)
        changes = dict(record.parse_changes())
        if not records_.objects_intact(record, data, 0):
            raise record.corrupt("an inlined object is damaged")
        for digest, (start, length) in record.objects.items():
            if hashlib.sha256(data[start : start + length]).digest() != digest:
                raise record.corrupt(f"inlined object {digest.hex()} is damaged")
        if self._range is not None:
            self._range.append(record.hashed)
            if checkpoint.root != self._range.root():
                raise record.corrupt("its checkpoint is not the log's")
        if self._state is not None:
            self._state = self._state.apply(changes)
            if (self._state.count, self._state.root) != (claims.state_count, claims.state_root):
                raise record.corrupt("its state is not the one that its changes lead to")

    def _sealed(self, index: int, found: list[Record]) -> Iterator[Finding]:
        """Check what was derived from a full segment, if it was or had to be."""
        path = layout.segment_index(index)
        last = (index + 1) * _COMMITS >= self._size
        if last and self._store.size(path) is None:
            return
        self._sealed_segments = index + 1
        yield self._finding(path, partial(self._index, index, found))
        if self._state is not None:
            for node in self._state.unsaved():
                node.saved = True
                self._expected_nodes[layout.state(node.digest.hex())] = node

    def _index(self, index: int, found: list[Record]) -> str:
        path = layout.segment_index(index)
        if self._read(path) != log.encode_index(index, log.index_of(found)):
            raise CorruptError(f"{path} is damaged", subject=path)
        return "matches the segment"

    def _checkpoint(self) -> str:
        path = layout.CHECKPOINT
        note, floor = log.read_floor(self._store)
        if not note:
            raise CorruptError(f"{path} is missing or empty", subject=path)
        checkpoint = Checkpoint.parse(note)
        if checkpoint.origin != self._origin:
            raise CorruptError(f"{path} is another log's", subject=path)
        if self._state is not None and floor <= self._size:
            check_signature(checkpoint, self._state, path)
            leaves = [leaf for row in self._leaves for leaf in row or ()]
            if root(leaves[:floor]) != checkpoint.root:
                raise CorruptError(f"{path} is not the log's", subject=path)
        return f"{floor} commits, root {checkpoint.root.hex()}"

    def _tiles(self) -> Iterator[Finding]:
        rows = self._rows()
        required = {
            layout.tile(level, index)
            for level in range(len(rows))
            for index in range(self._sealed_segments >> (8 * level))
        }
        for path in sorted({*required, *self._store.list(layout.TILE)}):
            yield self._finding(path, partial(self._tile, path, rows))

    def _rows(self) -> list[list[bytes | None]]:
        """Return the hashes of every tile level; there is none for a damaged segment or above it."""
        full = [leaves for leaves in self._leaves if leaves is None or len(leaves) == _COMMITS]
        bottom: list[bytes | None] = []
        for leaves in full:
            bottom += leaves or [None] * _COMMITS
        rows = [bottom]
        while len(rows[-1]) >= _COMMITS:
            row = rows[-1]
            rows.append(
                [
                    _fold(row[first : first + _COMMITS])
                    for first in range(0, len(row) - _COMMITS + 1, _COMMITS)
                ]
            )
        return rows

    def _tile(self, path: str, rows: list[list[bytes | None]]) -> str:
        place = layout.parse_tile(path)
        if place is None:
            raise CorruptError(f"{path} is not a tile", subject=path)
        level, index, width = place
        if width < _COMMITS and self._store.size(path) is None:
            return "replaced by a newer one meanwhile"
        data = self._read(path)
        first = index * _COMMITS
        row = rows[level][first : first + width] if level < len(rows) else []
        if len(row) < width:
            return "newer than what was verified"
        if None in row:
            return "cannot be compared: the log below it is damaged"
        if data != b"".join(digest for digest in row if digest is not None):
            raise CorruptError(f"{path} is damaged", subject=path)
        return "matches the log"

    def _states(self) -> Iterator[Finding]:
        stored = set(self._store.list(layout.STATE))
        for path in sorted(stored | set(self._expected_nodes)):
            yield self._finding(path, partial(self._node, path))

    def _node(self, path: str) -> str:
        data = self._read(path)
        try:
            digest = bytes.fromhex(path.rpartition("/")[2])
        except ValueError as error:
            raise CorruptError(f"{path} is not a state node", subject=path) from error
        if layout.state(digest.hex()) != path:
            raise CorruptError(f"{path} is not in its place", subject=path)
        node = decode_node(data, digest)
        return f"level {node.level}, {len(node.entries)} entries"

    def _object(self, path: str) -> str:
        source = self._store.source(path)
        hasher = hashlib.sha256()
        size = source.size
        for offset in range(0, size, _PIECE):
            hasher.update(source.read(offset, _PIECE))
        if layout.data_object(hasher.hexdigest()) != path:
            raise CorruptError(f"{path} is damaged", subject=path)
        return f"{size} bytes"
