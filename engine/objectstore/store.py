"""The protocols between the engine and whatever keeps its bytes.

Layer: ``engine.objectstore``. Invariant: an implementation raises ``IoError`` for whatever the
system refuses; it never interprets the bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from engine.objectstore import layout

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator
    from contextlib import AbstractContextManager


class ByteSource(Protocol):
    """Random access to one immutable sequence of bytes."""

    @property
    def name(self) -> str:
        """Return what to call the bytes in an error."""
        ...

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        ...

    @property
    def stamp(self) -> Hashable:
        """Return a value that changes when somebody rewrites the bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Return the bytes from ``offset``, fewer than ``length`` only at the end."""
        ...


class Store(Protocol):
    """A tree of named byte strings, of which one process at a time may hold the lock."""

    @property
    def name(self) -> str:
        """Return what to call the store in an error."""
        ...

    @property
    def writable(self) -> bool:
        """Return whether the writing methods may be called at all."""
        ...

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a file from ``offset``, up to its end without ``length``.

        Raises: IoError, when the file is missing too.
        """
        ...

    def size(self, path: str) -> int | None:
        """Return the file's size, or None when there is no such file."""
        ...

    def stamp(self, path: str) -> Hashable | None:
        """Return a value that changes when the file is rewritten, or None without a file."""
        ...

    def changed(self, path: str) -> int | None:
        """Return when a file was last written to, in nanoseconds, or None without a file."""
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the path of every file below the folder ``prefix``, sorted."""
        ...

    def source(self, path: str) -> ByteSource:
        """Return random access to a file, which is not opened before it is read."""
        ...

    def put(self, path: str, data: bytes | memoryview) -> None:
        """Write a whole file durably; nobody ever sees a part of it."""
        ...

    def put_many(self, files: Iterable[tuple[str, bytes | memoryview]]) -> None:
        """Write several whole files durably, sharing the cost of making them so."""
        ...

    def put_stream(self, chunks: Iterable[bytes], name: Callable[[], str]) -> None:
        """Write a whole file of any length durably; ``name`` is asked for its path at the end."""
        ...

    def replace(self, path: str, data: bytes) -> None:
        """Write a whole file atomically, but not durably: after a power cut it may be old."""
        ...

    def patch(self, path: str, data: bytes, at: int) -> None:
        """Write into a file that is there, neither atomically nor durably."""
        ...

    def append(self, path: str, data: bytes, at: int) -> None:
        """Write durably at the file's end, which must be at ``at``; all of it or nothing.

        Raises: DurabilityError, when the system cannot say whether the bytes will last.
        """
        ...

    def sync(self, path: str) -> None:
        """Make what a file holds now durable."""
        ...

    def truncate(self, path: str, size: int) -> None:
        """Cut a file to ``size`` bytes, durably."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file if it is there."""
        ...

    def lock(self, timeout: float, name: str = layout.LOCK) -> AbstractContextManager[None]:
        """Hold the store's one writer's lock, or another, across processes and threads.

        Units: seconds.
        Raises: LakeError, when somebody else holds it for that long.
        """
        ...
