"""A differential archive applied: a lakehouse at its base, or later on the same line, goes on.

Layer: ``engine.archive``; the archive may have been made by an enemy. Invariant: the lakehouse is what
it was, or what the archive makes of it, and the one begins the other: a consistency proof says so.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from engine.archive import copying
from engine.archive.backups import CopyReport, settle
from engine.archive.moment import lake_folder, measure, open_store, with_objects
from engine.archive.overlay import Overlay
from engine.archive.store import ArchiveStore
from engine.clock import SystemClock
from engine.errors import ArchiveError, ReadOnlyError, UsageError, VerificationError
from engine.objectstore import LocalStore, layout
from engine.proof.errors import ProofError
from engine.proof.note import Checkpoint
from engine.timeline import Timeline

if TYPE_CHECKING:
    from pathlib import Path

    from engine.archive.format import Base
    from engine.archive.report import Progress
    from engine.objectstore import Store

_LOCK_SECONDS: Final = 30.0


def apply(archive: Path, lake: Path, *, progress: Progress | None = None) -> CopyReport:
    """Bring the lakehouse at ``lake`` up to date with a differential archive.

    One that has all of it already is left as it is.

    Raises: ArchiveError or CorruptError naming a member; VerificationError when the lakehouse is
    another history; UsageError when it is not at the archive's base, or the archive is whole;
    ReadOnlyError when ``lake`` is an archive; IoError.
    """
    if lake.is_file():
        raise ReadOnlyError(
            f"{lake} is an archive, which is only read",
            subject=str(lake),
            hint=f"`grizzly unpack {archive} --onto {lake} DIR` makes a lakehouse of both",
        )
    target = LocalStore(lake_folder(lake))
    with closing(ArchiveStore(archive, partial=True)) as news:
        base = _base(news, archive)
        with target.lock(_LOCK_SECONDS):
            held = _check_base(news, base, target)
            if held is not None:
                return CopyReport(SystemClock().now_us(), held, held, 0, 0)
            moment = with_objects(measure(_over(news, target)))
            since = copying.held(moment, target)
            copying.check_log(moment, since)
            names = copying.missing(moment, target)
            copied = copying.land(moment, target, names, progress)
            copying.tidy(moment, target)
            copying.confirm(moment, target, since)
    return CopyReport(SystemClock().now_us(), since, moment.commits, len(names), copied)


def unpack_onto(
    archive: Path, base: Path, target: Path, *, progress: Progress | None = None
) -> CopyReport:
    """Make the new lakehouse ``target`` from a base, left as it is, and a differential archive.

    Raises: as ``apply``; UsageError when ``target`` is in use.
    """
    with closing(ArchiveStore(archive, partial=True)) as news:
        below = open_store(base)
        held = _check_base(news, _base(news, archive), below)
        whole = measure(below if held is not None else _over(news, below))
        return settle(with_objects(whole), target, progress)


def _base(news: ArchiveStore, archive: Path) -> Base:
    if news.base is None:
        raise UsageError(
            f"{archive} is a whole lakehouse",
            subject=str(archive),
            hint="`grizzly unpack` makes a lakehouse of it",
        )
    return news.base


def _over(news: ArchiveStore, below: Store) -> Overlay:
    names = (name for name in news.names if name != layout.FORMAT)
    return Overlay({name: news.source(name) for name in names}, below)


def _check_base(news: ArchiveStore, base: Base, below: Store) -> int | None:
    """Check that a store has the history that an archive continues.

    Return the number of its commits when it has all of the archive's, else None.
    """
    timeline = Timeline.open(below, clock=SystemClock())
    if below.read(layout.FORMAT) != news.read(layout.FORMAT):
        raise UsageError(f"{below.name} is another lakehouse", subject=below.name)
    size = timeline.head.seq + 1
    if size < base.size:
        raise UsageError(
            f"the archive begins after version {base.size - 1}; {below.name} is at {size - 1}",
            subject=below.name,
            hint="apply the archives in the order in which they were made",
        )
    _same(timeline, base.size, base.root, below.name)
    try:
        promised = Checkpoint.parse(news.checkpoint.encode())
    except ProofError as error:
        raise ArchiveError(f"the archive's checkpoint: {error}", subject=news.name) from error
    if promised.size > size:
        return None
    _same(timeline, promised.size, promised.root.hex(), below.name)
    return size


def _same(timeline: Timeline, size: int, root: str, name: str) -> None:
    if timeline.root_at(size).hex() != root:
        raise VerificationError(
            f"{name} has another history up to version {size - 1} than the archive continues",
            subject=name,
            hint="one of the two was forked; nothing was changed",
        )
