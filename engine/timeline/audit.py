"""Verification: the whole lakehouse recomputed from its log, file by file.

Layer: ``engine.timeline``. Invariant: nothing that an open handle holds in memory is believed, but
for how long the log was when the audit began.
"""

from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from engine.errors import CorruptError, StorageError
from engine.objectstore import layout
from engine.proof.hashing import root
from engine.proof.note import Checkpoint
from engine.timeline import checkpoint as checkpoints
from engine.timeline import identity, rebuild
from engine.timeline.model import Finding
from engine.timeline.signers import check_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.objectstore import Store
    from engine.timeline.model import Head
    from engine.timeline.packs import Span

_COMMITS: Final = layout.SEGMENT_COMMITS
_PIECE: Final = 1 << 20
_WORKERS: Final = min(8, os.cpu_count() or 1)
_BATCH: Final = 64
"""Objects that are hashed before what was found is told."""


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
        self._replay = rebuild.Replay(db, origin)

    def run(self) -> Iterator[Finding]:
        """Yield a finding for every file, and for whatever is wrong inside one."""
        if self._progress is not None:
            folders = (layout.LOG, layout.OBJECTS)
            paths = (path for folder in folders for path in self._store.list(folder))
            self._total = sum(self._store.size(path) or 0 for path in paths)
        yield self._finding(layout.FORMAT, self._format)
        found = list(rebuild.files(self._store))
        while found and found[-1][1][0] * _COMMITS >= self._size:
            found.pop()
        for path, span in found:
            yield self._finding(path, partial(self._file, path, span))
        yield self._finding(layout.CHECKPOINT, self._checkpoint)
        seen = {path for path, _ in found}
        for path in self._store.list(layout.LOG):
            if path not in seen and path != layout.CHECKPOINT:
                yield self._finding(path, partial(self._other, path))
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

    def _file(self, path: str, span: Span) -> str:
        first = span[0] * _COMMITS
        last = (span[1] + 1) * _COMMITS >= self._size
        try:
            rebuild.replay_file(self._replay, self._store, path, last=last)
            if self._replay.commits < min(self._size, (span[1] + 1) * _COMMITS):
                seq = self._replay.commits
                raise CorruptError(f"{path}: commit {seq} is damaged", subject=path)
        except StorageError:
            self._replay.lose(span[1] + 1)
            raise
        return f"commits {first} to {self._replay.commits - 1}"

    def _other(self, path: str) -> str:
        """Tell of a file that a pack has replaced, or that came after the audit began."""
        if layout.parse_pack(path) is None and layout.parse_segment(path) is None:
            raise CorruptError(f"{path} is no part of a log", subject=path)
        return "is no part of what was verified"

    def _checkpoint(self) -> str:
        path = layout.CHECKPOINT
        notes = checkpoints.slots(self._read(path))
        if None in notes or not any(notes):
            raise CorruptError(f"{path} is damaged", subject=path)
        found = [Checkpoint.parse(note) for note in notes if note]
        for checkpoint in found:
            if checkpoint.origin != self._origin:
                raise CorruptError(f"{path} is another log's", subject=path)
            state, leaves = self._replay.state, self._replay.leaves
            if state is not None and checkpoint.size <= len(leaves):
                check_signature(checkpoint, state, path)
                if root(leaves[: checkpoint.size]) != checkpoint.root:
                    raise CorruptError(f"{path} is not the log's", subject=path)
        return f"{max(checkpoint.size for checkpoint in found)} commits"

    def _object(self, path: str) -> str:
        source = self._store.source(path)
        hasher = hashlib.sha256()
        size = source.size
        for offset in range(0, size, _PIECE):
            hasher.update(source.read(offset, _PIECE))
        if layout.data_object(hasher.hexdigest()) != path:
            raise CorruptError(f"{path} is damaged", subject=path)
        return f"{size} bytes"
