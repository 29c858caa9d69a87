"""A cache bounded by the bytes of what it holds.

Layer: ``cache``. Invariant: losing any entry at any time changes speed, never an answer.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class _Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


Value = TypeVar("Value", bound=_Sized)
_LARGEST: Final = 1 << 30
_SHARE: Final = 16


class Weighted(Generic[Value]):
    """A map that forgets what was not used for longest; safe to share between threads."""

    def __init__(self, limit: int) -> None:
        """Keep values of at most ``limit`` bytes together."""
        self._limit = limit
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = threading.Lock()
        self.nbytes = 0

    def find(self, key: Hashable) -> Value | None:
        """Return the value at ``key``, or None when it is not here."""
        with self._lock:
            found = self._values.get(key)
            if found is not None:
                self._values.move_to_end(key)
            return found

    def keep(self, key: Hashable, value: Value) -> None:
        """Hold a value; one that is larger than an eighth of the budget is not worth the others."""
        size = value.nbytes
        if size * 8 > self._limit:
            return
        with self._lock:
            if key in self._values:
                return
            self._values[key] = value
            self.nbytes += size
            while self.nbytes > self._limit:
                _, old = self._values.popitem(last=False)
                self.nbytes -= old.nbytes

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value at ``key``, made by ``make`` when it is not here.

        Raises: whatever ``make`` raises; nothing is kept then.
        """
        found = self.find(key)
        if found is None:
            found = make()
            self.keep(key, found)
        return found

    def renew(self) -> None:
        """Forget the lock's owner: in a forked child, whose other threads are gone."""
        self._lock = threading.Lock()


def _budget() -> int:
    """Return a sixteenth of the machine's memory, at most 1 GiB. Units: bytes."""
    return min(_LARGEST, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _SHARE)


shared: Weighted[Any] = Weighted(_budget())
"""What this process holds of immutable content, all kinds under one budget.

A key begins with the kind, and goes on with a digest and, where bytes come from a file, its stamp.
"""

os.register_at_fork(after_in_child=shared.renew)
