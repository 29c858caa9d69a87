"""Some files laid over a store: what a lakehouse would be if they were in it.

Layer: ``engine.archive``. Invariant: the store below is never touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.archive.fixed import FixedStore
from engine.errors import IoError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from engine.objectstore import ByteSource, Store


class Held:
    """Bytes in memory as random access to a file."""

    def __init__(self, name: str, data: bytes) -> None:
        """Take the bytes of one file."""
        self.name = name
        self.size = len(data)
        self.stamp: Hashable = (name, hash(data))
        self._data = data

    def read(self, offset: int, length: int) -> bytes:
        """Return the bytes from ``offset``, fewer than ``length`` only at the end."""
        return self._data[offset : offset + length]


class Overlay(FixedStore):
    """``files`` by their paths, and below them everything else in ``store``."""

    refusal = "is only looked at"

    def __init__(self, files: Mapping[str, ByteSource | None], store: Store) -> None:
        """Lay files over a store; None is a file taken away."""
        self.name = store.name
        self._files = files
        self._store = store

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a file from ``offset``, up to its end without ``length``.

        Raises: IoError, when the file is missing too; CorruptError.
        """
        if path not in self._files:
            return self._store.read(path, offset, length)
        front = self._files[path]
        if front is None:
            raise IoError(f"{path}: no such file", subject=path)
        return front.read(offset, front.size if length is None else length)

    def size(self, path: str) -> int | None:
        """Return the file's size, or None when there is no such file."""
        front = self._files.get(path)
        if front is None:
            return None if path in self._files else self._store.size(path)
        return front.size

    def stamp(self, path: str) -> Hashable | None:
        """Return a value that changes when the file is rewritten, or None without a file."""
        front = self._files.get(path)
        return self._store.stamp(path) if front is None else front.stamp

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the path of every file below the folder ``prefix``, sorted."""
        own = {path for path in self._files if path.startswith(f"{prefix}/")}
        names = own.union(self._store.list(prefix))
        yield from sorted(path for path in names if self._files.get(path, self) is not None)

    def source(self, path: str) -> ByteSource:
        """Return random access to a file."""
        return self._files.get(path) or self._store.source(path)
