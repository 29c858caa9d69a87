"""What packing and unpacking tell their caller.

Layer: ``engine.archive``. Invariant: figures describe the archive, not the way it was made, so the
report of an unpack equals that of the pack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""


@dataclass(frozen=True, slots=True)
class PackReport:
    """One archive. ``path`` is what was written, ``sha256`` names the archive's bytes."""

    path: Path
    members: int
    bytes: int
    sha256: str
    checkpoint: str
