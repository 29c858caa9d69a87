"""Leases: small files by which live programs tell what they read and since when they write.

Layer: ``engine.objectstore``. Invariant: a lease is in force exactly while a process holds the file's
lock, so that a dead process's lease is free at once and an unlocked file means nothing.

A lease's file is canonical JSON and a line feed: ``{}`` while its session rests, else ``from``, the
oldest version that the running statement or transaction may read, and ``since``, the file system's time
when it began.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.objectstore import layout

if TYPE_CHECKING:
    from engine.objectstore.local import LocalStore

_TRIES: Final = 100
_serial: Final = itertools.count()
_open: Final[set[int]] = set()


def _drop_inherited() -> None:
    """A forked child closes its copies, or it would keep its parent's leases in force."""
    while _open:
        with suppress(OSError):
            os.close(_open.pop())


os.register_at_fork(after_in_child=_drop_inherited)


@dataclass(frozen=True, slots=True)
class Held:
    """What one live lease holds: all versions from ``start``, and files written after ``since``.

    Units: nanoseconds of the file system's clock.
    """

    start: int
    since: int


class Lease:
    """One session's lease; where no file can be made there is none, and nothing fails.

    Cost: the file is made at the first use; after that a few microseconds a statement.
    """

    def __init__(self, store: LocalStore) -> None:
        """Take the store; nothing is written yet."""
        self._store = store
        self._fd: int | None = None
        self._path = ""
        self._process = 0
        self._start: int | None = None
        self._since = 0

    def another(self) -> Lease:
        """Return a lease for another thread."""
        return Lease(self._store)

    def hold(self, start: int) -> None:
        """Keep every version from ``start`` on, and every file written from now on, in being."""
        fresh = self._start is None or self._process != os.getpid()
        if not fresh and self._start == start:
            return
        self._start, self._since = start, 0 if fresh else self._since
        self._write()
        if fresh and self._fd is not None:
            self._since = os.fstat(self._fd).st_mtime_ns
            self._write()

    def pin(self, version: int) -> None:
        """Keep versions from an older one on in being too, until ``release``."""
        if self._start is not None and version < self._start:
            self.hold(version)

    def release(self) -> None:
        """Hold nothing any more."""
        if self._start is not None:
            self._start = None
            self._write()

    def close(self) -> None:
        """Take the file away."""
        self._start = None
        fd, self._fd = self._fd, None
        if fd is not None and self._process == os.getpid():
            _open.discard(fd)
            with suppress(OSError):
                os.unlink(self._path)  # noqa: PTH108 - the path is text
            os.close(fd)

    def _write(self) -> None:
        if self._fd is None or self._process != os.getpid():
            self._fd = self._make()
        if self._fd is None:
            return
        content: dict[str, object] = {}
        if self._start is not None:
            content = {"from": self._start, "since": self._since}
        data = json.dumps(content).encode()
        with suppress(OSError):
            # Readers take what stands before the line feed, so a shorter text may leave a rest.
            os.pwrite(self._fd, data + b"\n", 0)

    def _make(self) -> int | None:
        self._process = os.getpid()
        folder = f"{self._store.name}/{layout.LEASES}"
        self._path = f"{folder}/{self._process}-{next(_serial)}"
        for _ in range(_TRIES):
            try:
                os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - the path is text
                fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError:
                return None
            if _locked(fd, self._path):
                os.ftruncate(fd, 0)
                _open.add(fd)
                return fd
            os.close(fd)
        return None


def _locked(fd: int, path: str) -> bool:
    """Lock a new file, unless somebody took it for a dead program's and removed it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.stat(path).st_ino == os.fstat(fd).st_ino  # noqa: PTH116 - the path is text
    except OSError:
        return False


def live(store: LocalStore, *, but: Lease | None = None) -> list[Held]:
    """Return what every live lease holds, ``but`` one's own; files of the dead are removed.

    Raises: IoError.
    """
    found = []
    for path in store.list(layout.LEASES):
        full = f"{store.name}/{path}"
        if but is not None and full == but._path:  # noqa: SLF001 - one class's own affair
            continue
        held = _read(full)
        if held is not None:
            found.append(held)
    return found


def _read(full: str) -> Held | None:
    try:
        fd = os.open(full, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return _parse(os.pread(fd, 1 << 16, 0), os.fstat(fd).st_mtime_ns)
        with suppress(OSError):
            os.unlink(full)  # noqa: PTH108 - the path is text
        return None
    finally:
        os.close(fd)


def _parse(data: bytes, changed: int) -> Held | None:
    """Read a live lease; one that cannot be read was being written, and holds everything."""
    try:
        content = json.loads(data.partition(b"\n")[0] or b"!")
        if not content:
            return None
        since = int(content["since"]) or changed
        return Held(int(content["from"]), since)
    except (ValueError, TypeError, KeyError):
        return Held(0, 0)
