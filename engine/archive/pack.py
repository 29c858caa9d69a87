"""A lakehouse on disk to one ``.gobi`` file.

Layer: ``engine.archive``. Invariant: the archive shows one moment of the lakehouse, and equal
moments give equal bytes: the log is measured under the lakehouse's lock, all else that a commit
rests on is durable and unchanging before the commit is in the log.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from contextlib import nullcontext
from typing import TYPE_CHECKING, BinaryIO

from engine.archive import format as gobi
from engine.archive.format import Manifest, Member
from engine.archive.reader import CHUNK, refusals, sync_folder
from engine.archive.report import PackReport
from engine.catalog import FileEntry
from engine.clock import SystemClock
from engine.errors import ArchiveError, CorruptError, UsageError
from engine.objectstore import LocalStore, layout
from engine.timeline import Timeline, log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from engine.archive.report import Progress
    from engine.objectstore import Store

_LOCK_SECONDS = 30.0
_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_UNKNOWN = ("0" * 8, "0" * 64)


def pack(path: Path, out: Path, *, progress: Progress | None = None) -> PackReport:
    """Write the lakehouse at ``path`` to the archive ``out``, replacing an older archive there.

    Cost: one read of the lakehouse and one of the archive, for its digest.
    Raises: LakeError when there is no lakehouse, CorruptError naming an object that does not match
    its name, UsageError when ``out`` is something else than an archive, IoError.
    """
    root = lake_folder(path)
    store, moment = _moment(root)
    _refuse_other(out, root)
    beside = out.parent / f".{out.name}.{SystemClock().token()}"
    try:
        with refusals(str(out)):
            with beside.open("xb") as file:
                manifest = _Packing(store, moment, progress).write(file)
                file.flush()
                os.fsync(file.fileno())
            with beside.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            beside.replace(out)
            sync_folder(out.parent)
    finally:
        beside.unlink(missing_ok=True)
    members = len(manifest.members)
    return PackReport(out, members, manifest.size, digest, manifest.checkpoint)


def lake_folder(path: Path) -> Path:
    """Return the folder that holds the lakehouse's own files, given it or the one around it."""
    inner = path / layout.FOLDER
    return inner if inner.is_dir() else path


def _refuse_other(out: Path, root: Path) -> None:
    with refusals(str(out)):
        if root.resolve() in out.resolve().parents:
            raise UsageError("an archive cannot lie inside what it packs", subject=str(out))
        if not out.exists():
            return
        if not out.is_file():
            raise UsageError(f"{out} exists and is not a file", subject=str(out))
        with out.open("rb") as file:
            head = file.read(gobi.FIRST_HEADER_BYTES)
    try:
        gobi.manifest_size(head)
    except ArchiveError as error:
        raise UsageError(
            f"{out} exists and is not an archive",
            subject=str(out),
            hint="Name another file, or remove this one first.",
        ) from error


def _moment(root: Path) -> tuple[Store, dict[str, int | bytes]]:
    """Return every file of one moment with its size, or its bytes where it gets replaced.

    The last segment counts up to its last intact record, and the checkpoint is that record's.
    Objects are listed after the log was measured: what the log rests on was there before. Those
    that no commit names stay out: an interrupted transaction left them, or one that still runs.
    """
    writable = os.access(root, os.W_OK)
    store = LocalStore(root, writable=writable)
    timeline = Timeline.open(store, clock=SystemClock())
    with store.lock(_LOCK_SECONDS) if writable else nullcontext():
        last = timeline.refresh().seq // layout.SEGMENT_COMMITS
        moment: dict[str, int | bytes] = {
            layout.CHECKPOINT: timeline.checkpoint.encode(),
            layout.segment(last): log.scan(store, last).end,
        }
        for name in (layout.FORMAT, *_listed(store, layout.LOG, layout.STATE, layout.TILE)):
            if name not in moment:
                moment[name] = _size(store, name)
    needed, named = _objects(timeline)
    for name in sorted({*needed, *_listed(store, layout.OBJECTS)}):
        if name in needed or name.rpartition("/")[2].encode() in named:
            moment[name] = _size(store, name)
    return store, dict(sorted(moment.items()))


