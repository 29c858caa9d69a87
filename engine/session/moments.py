"""The short ways of naming a moment that people type at a shell: ``3``, ``monday``, ``HEAD~2``, ``2h ago``.

Layer: ``session``. Invariant: a moment is resolved to a version once, when the session opens.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from engine.catalog import Catalog
from engine.errors import UsageError
from engine.execute import seconds_ago, versions_back
from grammar import suggest

if TYPE_CHECKING:
    from engine.timeline import Timeline

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def resolve(moment: str, timeline: Timeline, now_us: int) -> int:
    """Return the version that ``moment`` names.

    Raises: UsageError when it names none.
    """
    head = timeline.head
    text = moment.strip()
    if text.isdigit():
        return _within(int(text), head.seq, text)
    snapshot = Catalog(head.state).snapshot(text)
    if snapshot is not None:
        return snapshot.version
    back = versions_back(text)
    if back is not None:
        return _within(head.seq - back, head.seq, text)
    ago = seconds_ago(text)
    if ago is not None:
        ts = now_us - ago * 1_000_000
    else:
        ts = _timestamp(text, [s.name for s in Catalog(head.state).snapshots()])
    version = timeline.seq_at(ts)
    if version < 0:
        raise UsageError(f"the lakehouse did not exist yet at '{text}'")
    return version


def _within(version: int, newest: int, text: str) -> int:
    if not 0 <= version <= newest:
        raise UsageError(f"there is no version '{text}'; the newest is {newest}")
    return version


def _timestamp(text: str, snapshots: list[str]) -> int:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        best = suggest(text, snapshots)
        raise UsageError(
            f"'{text}' names no moment",
            hint=f"did you mean the snapshot '{best}'?"
            if best
            else "a version, a snapshot, HEAD~2, 2h ago, or 2026-01-31T12:00",
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return (moment - _EPOCH) // datetime.timedelta(microseconds=1)
