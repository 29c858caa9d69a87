"""An archive checked as a whole: its frame, its members, and the lakehouse in it.

Layer: ``engine.archive``. Invariant: a finding is yielded for every member; no byte of the archive
is outside all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.archive import format as gobi
from engine.archive.excerpt import Excerpt
from engine.archive.store import ArchiveStore
from engine.clock import SystemClock
from engine.errors import ArchiveError, CorruptError, LakeError
from engine.timeline import Finding, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.archive.report import Progress


def verify_archive(path: Path, *, progress: Progress | None = None) -> Iterator[Finding]:
    """Yield what is right and wrong in an archive; the lakehouse in it is asked only when intact.

    Cost: reads the archive twice, and replays history.
    Raises: IoError.
    """
    try:
        store = ArchiveStore(path, partial=True)
    except ArchiveError as error:
        yield Finding(error.subject or str(path), ok=False, detail=error.message)
        return
    try:
        intact = True
        for finding in store.findings():
            intact = intact and finding.ok
            yield finding
        if store.base is not None:
            detail = f"continues version {store.base.size - 1}; only with that is it a lakehouse"
            yield Finding(str(path), ok=True, detail=detail)
        elif intact and store.table is not None:
            yield from _excerpt(store)
        elif intact:
            yield from _lakehouse(store, progress)
    finally:
        store.close()


def _excerpt(store: ArchiveStore) -> Iterator[Finding]:
    try:
        yield from Excerpt.read(store).verify()
    except (ArchiveError, CorruptError) as error:
        yield Finding(error.subject or gobi.PROOF, ok=False, detail=error.message)


def _lakehouse(store: ArchiveStore, progress: Progress | None) -> Iterator[Finding]:
    try:
        timeline = Timeline.open(store, clock=SystemClock())
        yield from timeline.verify(progress)
    except (ArchiveError, CorruptError, LakeError) as error:
        yield Finding(error.subject or gobi.MANIFEST, ok=False, detail=error.message)
