"""A store in a folder of the local file system.

Layer: ``engine.objectstore``. Invariant: a file reached by its final name through ``put`` was
durable before it got that name. No file stays open between calls, so a fork shares nothing.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import DurabilityError, IoError, LakeError, ReadOnlyError
from engine.objectstore import layout

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

_PAUSES: Final = (0.0005, 0.001, 0.002, 0.004)
_held: set[int] = set()


def _drop_inherited_locks() -> None:
    """Close a forked child's copies of lock descriptors, or it would hold its parent's lock."""
    while _held:
        with suppress(OSError):
            os.close(_held.pop())


os.register_at_fork(after_in_child=_drop_inherited_locks)


def _refused(path: str, error: OSError) -> IoError:
    return IoError(f"{path}: {error.strerror or error}", subject=path)


def _write_all(fd: int, data: bytes | memoryview, at: int) -> None:
    view = memoryview(data).cast("B")
    while view:
        written = os.pwrite(fd, view, at)
        if written == 0:
            raise OSError(28, "No space left on device")
        view = view[written:]
        at += written


def _read_all(fd: int, offset: int, length: int | None) -> list[bytes]:
    if length is None:
        length = max(0, os.fstat(fd).st_size - offset)
    parts = []
    while length > 0:
        part = os.pread(fd, length, offset)
        if not part:
            break
        parts.append(part)
        offset += len(part)
        length -= len(part)
    return parts


def _sync_folder(folder: str) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _rename(source: str, target: str) -> None:
    os.replace(source, target)  # noqa: PTH105 - Path would double its cost


def _discard(path: str) -> None:
    Path(path).unlink(missing_ok=True)


class LocalFile:
    """Random access to a file of a ``LocalStore``."""

    def __init__(self, store: LocalStore, path: str) -> None:
        """Name the file; nothing is opened yet."""
        self._store = store
        self.name = path

    @property
    def size(self) -> int:
        """Return the number of bytes.

        Raises: IoError.
        """
        size = self._store.size(self.name)
        if size is None:
            raise IoError(f"{self.name}: no such file", subject=self.name)
        return size

    @property
    def stamp(self) -> Hashable:
        """Return a value that changes when somebody rewrites the file."""
        return self._store.stamp(self.name)

    def read(self, offset: int, length: int) -> bytes:
        """Return the bytes from ``offset``, fewer than ``length`` only at the end.

        Raises: IoError.
        """
        return self._store.read(self.name, offset, length)


class LocalStore:
    """Files below one folder, locked with ``flock``."""

    def __init__(self, root: Path | str, *, writable: bool = True) -> None:
        """Take the folder; nothing is created or checked."""
        self.root = Path(root).absolute()
        self.name = str(self.root)
        self.writable = writable
        self._serial = itertools.count()

    def _path(self, path: str) -> str:
        return f"{self.name}/{path}"

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a file from ``offset``, up to its end without ``length``.

        Raises: IoError, when the file is missing too.
        """
        try:
            fd = os.open(self._path(path), os.O_RDONLY | os.O_CLOEXEC)
            try:
                parts = _read_all(fd, offset, length)
            finally:
                os.close(fd)
        except OSError as error:
            raise _refused(path, error) from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _stat(self, path: str) -> os.stat_result | None:
        try:
            return os.stat(self._path(path))  # noqa: PTH116 - Path would double its cost
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _refused(path, error) from error

    def size(self, path: str) -> int | None:
        """Return the file's size, or None when there is no such file.

        Raises: IoError.
        """
        found = self._stat(path)
        return None if found is None else found.st_size

    def stamp(self, path: str) -> Hashable | None:
        """Return inode, size and change times, or None when there is no such file.

        Raises: IoError.
        """
        found = self._stat(path)
        if found is None:
            return None
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the path of every file below the folder ``prefix``, sorted.

        Raises: IoError.
        """
        try:
            entries = sorted(os.scandir(self._path(prefix)), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise _refused(prefix, error) from error
        for entry in entries:
            path = f"{prefix}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from self.list(path)
            else:
                yield path

    def source(self, path: str) -> LocalFile:
        """Return random access to a file, which is not opened before it is read."""
        return LocalFile(self, path)

    def _require_writable(self) -> None:
        if not self.writable:
            raise ReadOnlyError(f"{self.name} is open for reading only", subject=self.name)

    def _folder(self, folder: str) -> None:
        """Make a folder whose name survives a power cut, with those above it."""
        if os.path.isdir(folder):  # noqa: PTH112 - Path would double its cost
            return
        above = _parent(folder)
        self._folder(above)
        with suppress(FileExistsError):
            Path(folder).mkdir()
        _sync_folder(above)

    def _stage(self, data: bytes | memoryview) -> str:
        self._folder(self._path(layout.TMP))
        while True:
            staged = self._path(f"{layout.TMP}/{os.getpid()}-{next(self._serial)}")
            try:
                fd = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            except FileExistsError:
                continue
            break
        try:
            _write_all(fd, data, 0)
        except BaseException:
            _discard(staged)
            raise
        finally:
            os.close(fd)
        return staged

    def _holds(self, path: str, data: bytes | memoryview) -> bool:
        return self.size(path) == memoryview(data).nbytes and self.read(path) == data

    def put(self, path: str, data: bytes | memoryview) -> None:
        """Write a whole file durably; nobody ever sees a part of it.

        Raises: IoError, ReadOnlyError.
        """
        self.put_many([(path, data)])

    def put_many(self, files: Iterable[tuple[str, bytes | memoryview]]) -> None:
        """Write several whole files durably, sharing the cost of making them so.

        Writing all before syncing any lets the file system's journal take them in one go.

        Raises: IoError, ReadOnlyError.
        """
        self._require_writable()
        staged: list[tuple[str, str]] = []
        folders: set[str] = set()
        path = layout.TMP
        try:
            for path, data in files:
                final = self._path(path)
                folders.add(_parent(final))
                if not self._holds(path, data):
                    staged.append((self._stage(data), final))
            for temporary, _ in staged:
                _sync_file(temporary)
            for folder in folders:
                self._folder(folder)
            while staged:
                temporary, final = staged[-1]
                _rename(temporary, final)
                staged.pop()
            for folder in folders:
                _sync_folder(folder)
        except OSError as error:
            raise _refused(path, error) from error
        finally:
            for temporary, _ in staged:
                _discard(temporary)

    def put_stream(self, chunks: Iterable[bytes], name: Callable[[], str]) -> None:
        """Write a whole file of any length durably; ``name`` is asked for its path at the end.

        Cost: memory for one chunk.
        Raises: IoError, ReadOnlyError; whatever ``chunks`` raises, and then nothing is kept.
        """
        self._require_writable()
        staged = path = layout.TMP
        try:
            staged = self._stage(b"")
            fd = os.open(staged, os.O_WRONLY | os.O_CLOEXEC)
            try:
                at = 0
                for chunk in chunks:
                    _write_all(fd, chunk, at)
                    at += len(chunk)
                os.fdatasync(fd)
            finally:
                os.close(fd)
            path = name()
            final = self._path(path)
            self._folder(_parent(final))
            _rename(staged, final)
            _sync_folder(_parent(final))
        except OSError as error:
            raise _refused(path, error) from error
        finally:
            if staged != layout.TMP:
                _discard(staged)

    def replace(self, path: str, data: bytes) -> None:
        """Write a whole file atomically, but not durably: after a power cut it may be old.

        Raises: IoError, ReadOnlyError.
        """
        self._require_writable()
        target = self._path(path)
        try:
            self._folder(_parent(target))
            staged = self._stage(data)
            try:
                _rename(staged, target)
            except BaseException:
                _discard(staged)
                raise
        except OSError as error:
            raise _refused(path, error) from error

    def patch(self, path: str, data: bytes, at: int) -> None:
        """Write into a file that is there, neither atomically nor durably.

        Raises: IoError, ReadOnlyError.
        """
        self._require_writable()
        try:
            fd = os.open(self._path(path), os.O_WRONLY | os.O_CLOEXEC)
            try:
                _write_all(fd, data, at)
            finally:
                os.close(fd)
        except OSError as error:
            raise _refused(path, error) from error

    def append(self, path: str, data: bytes, at: int) -> None:
        """Write durably at the file's end, which must be at ``at``; all of it or nothing.

        Raises: IoError, ReadOnlyError; DurabilityError, when the system cannot say whether the
        bytes will last.
        """
        self._require_writable()
        target = self._path(path)
        try:
            if at == 0:
                self._folder(_parent(target))
            fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _refused(path, error) from error
        try:
            _append(fd, path, data, at)
            if at == 0:
                _sync_folder(_parent(target))
        except OSError as error:
            raise DurabilityError(
                f"{path}: {error.strerror or error}",
                subject=path,
                hint="check the disk, then open the lakehouse again",
            ) from error
        finally:
            os.close(fd)

    def sync(self, path: str) -> None:
        """Make what a file holds now durable.

        Raises: DurabilityError.
        """
        try:
            _sync_file(self._path(path))
        except OSError as error:
            raise DurabilityError(f"{path}: {error.strerror or error}", subject=path) from error

    def truncate(self, path: str, size: int) -> None:
        """Cut a file to ``size`` bytes, durably.

        Raises: IoError, ReadOnlyError.
        """
        self._require_writable()
        try:
            os.truncate(self._path(path), size)
            _sync_file(self._path(path))
        except OSError as error:
            raise _refused(path, error) from error

    def remove(self, path: str) -> None:
        """Remove a file if it is there.

        Raises: IoError, ReadOnlyError.
        """
        self._require_writable()
        try:
            Path(self._path(path)).unlink(missing_ok=True)
        except OSError as error:
            raise _refused(path, error) from error

    def move(self, source: str, target: str) -> None:
        """Give a file another name, atomically and not yet durably.

        Raises: IoError, when there is no such file too; ReadOnlyError.
        """
        self._require_writable()
        try:
            self._folder(_parent(self._path(target)))
            _rename(self._path(source), self._path(target))
        except OSError as error:
            raise _refused(source, error) from error

    def changed(self, path: str) -> int | None:
        """Return when a file was last written to, or None when there is no such file.

        Units: nanoseconds of the file system's clock.
        Raises: IoError.
        """
        found = self._stat(path)
        return None if found is None else found.st_mtime_ns

    @contextmanager
    def lock(self, timeout: float, name: str = layout.LOCK) -> Iterator[None]:
        """Hold the store's one writer's lock, or another, across processes and threads.

        Units: seconds.
        Raises: LakeError, when somebody else holds it for that long; IoError, ReadOnlyError.
        """
        self._require_writable()
        try:
            self._folder(self.name)
            fd = os.open(self._path(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _refused(name, error) from error
        _held.add(fd)
        try:
            self._acquire(fd, timeout, name)
            yield
        finally:
            # A forked child has closed and forgotten its copy: its number may be another file.
            if fd in _held:
                _held.discard(fd)
                os.close(fd)

    def _acquire(self, fd: int, timeout: float, name: str) -> None:
        deadline = time.monotonic() + timeout
        for attempt in itertools.count():
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise LakeError(
                        f"another process has been writing to {self.name} for {timeout:g} s",
                        subject=name,
                        hint="wait for it to finish, then try again",
                    ) from None
                time.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
            except OSError as error:
                raise _refused(name, error) from error
            else:
                return


def _sync_file(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fdatasync(fd)
    finally:
        os.close(fd)


def _append(fd: int, path: str, data: bytes, at: int) -> None:
    """Write and sync; a failure leaves the file as it was. An OSError means: not known durable."""
    size = os.fstat(fd).st_size
    if size != at:
        raise IoError(f"{path} has {size} bytes where {at} were expected", subject=path)
    try:
        _write_all(fd, data, at)
    except BaseException as error:
        with suppress(OSError):
            os.ftruncate(fd, at)
        if isinstance(error, OSError):
            raise _refused(path, error) from error
        raise
    try:
        os.fdatasync(fd)
    except OSError:
        with suppress(OSError):
            os.ftruncate(fd, at)
        raise
