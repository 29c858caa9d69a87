"""One handle on a lakehouse serves all sessions of a process that write to it.

Layer: ``session``. Invariant: a handle is shared while a session that uses it is open, the lakehouse in
its place is the one that it was opened on, and it still writes. So commits of many threads wait in one
line and become durable together.
"""

from __future__ import annotations

import os
import threading
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.objectstore import layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.objectstore import LocalStore
    from engine.timeline import Timeline

Name = tuple[str, str]


@dataclass
class _Handle:
    timeline: Timeline
    stamp: tuple[int, ...]
    users: weakref.WeakSet[object] = field(default_factory=weakref.WeakSet)


_handles: dict[Name, _Handle] = {}
_lock = threading.Lock()


def _renew() -> None:
    """A forked child opens handles of its own."""
    global _lock  # noqa: PLW0603 - the parent's may be held by a thread that is not here
    _lock = threading.Lock()
    _handles.clear()


os.register_at_fork(after_in_child=_renew)


def shared(store: LocalStore, key: Path, user: object, make: Callable[[], Timeline]) -> Timeline:
    """Return the handle that ``user`` shares with whoever signs alike, made by ``make`` if none is.

    ``key`` is the file of the key that signs.

    Raises: what opening and following the log raise.
    """
    name = (os.path.realpath(store.name), str(key))
    with _lock:
        for other in [n for n, handle in _handles.items() if not handle.users]:
            del _handles[other]
        handle = _handles.get(name)
        stamp = _stamp(store.root / layout.FORMAT) + _stamp(key)
        if handle is None or handle.stamp != stamp or handle.timeline.failed:
            handle = _handles[name] = _Handle(make(), stamp)
        else:
            handle.timeline.refresh()
        handle.users.add(user)
        return handle.timeline


def leave(user: object) -> None:
    """Let go of what a user shares."""
    with _lock:
        for handle in _handles.values():
            handle.users.discard(user)


def _stamp(path: Path) -> tuple[int, ...]:
    """Return what tells a file from another one that was put in its place."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_mtime_ns