def _objects(timeline: Timeline) -> tuple[set[str], set[bytes]]:
    """Return the files that tables rest on, and every digest that a commit put into the state.

    Cost: reads the whole log.
    """
    needed: set[str] = set()
    named: set[bytes] = set()
    for commit in timeline.commits():
        for key, value in commit.changes.items():
            named.update(_DIGEST.findall(value or b""))
            if key.startswith("f/") and value is not None:
                entry = FileEntry.decode(key, value)
                refs = (entry.data, entry.sidecar, entry.marks)
                needed.update(layout.data_object(r.digest) for r in refs if r and r.at is None)
    return needed, named


def _listed(store: Store, *prefixes: str) -> Iterator[str]:
    for prefix in prefixes:
        yield from store.list(prefix)


def _size(store: Store, name: str) -> int:
    size = store.size(name)
    if size is None:
        raise CorruptError(f"{name} is missing", subject=name)
    return size


class _Packing:
    """One archive being written: members first, then the frame that their digests determine."""

    def __init__(
        self, store: Store, moment: dict[str, int | bytes], progress: Progress | None
    ) -> None:
        self._store = store
        self._moment = moment
        self._progress: Callable[[int, int], None] = progress or (lambda _done, _total: None)
        self._done = 0

    def write(self, file: BinaryIO) -> Manifest:
        plan = self._plan()
        total = plan.payload
        members = []
        for place in plan.places[1:]:
            file.seek(place.data)
            members.append(self._copy(place.member, file, total))
        manifest = Manifest(plan.checkpoint, tuple(members))
        for place in manifest.places:
            file.seek(place.header)
            file.write(gobi.local_header(place))
        file.seek(gobi.FIRST_HEADER_BYTES)
        file.write(manifest.text)
        file.seek(manifest.directory_offset)
        file.write(manifest.directory)
        return manifest

    def _plan(self) -> Manifest:
        """Return a manifest whose digests are unknown yet; its length and places are final."""
        sizes = {n: v if isinstance(v, int) else len(v) for n, v in self._moment.items()}
        gobi.check_names(list(sizes))
        plan = Manifest(
            bytes(self._moment[layout.CHECKPOINT]).decode(),
            tuple(Member(name, size, *_UNKNOWN) for name, size in sizes.items()),
        )
        if len(plan.text) > gobi.MANIFEST_LIMIT:
            raise ArchiveError(f"{len(sizes)} files are more than one archive can list")
        return plan

    def _copy(self, member: Member, file: BinaryIO, total: int) -> Member:
        sha256, crc32 = hashlib.sha256(), 0
        for chunk in self._chunks(member):
            sha256.update(chunk)
            crc32 = zlib.crc32(chunk, crc32)
            file.write(chunk)
            self._done += len(chunk)
            self._progress(self._done, total)
        digest = sha256.hexdigest()
        if member.name.startswith(f"{layout.OBJECTS}/") and not member.name.endswith(f"/{digest}"):
            raise CorruptError(
                f"{member.name} does not match its name",
                subject=member.name,
                hint="`grizzly verify` lists all that is damaged.",
            )
        return Member(member.name, member.size, f"{crc32:08x}", digest)

    def _chunks(self, member: Member) -> Iterator[bytes]:
        kept = self._moment[member.name]
        if isinstance(kept, bytes):
            yield kept
            return
        source = self._store.source(member.name)
        for offset in range(0, member.size, CHUNK):
            length = min(CHUNK, member.size - offset)
            chunk = source.read(offset, length)
            if len(chunk) != length:
                raise CorruptError(f"{member.name} became shorter", subject=member.name)
            yield chunk
