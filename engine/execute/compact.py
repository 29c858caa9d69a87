"""Small and half-dead files are merged; no row changes.

Layer: ``execute``. Invariant: a merge keeps every row's values, id and last version, so no change log
ever shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.execute.rows import encode
from engine.storage import TableScan, choose, merge

if TYPE_CHECKING:
    from engine.catalog import Table
    from engine.execute.lake import Lake

CROWD = 64
"""A table with so many files is compacted after a commit that wrote to it."""


def compact(table: Table, lake: Lake) -> int:
    """Merge what is worth merging in one table; return how many files went away.

    Cost: each row moves once per size tier over its life.
    """
    workspace = lake.workspace
    entries = workspace.catalog.files(table)
    files = [lake.scan_file(n, entry) for n, entry in enumerate(entries)]
    gone = 0
    for group in choose(files):
        rows = merge(TableScan(lake.columns(table), group))
        for file in group:
            workspace.put(entries[file.file_id].state_key(table.id), None)
        encoded = encode(rows, table)
        for part in encoded:
            workspace.add_file(table, part)
        gone += len(group) - len(encoded)
    return gone
