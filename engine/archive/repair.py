"""A damaged lakehouse mended: what can be made again is, the rest comes from other copies.

Layer: ``engine.archive``. Invariant: nothing takes the place of a damaged file before it was verified,
and the damaged file is kept in the trash; what cannot be mended is left as it is and named.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.archive.landing import Landing
from engine.archive.moment import lake_folder, open_store
from engine.archive.reader import CHUNK, refusals
from engine.archive.repair_log import LogMender
from engine.catalog import refs_of
from engine.catalog.vacuum import taken
from engine.clock import SystemClock
from engine.errors import (
    ArchiveError,
    CorruptError,
    IoError,
    LakeError,
    ReadOnlyError,
    StorageError,
)
from engine.objectstore import LocalStore, layout
from engine.proof.errors import ProofError
from engine.proof.note import Checkpoint
from engine.timeline import Timeline, identity, log, rebuild
from engine.timeline import checkpoint as checkpoints
from engine.timeline.pack import Pack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from engine.archive.report import Progress
    from engine.objectstore import Store
    from engine.timeline.rebuild import Replay

_LOCK_SECONDS: Final = 30.0
_ORIGIN: Final = "pl-grizzly/"


@dataclass(frozen=True, slots=True)
class Mended:
    """One thing that was wrong. ``ok`` says whether it is right now; ``detail`` how, or why not."""

    subject: str
    ok: bool
    detail: str


def repair(
    lake: Path, sources: Sequence[Path] = (), *, progress: Progress | None = None
) -> list[Mended]:
    """Mend the lakehouse at ``lake``, with the help of other copies of it; return what was wrong.

    Copies are lakehouses, backups and archives; an object is the same in all of them.

    Cost: reads every file, and replays the log.
    Raises: LakeError when there is no lakehouse or a copy is none; ReadOnlyError for an archive;
    ArchiveError, IoError.
    """
    if lake.is_file():
        raise ReadOnlyError(
            f"{lake} is an archive, which is only read",
            subject=str(lake),
            hint="make it anew from the lakehouse, or unpack another copy",
        )
    root = lake_folder(lake)
    if not any((root / name).exists() for name in (layout.FORMAT, layout.LOG)):
        raise LakeError(f"{lake} is not a lakehouse", subject=str(lake))
    others = {str(path): _copy(path) for path in sources}
    store = LocalStore(root)
    with store.lock(_LOCK_SECONDS, layout.COMPACT_LOCK), store.lock(_LOCK_SECONDS):
        return _Repair(store, others, progress).run()


def _copy(path: Path) -> Store:
    store = open_store(path)
    if store.size(layout.FORMAT) is None and not list(store.list(layout.OBJECTS)):
        raise LakeError(f"{path} is not a copy of a lakehouse", subject=str(path))
    return store


class _Repair:
    """One pass over a lakehouse, whose lock is held."""

    def __init__(
        self, store: LocalStore, others: Mapping[str, Store], progress: Progress | None
    ) -> None:
        self._store = store
        self._others = list(others.values())
        self._named = {other.name: name for name, other in others.items()}
        self._progress = progress
        self._trash = f"{layout.TRASH}/damaged-{SystemClock().token()}"
        self._landing = Landing(store.root)
        self._done: list[Mended] = []

    def run(self) -> list[Mended]:
        """Mend the log first, for all else follows from it."""
        try:
            db = self._format()
            if db is None:
                return self._done
            found = self._log(db)
            if found is not None:
                self._checkpoint(found)
                self._objects(found)
        finally:
            self._landing.clear()
        return self._done

    def _tell(self, subject: str, detail: str, *, ok: bool = True) -> None:
        self._done.append(Mended(subject, ok, detail))

    def _replace(self, path: str, data: bytes) -> None:
        self._keep(path)
        self._store.put(path, data)

    def _keep(self, path: str) -> None:
        """Keep a damaged file in the trash; it stays in its place until another one takes it."""
        if self._store.size(path) is None:
            return
        kept = self._store.root / self._trash / path
        with refusals(path):
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.hardlink_to(self._store.root / path)

    # ------------------------------------------------------------------ FORMAT

    def _format(self) -> str | None:
        path = layout.FORMAT
        try:
            if self._store.size(path) is not None:
                return identity.decode(self._store.read(path))
        except CorruptError:
            pass
        db = self._identity()
        if db is None:
            self._tell(path, "is damaged, and nothing says which lakehouse this is", ok=False)
            return None
        self._replace(path, identity.encode(db))
        self._tell(path, "made again")
        return db

    def _identity(self) -> str | None:
        """Return the lakehouse's identifier: as its checkpoint has it, or a copy's, or its log."""
        for store in (self._store, *self._others):
            try:
                checkpoint = Checkpoint.parse(checkpoints.read(store)[0])
            except (StorageError, ProofError):
                continue
            return checkpoint.origin.removeprefix(_ORIGIN)
        try:
            path, _ = next(rebuild.files(self._store))
            if layout.parse_pack(path):
                return Pack(self._store, path).db
            return log.scan(self._store, 0, None).groups[0].db
        except (StorageError, IndexError, StopIteration):
            return None

    # ------------------------------------------------------------------ the log

    def _log(self, db: str) -> Replay | None:
        mender = LogMender(self._store, self._others, db)
        found = mender.mend()
        if found is None:
            error = mender.lost
            subject = (error and error.subject) or layout.LOG
            what = error.message if error is not None else "damaged"
            self._tell(subject, f"{what}; no copy has what is missing", ok=False)
            return None
        for path, (data, name) in sorted(mender.patches.items()):
            if data is not None:
                self._replace(path, data)
                self._tell(path, f"copied from {self._named.get(name, name)}")
        for path, (data, _) in mender.patches.items():
            if data is None:
                self._keep(path)
                self._store.remove(path)
        return found

    def _checkpoint(self, found: Replay) -> None:
        path = layout.CHECKPOINT
        try:
            Timeline.open(self._store, clock=SystemClock())
            if None in checkpoints.slots(self._store.read(path)):
                raise CorruptError(f"{path} is damaged", subject=path)
        except (CorruptError, IoError):
            self._replace(path, found.note)
            Timeline.open(self._store, clock=SystemClock())
            self._tell(path, f"made again from the log, whose last commit is {found.commits - 1}")

    # ------------------------------------------------------------------ objects

    def _objects(self, found: Replay) -> None:
        timeline = Timeline.open(self._store, clock=SystemClock())
        wrong = list(self._damaged())
        wanted = {
            layout.data_object(ref.digest): ref.digest
            for key, value in found.changes
            for ref in refs_of(key.decode("ascii"), value)
            if ref.at is None
        }
        absent = [path for path in sorted(wanted) if self._store.size(path) is None]
        wrong += [path for path in absent if taken(timeline, wanted[path]) is None]
        for path in wrong:
            name = self._fetched(path)
            if name is not None:
                self._tell(path, f"copied from {name}")
            else:
                state = "missing" if self._store.size(path) is None else "damaged"
                self._tell(path, f"is {state}, and no copy has it", ok=False)

    def _damaged(self) -> Iterator[str]:
        paths = list(self._store.list(layout.OBJECTS))
        total = sum(self._store.size(path) or 0 for path in paths)
        done = 0
        for path in paths:
            source, hasher = self._store.source(path), hashlib.sha256()
            try:
                for offset in range(0, source.size, CHUNK):
                    hasher.update(source.read(offset, CHUNK))
            except IoError:
                hasher = hashlib.sha256(b"unreadable" + path.encode())
            done += self._store.size(path) or 0
            if self._progress is not None:
                self._progress(done, total)
            if layout.data_object(hasher.hexdigest()) != path:
                yield path

    def _fetched(self, path: str) -> str | None:
        """Put an object in its place from the first copy that has it whole; return whose it was."""
        for other in self._others:
            if other.size(path) is None:
                continue
            try:
                self._landing.add(path, _chunks(other, path))
            except (CorruptError, ArchiveError):
                self._landing.clear()
                continue
            self._keep(path)
            self._landing.flush()
            return self._named[other.name]
        return None


def _chunks(store: Store, path: str) -> Iterator[bytes]:
    source = store.source(path)
    for offset in range(0, source.size, CHUNK):
        yield source.read(offset, CHUNK)
