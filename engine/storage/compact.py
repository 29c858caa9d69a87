"""Which data files to merge, and what the merged file holds.

Layer: ``engine.storage``. Invariant: a merge changes no row: same values, same ``_rid``, same ``_cv``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from engine.storage.statistics import CHANGED, ROW_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.storage.scan import TableScan
    from engine.storage.units import ScanFile

TARGET_ROWS = 983_040
"""Files of this many live rows are left alone."""
_FANOUT = 8
"""So many files of one size tier make a file of the next: each row moves once per tier."""
WASTE = 0.2
"""A file with more than this share of deleted rows is rewritten."""


def choose(files: Sequence[ScanFile], waste: float = WASTE) -> list[list[ScanFile]]:
    """Return groups of files, each to become one file; none when nothing is worth moving.

    A file with more than ``waste`` of its rows dead is worth it.
    Shape: groups are disjoint and keep the files' order.
    """
    wasteful = [f for f in files if f.rows and f.rows - f.live > waste * f.rows]
    tiers: dict[int, list[ScanFile]] = {}
    for file in files:
        if file.live < TARGET_ROWS:
            tiers.setdefault(_tier(file.live), []).append(file)
    crowded = [f for tier in tiers.values() if len(tier) >= _FANOUT for f in tier]
    picked = {id(f) for f in (*wasteful, *crowded)}
    return _grouped([f for f in files if id(f) in picked])


def merge(scan: TableScan) -> pa.Table:
    """Return all rows of a scan as the table of one new file: its columns, ``_rid`` and ``_cv``."""
    user = scan.schema.names[: scan.width]
    names = [*user, ROW_ID, CHANGED]
    schema = pa.schema([scan.schema.field(name) for name in names])
    return pa.Table.from_batches(scan.batches(names), schema=schema)


def _tier(live: int) -> int:
    tier = 0
    while live >= _FANOUT:
        live //= _FANOUT
        tier += 1
    return tier


def _grouped(files: Sequence[ScanFile]) -> list[list[ScanFile]]:
    groups: list[list[ScanFile]] = []
    size = 0
    for file in files:
        if not groups or size + file.live > TARGET_ROWS:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.live
    return groups
