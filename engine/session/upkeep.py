"""Tables that many small commits have crowded are compacted beside the statements that follow.

Layer: ``session``. Invariant: nobody waits for it, and what it does is a commit like any other: it
changes no row, gives way to every other writer, and is left to the next one when it fails.
"""

from __future__ import annotations

import weakref
from contextlib import suppress
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

from engine.errors import GrizzlyError
from engine.session import commits
from engine.session.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.execute import Executor
    from engine.timeline import Timeline

_lock = Lock()
_busy: weakref.WeakSet[Timeline] = weakref.WeakSet()
"""The handles on which some session of this process is compacting."""

_BEHIND: Final = 64
"""So many commits may ask for what a compaction still does; the next one waits for it."""


class Upkeep:
    """Compacts in a thread of its own, one run at a time, for one session."""

    def __init__(self, executor: Executor) -> None:
        """Share the open files of ``executor``; nothing is started yet."""
        self._beside: Callable[[], Executor] = executor.beside
        self._executor: Executor | None = None
        self._thread: Thread | None = None
        self._asked = 0

    def compact(self, frame: Frame, ids: set[str]) -> None:
        """Begin to compact tables, by their ids, on the branch of ``frame``, unless a run is on."""
        if self._thread is not None and self._thread.is_alive():
            self._asked += 1
            if self._asked < _BEHIND:
                return
        self.settle()
        with _lock:
            if frame.timeline in _busy:
                return
            _busy.add(frame.timeline)
        if self._executor is None:
            self._executor = self._beside()
        beside = Frame(self._executor, frame.timeline, frame.clock, branch=frame.branch)
        self._thread = Thread(target=_compact, args=(beside, ids), name="upkeep")
        self._thread.start()

    def settle(self) -> None:
        """Wait until nothing is being compacted."""
        if self._thread is not None:
            self._thread.join()
        self._thread, self._asked = None, 0

    def close(self) -> None:
        """End it."""
        self.settle()
        if self._executor is not None:
            self._executor.close()
            self._executor = None


def _compact(frame: Frame, ids: set[str]) -> None:
    # Whatever goes wrong, nothing is lost: the next crowded commit tries again.
    frame.hold()
    try:
        with suppress(GrizzlyError):
            workspace = frame.workspace()
            frame.executor.tidy(workspace, ids)
            if workspace.dirty:
                commits.append(frame, workspace, "COMPACT", "")
    finally:
        frame.let_go()
        with _lock:
            _busy.discard(frame.timeline)
