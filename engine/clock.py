"""The only place that asks what time it is, or for randomness.

Layer: bottom of ``engine``. Invariant: whoever needs time takes a ``Clock``, so tests can set it.
"""

from __future__ import annotations

import secrets
import time
from typing import Protocol


class Clock(Protocol):
    """A source of wall time and of fresh names."""

    def now_us(self) -> int:
        """Return microseconds since the Unix epoch, UTC."""
        ...

    def token(self) -> str:
        """Return 32 hexadecimal digits that nobody else has."""
        ...


class SystemClock:
    """The machine's own clock and random source."""

    def now_us(self) -> int:
        """Return microseconds since the Unix epoch, UTC."""
        return time.time_ns() // 1000

    def token(self) -> str:
        """Return 32 hexadecimal digits that nobody else has."""
        return secrets.token_hex(16)
