"""Every path inside a lakehouse, spelled once.

Layer: ``engine.objectstore``. Invariant: paths are relative, use ``/`` and hold ASCII only.
Format: grizzly-lake(5); hash tiles follow C2SP tlog-tiles.
"""

from __future__ import annotations

import re
from typing import Final

FOLDER: Final = ".grizzly"
FORMAT: Final = "FORMAT"
LOCK: Final = "lock"
CHECKPOINT: Final = "log/checkpoint"
LOG: Final = "log"
TILE: Final = "tile"
STATE: Final = "state"
OBJECTS: Final = "objects"
TMP: Final = "tmp"
LEASES: Final = "leases"
USAGE: Final = "usage"
TRASH: Final = "trash"
BACKUP: Final = "backup"
"""Marks a folder as a backup, and lists the runs that made it so."""

SEGMENT_COMMITS: Final = 256
"""Commits in a full log segment, and hashes in a full tile."""


_TILE: Final = re.compile(r"tile/(\d{1,2})/((?:x\d{3}/)*\d{3})(?:\.p/(\d{1,3}))?", re.ASCII)


def segment(index: int) -> str:
    """Return the path of the log segment that holds commits ``256 * index`` and on."""
    return f"{LOG}/{index:08d}.wal"


def segment_index(index: int) -> str:
    """Return the path of a sealed segment's index of offsets and timestamps."""
    return f"{LOG}/{index:08d}.idx"


def tile(level: int, index: int, width: int = SEGMENT_COMMITS) -> str:
    """Return the path of a hash tile, full or partial.

    Source: C2SP tlog-tiles, "Merkle Tree".
    """
    digits = f"{index % 1000:03d}"
    index //= 1000
    while index:
        digits = f"x{index % 1000:03d}/{digits}"
        index //= 1000
    path = f"{TILE}/{level}/{digits}"
    return path if width == SEGMENT_COMMITS else f"{path}.p/{width}"


def parse_tile(path: str) -> tuple[int, int, int] | None:
    """Return the level, index and width of the tile at a path, or None when it is no tile's."""
    match = _TILE.fullmatch(path)
    if match is None:
        return None
    index = int(match[2].replace("x", "").replace("/", ""))
    found = (int(match[1]), index, int(match[3] or SEGMENT_COMMITS))
    return found if tile(*found) == path else None


def state(digest: str) -> str:
    """Return the path of the state-map node with this digest in hexadecimal."""
    return f"{STATE}/{digest[:2]}/{digest}"


def data_object(digest: str) -> str:
    """Return the path of the immutable object with this SHA-256 in hexadecimal."""
    return f"{OBJECTS}/{digest[:2]}/{digest}"
