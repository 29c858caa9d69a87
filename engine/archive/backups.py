"""Backups: a folder that is a lakehouse itself, brought up to date by copying what is new.

Layer: ``engine.archive``. Invariant: a backup only ever grows along one history; what does not
continue it is refused. It is a lakehouse so that every tool that reads and verifies lakehouses is a
tool for backups, and a folder so that a run copies what is new and nothing else.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from engine.archive import copying
from engine.archive.history import measure_at
from engine.archive.moment import (
    kept,
    lake_folder,
    measure,
    open_store,
    with_named_objects,
    with_objects,
)
from engine.archive.placing import placed
from engine.archive.reader import refusals
from engine.clock import SystemClock
from engine.errors import CorruptError, LakeError, UsageError
from engine.objectstore import LocalStore, layout
from engine.proof.canonical import canonical

if TYPE_CHECKING:
    from pathlib import Path

    from engine.archive.moment import Moment
    from engine.archive.report import Progress
    from engine.clock import Clock

_LOCK_SECONDS: Final = 30.0
_MARK: Final = {"format": "grizzly-backup", "version": 1}


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What one run copied. ``since`` is how many commits were there before it, ``ts`` when it ended.

    Units: bytes; microseconds since the Unix epoch, UTC.
    """

    ts: int
    since: int
    commits: int
    files: int
    bytes: int


def back_up(
    source: Path, target: Path, *, progress: Progress | None = None, clock: Clock | None = None
) -> CopyReport:
    """Bring the backup in the folder ``target`` up to date with a lakehouse, or begin one.

    A run that was stopped at any point is taken up by the next one.

    Cost: reads what is new, and the names of what is not.
    Raises: VerificationError when the lakehouse does not continue the backup; UsageError when
    ``target`` is something else; CorruptError naming what is damaged on either side; IoError.
    """
    lake = open_store(source)
    root = _claimed(source, target)
    store = LocalStore(root)
    with kept(lake), store.lock(_LOCK_SECONDS):
        moment = with_objects(measure(lake))
        _begin(store)
        since = copying.held(moment, store)
        copying.check_log(moment, since)
        names = copying.missing(moment, store)
        copied = copying.land(moment, store, names, progress)
        copying.tidy(moment, store)
        copying.confirm(moment, store, since)
        now = (clock or SystemClock()).now_us()
        report = CopyReport(now, since, moment.commits, len(names), copied)
        _note(store, report)
    return report


def restore(
    source: Path, target: Path, *, at: int | None = None, progress: Progress | None = None
) -> CopyReport:
    """Make the new lakehouse ``target`` from a backup, a lakehouse's folder or an archive.

    With ``at``, it ends with that commit, as if no later one had been made.

    Raises: UsageError when ``target`` is in use; CorruptError naming what is damaged; LakeError
    when ``source`` is no lakehouse; IoError. Then there is no ``target``.
    """
    store = open_store(source)
    with kept(store):
        if at is None:
            return settle(with_objects(measure(store)), target, progress)
        return settle(with_named_objects(measure_at(store, at)), target, progress)


def settle(moment: Moment, target: Path, progress: Progress | None) -> CopyReport:
    """Make the new lakehouse ``target`` out of a moment of another. Raises: as ``restore``."""
    copying.check_log(moment, 0)
    with placed(target) as folder:
        home = LocalStore(folder)
        names = copying.missing(moment, home)
        copied = copying.land(moment, home, names, progress)
        copying.confirm(moment, home, 0)
        shutil.rmtree(folder / layout.TMP, ignore_errors=True)
    return CopyReport(SystemClock().now_us(), 0, moment.commits, len(names), copied)


def runs(target: Path) -> list[CopyReport]:
    """Return the finished runs of the backup in a folder, oldest first.

    Raises: UsageError when it is no backup; IoError.
    """
    store = LocalStore(lake_folder(target))
    if store.size(layout.BACKUP) is None:
        raise UsageError(
            f"{target} is not a backup", subject=str(target), hint=f"grizzly backup {target}"
        )
    try:
        return [
            CopyReport(**json.loads(line)) for line in store.read(layout.BACKUP).splitlines()[1:]
        ]
    except (ValueError, TypeError) as error:
        raise CorruptError(f"{layout.BACKUP} is damaged", subject=layout.BACKUP) from error


def _claimed(source: Path, target: Path) -> Path:
    """Return the folder of a backup's own files; refuse whatever is not a backup or empty.

    Raises: UsageError, IoError.
    """
    root = target / layout.FOLDER
    with refusals(str(target)):
        here, there = lake_folder(source).resolve(), root.resolve()
        if here == there or here in there.parents:
            raise UsageError("a backup cannot lie inside what it copies", subject=str(target))
        if target.exists() and not target.is_dir():
            raise UsageError(f"{target} exists and is not a folder", subject=str(target))
        if (root / layout.BACKUP).is_file():
            return root
        if (root / layout.FORMAT).exists():
            raise UsageError(
                f"{target} is a lakehouse and not a backup",
                subject=str(target),
                hint="Name a new folder.",
            )
        if target.is_dir() and any(p.name != layout.FOLDER for p in target.iterdir()):
            raise UsageError(
                f"{target} is not empty", subject=str(target), hint="Name a new folder."
            )
        if not target.is_dir() and not target.parent.is_dir():
            raise LakeError(f"there is no folder {target.parent}", subject=str(target.parent))
        root.mkdir(parents=True, exist_ok=True)
    return root


def _begin(store: LocalStore) -> None:
    """Mark the folder as a backup, and clear away what a killed run left half written."""
    if store.size(layout.BACKUP) is None:
        store.put(layout.BACKUP, canonical(_MARK) + b"\n")
    with refusals(layout.TMP):
        for left in (store.root / layout.TMP).glob("copy-*"):
            shutil.rmtree(left, ignore_errors=True)


def _note(store: LocalStore, report: CopyReport) -> None:
    """Add a finished run's line."""
    store.put(layout.BACKUP, store.read(layout.BACKUP) + canonical(asdict(report)) + b"\n")
