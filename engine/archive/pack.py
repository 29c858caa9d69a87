"""A lakehouse on disk to one ``.gobi`` file.

Layer: ``engine.archive``. Invariant: the archive shows one moment of the lakehouse, and equal
moments give equal bytes.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from engine.archive import format as gobi
from engine.archive.excerpt import table_moment
from engine.archive.format import Base, Manifest, Member
from engine.archive.history import measure_at
from engine.archive.moment import (
    kept,
    lake_folder,
    measure,
    named,
    open_store,
    with_named_objects,
)
from engine.archive.reader import refusals, sync_folder
from engine.archive.report import PackReport
from engine.clock import SystemClock
from engine.errors import ArchiveError, CorruptError, UsageError
from engine.objectstore import layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.archive.moment import Moment
    from engine.archive.report import Progress
    from engine.objectstore import Store

_UNKNOWN = ("0" * 8, "0" * 64)


def pack(
    path: Path,
    out: Path,
    *,
    since: int | None = None,
    as_of: int | None = None,
    progress: Progress | None = None,
) -> PackReport:
    """Write the lakehouse at ``path`` to the archive ``out``, replacing an older archive there.

    With ``as_of``, as it was after that commit; with ``since``, only what a lakehouse lacks whose
    last commit is that one.

    Cost: one read of the lakehouse and one of the archive, for its digest; an older moment costs a
    replay of the log.
    Raises: LakeError when there is no lakehouse, CorruptError naming an object that does not match
    its name, UsageError when ``out`` is something else than an archive, or there is no such commit;
    IoError.
    """
    root = lake_folder(path)
    store = open_store(root)
    with kept(store):
        moment, base = _chosen(store, since, as_of)
        return _written(root, out, _Packing(moment, progress, base=base))


def pack_table(
    path: Path,
    out: Path,
    table: str,
    *,
    as_of: int | None = None,
    progress: Progress | None = None,
) -> PackReport:
    """Write one table, as it is or was after a commit, to the archive ``out``, with a proof of it.

    The proof shows that the archive's files, and no others, are the table after that commit.

    Raises: as ``pack``; BindError when there is no such table.
    """
    root = lake_folder(path)
    store = open_store(root)
    with kept(store):
        moment, identifier = table_moment(store, table, as_of)
        return _written(root, out, _Packing(moment, progress, table=identifier))


def _written(root: Path, out: Path, packing: _Packing) -> PackReport:
    _refuse_other(out, root)
    beside = out.parent / f".{out.name}.{SystemClock().token()}"
    try:
        with refusals(str(out)):
            with beside.open("xb") as file:
                manifest = packing.write(file)
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


def _chosen(store: Store, since: int | None, as_of: int | None) -> tuple[Moment, Base | None]:
    """Return the moment to pack, cut down to what is new since another one."""
    whole = with_named_objects(measure(store) if as_of is None else measure_at(store, as_of))
    if since is None:
        return whole, None
    if since + 1 >= whole.commits:
        raise UsageError(
            f"nothing is new since version {since}", hint=f"the newest is {whole.commits - 1}"
        )
    whole.timeline.commit_at(since)
    before = named(whole.timeline, since)
    files = {name: kept for name, kept in whole.files.items() if _is_new(name, since, before)}
    return replace(whole, files=files), Base(since + 1, whole.timeline.root_at(since + 1).hex())


def _is_new(name: str, since: int, before: set[bytes]) -> bool:
    """Return whether whoever has all commits up to ``since`` may lack a file."""
    if name.startswith(f"{layout.OBJECTS}/"):
        return name.rpartition("/")[2].encode() not in before
    last = layout.last_commit(name)
    return last is None or last > since


class _Packing:
    """One archive being written: members first, then the frame that their digests determine."""

    def __init__(
        self,
        moment: Moment,
        progress: Progress | None,
        *,
        base: Base | None = None,
        table: str | None = None,
    ) -> None:
        self._moment = moment
        self._base = base
        self._table = table
        self._progress: Callable[[int, int], None] = progress or (lambda _done, _total: None)
        self._done = 0

    def write(self, file: BinaryIO) -> Manifest:
        plan = self._plan()
        total = plan.payload
        members = []
        for place in plan.places[1:]:
            file.seek(place.data)
            members.append(self._copy(place.member, file, total))
        manifest = Manifest(plan.checkpoint, tuple(members), self._base, self._table)
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
        sizes = {name: self._moment.size(name) for name in self._moment.files}
        gobi.check_names(list(sizes))
        plan = Manifest(
            self._moment.checkpoint,
            tuple(Member(name, size, *_UNKNOWN) for name, size in sizes.items()),
            self._base,
            self._table,
        )
        if len(plan.text) > gobi.MANIFEST_LIMIT:
            raise ArchiveError(f"{len(sizes)} files are more than one archive can list")
        return plan

    def _copy(self, member: Member, file: BinaryIO, total: int) -> Member:
        sha256, crc32 = hashlib.sha256(), 0
        for chunk in self._moment.chunks(member.name):
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
