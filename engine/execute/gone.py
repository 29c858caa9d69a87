"""Tells what was vacuumed from what is damaged.

Layer: ``execute``. Invariant: rows that were vacuumed are missed before any row is given out.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.catalog.vacuum import plans, taken
from engine.errors import CorruptError, VacuumedError
from engine.objectstore import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.catalog import FileEntry, Ref
    from engine.timeline import Timeline


def ever_vacuumed(timeline: Timeline) -> bool:
    """Return whether the log knows of any vacuum."""
    return bool(plans(timeline.head.state))


def require_present(timeline: Timeline, entry: FileEntry) -> None:
    """Check that every part of a data file is there, also if the file is open still.

    Raises: VacuumedError.
    """
    for ref in (entry.data, entry.sidecar, entry.marks):
        if ref is not None and _is_missing(timeline, ref):
            _tell(timeline, ref)


@contextmanager
def explained(timeline: Timeline, *refs: Ref | None) -> Iterator[None]:
    """Turn CorruptError for an object that is missing into VacuumedError if it was vacuumed."""
    try:
        yield
    except CorruptError:
        for ref in refs:
            if ref is not None and _is_missing(timeline, ref):
                _tell(timeline, ref)
        raise


def _is_missing(timeline: Timeline, ref: Ref) -> bool:
    return ref.at is None and timeline.store.size(layout.data_object(ref.digest)) is None


def _tell(timeline: Timeline, ref: Ref) -> None:
    plan = taken(timeline, ref.digest)
    if plan is None:
        return
    purged = "" if plan.undoable else ", and purged"
    raise VacuumedError(
        f"the rows of that version were vacuumed by version {plan.version}{purged}",
        hint="a backup may have them" if purged else "UNVACUUM brings them back",
    )
