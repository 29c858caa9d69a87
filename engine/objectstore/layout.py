"""Every path inside a lakehouse, spelled once.

Layer: ``engine.objectstore``. Invariant: paths are relative, use ``/`` and hold ASCII only.
Format: grizzly-lake(5).
"""

from __future__ import annotations

import re
from typing import Final

FOLDER: Final = ".grizzly"
FORMAT: Final = "FORMAT"
LOCK: Final = "lock"
COMPACT_LOCK: Final = "compact.lock"
CHECKPOINT: Final = "log/checkpoint"
LOG: Final = "log"
OBJECTS: Final = "objects"
TMP: Final = "tmp"
LEASES: Final = "leases"
USAGE: Final = "usage"
TRASH: Final = "trash"
BACKUP: Final = "backup"
"""Marks a folder as a backup, and lists the runs that made it so."""

SEGMENT_COMMITS: Final = 256
"""Commits in a full log segment, and hashes in a full tile of the log's tree."""

_SEGMENT: Final = re.compile(r"log/(\d{8})\.wal", re.ASCII)
_PACK: Final = re.compile(r"log/(\d{8})-(\d{8})\.pack", re.ASCII)


def segment(index: int) -> str:
    """Return the path of the log segment that holds commits ``256 * index`` and on."""
    return f"{LOG}/{index:08d}.wal"


def parse_segment(path: str) -> int | None:
    """Return the number of the log segment at a path, or None when it is none's."""
    match = _SEGMENT.fullmatch(path)
    return None if match is None else int(match[1])


def pack(first: int, last: int) -> str:
    """Return the path of the pack that holds log segments ``first`` to ``last``."""
    return f"{LOG}/{first:08d}-{last:08d}.pack"


def parse_pack(path: str) -> tuple[int, int] | None:
    """Return the first and last segment of the pack at a path, or None when it is no pack's."""
    match = _PACK.fullmatch(path) if path.endswith(".pack") else None
    return None if match is None else (int(match[1]), int(match[2]))


def last_commit(path: str) -> int | None:
    """Return the last commit that a full file of the log at a path holds; None for other files."""
    index = parse_segment(path)
    span = parse_pack(path) if index is None else (index, index)
    return None if span is None else (span[1] + 1) * SEGMENT_COMMITS - 1


def data_object(digest: str) -> str:
    """Return the path of the immutable object with this SHA-256 in hexadecimal."""
    return f"{OBJECTS}/{digest[:2]}/{digest}"
