"""A whole lakehouse in one ``.gobi`` file: packed, unpacked, verified, read in place.

Layer: ``engine.archive``, above ``engine.storage``. Invariant: an archive is a stranger's input.
"""

from __future__ import annotations

from engine.archive.pack import pack
from engine.archive.report import PackReport, Progress
from engine.archive.store import ArchiveStore
from engine.archive.unpack import unpack
from engine.archive.verify import verify_archive

__all__ = ["ArchiveStore", "PackReport", "Progress", "pack", "unpack", "verify_archive"]
