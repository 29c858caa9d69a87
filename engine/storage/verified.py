"""Bytes of a data file, handed out only after the SHA-256 of their range has matched.

Layer: ``engine.storage``. Invariant: no byte leaves this module unverified. What was hashed is what is
read; a later read goes to the source again only while its stamp is the one that was verified.
"""

from __future__ import annotations

import bisect
import hashlib
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.errors import CorruptError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from engine.objectstore import ByteSource
    from engine.storage.statistics import ByteRange

_SEEK_SET, _SEEK_CURRENT, _SEEK_END = range(3)


class _Memo:
    """Which ranges of which objects were found whole, at which stamp; forgets the oldest."""

    _LIMIT = 1 << 16

    def __init__(self) -> None:
        self._known: dict[Hashable, None] = {}
        self._lock = threading.Lock()

    def knows(self, key: Hashable) -> bool:
        return key in self._known

    def learn(self, key: Hashable) -> None:
        with self._lock:
            self._known[key] = None
            if len(self._known) > self._LIMIT:
                del self._known[next(iter(self._known))]


_memo = _Memo()


class VerifiedFile:
    """A file in memory's clothes: the object that pyarrow reads through."""

    closed = False

    def __init__(self, source: ByteSource, sha256: str, ranges: Sequence[ByteRange]) -> None:
        """Take an object, its digest, and verified ranges that tile it."""
        self._source = source
        self._sha256 = sha256
        self._ranges = ranges
        self._starts = [r.offset for r in ranges]
        self._size = ranges[-1].offset + ranges[-1].length
        self._held: dict[int, bytes] = {}
        self._at = 0
        self._floor = 0
        self.failure: Exception | None = None

    @property
    def subject(self) -> str:
        """Return the object's name."""
        return self._source.name

    @contextmanager
    def hold(self, index: int) -> Iterator[None]:
        """Verify a range now and, if that took reading it, serve it from memory inside the block.

        Raises: CorruptError when it is not what was written.
        """
        data = self._verify(index)
        if data is None:
            yield
            return
        self._held[index] = data
        try:
            yield
        finally:
            self._held.pop(index, None)

    @contextmanager
    def only_from(self, index: int) -> Iterator[None]:
        """Read as zeros what is before a range: a reader of the tail asks for more than the tail."""
        self._floor = self._ranges[index].offset
        try:
            yield
        finally:
            self._floor = 0

    def part(self, index: int) -> bytes:
        """Return the bytes of one range, verified.

        Raises: CorruptError when they are not what was written.
        """
        part = self._ranges[index]
        return self._slice(index, part.offset, part.offset + part.length)

    def read(self, length: int = -1) -> bytes:
        """Return the next bytes, verified."""
        stop = self._size if length < 0 else min(self._size, self._at + length)
        try:
            data = self._read(self._at, stop)
        except Exception as error:
            self.failure = error  # pyarrow would flatten it into text
            raise
        self._at = stop
        return data

    def seek(self, offset: int, whence: int = _SEEK_SET) -> int:
        """Move to a position."""
        base = {_SEEK_SET: 0, _SEEK_CURRENT: self._at, _SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def close(self) -> None:
        """Hold nothing any more."""
        self._held.clear()

    def _read(self, start: int, stop: int) -> bytes:
        if start >= stop:
            return b""
        blank = b"\0" * (min(stop, self._floor) - start) if start < self._floor else b""
        parts = [blank]
        at = start + len(blank)
        while at < stop:
            index = bisect.bisect_right(self._starts, at) - 1
            part = self._ranges[index]
            end = min(stop, part.offset + part.length)
            parts.append(self._slice(index, at, end))
            at = end
        return b"".join(parts)

    def _slice(self, index: int, start: int, stop: int) -> bytes:
        offset = self._ranges[index].offset
        data = self._held.get(index)
        if data is None:
            data = self._verify(index)
        if data is not None:
            return data[start - offset : stop - offset]
        data = self._source.read(start, stop - start)
        if len(data) != stop - start:
            raise self._corrupt("is cut short")
        return data

    def _verify(self, index: int) -> bytes | None:
        """Return the range's bytes, or None when they are known to be whole and were not read."""
        part = self._ranges[index]
        stamp = self._source.stamp
        key = (self._sha256, stamp, part)
        if stamp is not None and _memo.knows(key):
            return None
        if self._source.size != self._size:
            raise self._corrupt(f"has {self._source.size} bytes instead of {self._size}")
        data = self._source.read(part.offset, part.length)
        if len(data) != part.length or hashlib.sha256(data).hexdigest() != part.sha256:
            raise self._corrupt("is damaged: its bytes are not what was written")
        if stamp is not None and self._source.stamp == stamp:
            _memo.learn(key)
        return data

    def _corrupt(self, what: str) -> CorruptError:
        return CorruptError(f"{self.subject} {what}", subject=self.subject)
