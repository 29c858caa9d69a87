"""A lakehouse as it was: the files that it was made of after some commit.

Layer: ``engine.archive``. Invariant: what is cut from a longer history has the same commits, the same
hashes and a checkpoint that was signed when they were the newest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.archive.moment import Moment
from engine.archive.overlay import Held, Overlay
from engine.clock import SystemClock
from engine.objectstore import layout
from engine.timeline import Timeline, prefix

if TYPE_CHECKING:
    from engine.objectstore import Store


def measure_at(store: Store, version: int) -> Moment:
    """Return the moment of a lakehouse right after a commit, without its objects.

    Raises: UsageError when there is no such commit, or no checkpoint of it was kept; CorruptError,
    IoError.
    """
    files = prefix.files_at(Timeline.open(store, clock=SystemClock()), version)
    front: dict[str, Held | None] = dict.fromkeys(store.list(layout.LOG))
    for name, kept in files.items():
        if isinstance(kept, bytes):
            front[name] = Held(name, kept)
        else:
            front.pop(name, None)
    past = Overlay(front, store)
    timeline = Timeline.open(past, clock=SystemClock())
    return Moment(past, timeline, timeline.checkpoint, dict(sorted(files.items())))
