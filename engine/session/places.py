"""Where lakehouses are: making one, finding one, opening its store.

Layer: ``session``. Invariant: a lakehouse is a folder that holds ``.grizzly``, found as git finds its
repositories; a ``.gobi`` file is one that cannot be written to, and a backup is not written to.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from engine.archive import ArchiveStore, Excerpt
from engine.clock import SystemClock
from engine.config import key_path
from engine.errors import LakeError, UsageError
from engine.objectstore import Lease, LocalStore, layout
from engine.session import sharing
from engine.timeline import Timeline, load_or_create

if TYPE_CHECKING:
    from engine.clock import Clock

FOLDER = ".grizzly"
VARIABLE = "GRIZZLY_DB"


def find_lake(start: Path | None = None, explicit: str | None = None) -> Path:
    """Return the lakehouse to use: ``explicit``, else $GRIZZLY_DB, else the nearest one upward.

    Raises: LakeError when there is none.
    """
    named = explicit or os.environ.get(VARIABLE)
    if named:
        path = Path(named)
        if path.is_file() or is_lake(path):
            return path.parent if path.name == FOLDER else path
        what = "is not a lakehouse" if path.exists() else "does not exist"
        raise LakeError(
            f"{named} {what}", subject=named, hint=f"`grizzly init {named}` makes one there"
        )
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if is_lake(folder):
            return folder
    raise LakeError(
        f"there is no lakehouse in {here} or above it",
        hint="`grizzly init` makes one here; `-d PATH` names another",
    )


def is_lake(path: Path) -> bool:
    """Say whether a folder is a lakehouse, or the inside of one."""
    inside = path if path.name == FOLDER else path / FOLDER
    return (inside / "FORMAT").is_file()


def create_lake(path: Path | str, *, clock: Clock | None = None) -> bool:
    """Make a lakehouse in ``path``; return False when there already was one.

    Raises: IoError, UsageError when ``path`` is a file.
    """
    folder = Path(path)
    if folder.is_file():
        raise UsageError(f"{path} is a file", subject=str(path))
    if is_lake(folder):
        return False
    clock = clock or SystemClock()
    store = LocalStore(folder / FOLDER)
    Timeline.create(store, clock=clock, signer=load_or_create(key_path()))
    return True


def open_timeline(
    path: Path, *, read_only: bool, clock: Clock, user: object
) -> tuple[Timeline, bool]:
    """Return the timeline of a lakehouse or archive, and whether it can be written to.

    ``user`` may share one that can be written to, until ``sharing.leave``.
    Raises: LakeError, CorruptError, ArchiveError, IoError.
    """
    if path.is_file():
        archive = ArchiveStore(path, partial=True)
        if archive.table is not None:
            return Excerpt.read(archive), False
        archive.require_whole()
        return Timeline.open(archive, clock=clock), False
    store = LocalStore(path if path.name == FOLDER else path / FOLDER)
    # A commit of its own would make a backup another history than the lakehouse's.
    read_only = read_only or store.size(layout.BACKUP) is not None
    if read_only:
        return Timeline.open(store, clock=clock), False
    signer = load_or_create(key_path())

    def opened() -> Timeline:
        return Timeline.open(store, clock=clock, signer=signer)

    if not isinstance(clock, SystemClock):
        return opened(), True
    return sharing.shared(store, key_path(), user, opened), True


def way_out(path: Path) -> str | None:
    """Return how to come by a lakehouse that can be changed, where ``path`` never can be."""
    if path.is_file():
        return "unpack the archive to change it"
    if (path / FOLDER / layout.BACKUP).is_file():
        return f"`grizzly restore {path} DIR` makes a lakehouse of the backup"
    return None


def lease_of(timeline: Timeline) -> Lease | None:
    """Return a lease for one session, or None where nothing is ever vacuumed."""
    return Lease(timeline.store) if isinstance(timeline.store, LocalStore) else None
