"""A bounded cache; keys are digests of immutable content, so nothing is invalidated.

Layer: ``cache``. Invariant: losing any entry at any time changes speed, never an answer.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Value = TypeVar("Value")


class Cache(Generic[Value]):
    """A bounded map that forgets what was not used for longest; safe to share between threads."""

    def __init__(self, limit: int) -> None:
        """Keep at most ``limit`` values."""
        self._limit = limit
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, key: Hashable, value: Value) -> None:
        """Hold a value that is as good as the one held, and likelier to be asked for."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._limit:
                self._values.popitem(last=False)

    def drop(self, key: Hashable) -> None:
        """Forget a value, which will never be asked for again under this key's meaning."""
        with self._lock:
            self._values.pop(key, None)

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value at ``key``, made by ``make`` when it is not here.

        Raises: whatever ``make`` raises; nothing is kept then.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        self.put(key, value)
        return value
