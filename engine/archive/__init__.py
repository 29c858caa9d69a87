"""Copies of a lakehouse: backups, and a whole one in a ``.gobi`` file, verified and read in place.

Layer: ``engine.archive``, above ``engine.storage``. Invariant: a copy is a stranger's
input.
"""

from __future__ import annotations

from engine.archive.apply import apply, unpack_onto
from engine.archive.backups import CopyReport, back_up, restore, runs
from engine.archive.excerpt import Excerpt
from engine.archive.pack import pack, pack_table
from engine.archive.repair import Mended, repair
from engine.archive.report import PackReport, Progress
from engine.archive.store import ArchiveStore
from engine.archive.unpack import unpack
from engine.archive.verify import verify_archive

__all__ = [
    "ArchiveStore",
    "CopyReport",
    "Excerpt",
    "Mended",
    "PackReport",
    "Progress",
    "apply",
    "back_up",
    "pack",
    "pack_table",
    "repair",
    "restore",
    "runs",
    "unpack",
    "unpack_onto",
    "verify_archive",
]
