"""Small and half-dead files are merged; no row changes.

Layer: ``execute``. Invariant: a merge keeps every row's values, id and last version, so no change log
ever shows it. A row of the very commit that merges it has no final id yet, and inherits it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from engine.catalog import PENDING_VERSION, FileEntry, Table, table_of
from engine.execute.placing import clustered, place
from engine.execute.upkeep.policy import policy_of
from engine.execute.workspace import FIRST_PENDING_ROW, is_pending
from engine.storage import choose, merge
from engine.storage.compact import WASTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.execute.lake import Lake
    from engine.execute.upkeep.policy import Policy
    from engine.execute.usage import Usage
    from engine.execute.workspace import Workspace
    from engine.storage import ScanFile

BUDGET_ROWS = 1 << 20
"""Compaction after a commit moves about so many rows at most; the rest waits for the next."""


def tidy(lake: Lake, usage: Usage, ids: set[str]) -> None:
    """Compact tables after a commit, as their policies want it, and not too much at once."""
    for table in lake.workspace.catalog.tables():
        if table.id in ids:
            policy = policy_of(table, *usage.of(table.id))
            compact(table, lake, WASTE if policy.waste is None else policy.waste, BUDGET_ROWS)


def compact(table: Table, lake: Lake, waste: float = WASTE, budget: int | None = None) -> int:
    """Merge what is worth merging in one table; return how many files went away.

    Cost: each row moves once per size tier over its life.
    """
    entries = lake.workspace.catalog.files(table)
    files = [lake.scan_file(n, entry) for n, entry in enumerate(entries)]
    gone = moved = 0
    for part in _by_part(files, entries):
        for group in choose(part, waste):
            if budget is not None and moved >= budget:
                break
            moved += sum(file.live for file in group)
            gone += len(group) - rewrite(table, lake, [entries[file.file_id] for file in group])
    return gone


def rewrite(table: Table, lake: Lake, entries: Sequence[FileEntry]) -> int:
    """Put the live rows of files into new ones; return how many these are."""
    workspace = lake.workspace
    with workspace.unwatched():
        rows = _settled(merge(lake.scan_entries(table, entries)))
    for entry in entries:
        workspace.put(entry.state_key(table.id), None)
    return len(place(workspace, table, clustered(table, rows)))


def relayout(lake: Lake, usage: Usage) -> None:
    """Rewrite, before a commit, those files whose rows it kills and whose table wants it so.

    Cost: nothing for tables of type ``mor``; else the files that are rewritten.
    """
    workspace = lake.workspace
    for table in _written(workspace, old=True):
        policy = policy_of(table, *usage.of(table.id))
        hit = list(_hit(workspace, table, policy))
        if hit:
            fresh = [e for e in workspace.catalog.files(table) if is_pending(e.rid)]
            if sum(e.live for e in (*hit, *fresh)) > policy.most:
                fresh = []
            rewrite(table, lake, [*hit, *fresh])


def crowded(workspace: Workspace, usage: Usage) -> set[str]:
    """Return the ids of tables this workspace wrote to that are to be compacted after it."""
    found = set()
    for table in _written(workspace, old=False):
        policy = policy_of(table, *usage.of(table.id))
        files = workspace.catalog.files(table)
        late = any(e.rows > policy.most and policy.rewrites(e.rows, e.dead) for e in files)
        if len(files) >= policy.crowd or late:
            found.add(table.id)
    return found


def _by_part(files: Sequence[ScanFile], entries: Sequence[FileEntry]) -> list[list[ScanFile]]:
    """Return the files of each partition: merging others would only part them again."""
    found: dict[tuple[str | None, ...], list[ScanFile]] = {}
    for file, entry in zip(files, entries, strict=True):
        found.setdefault(entry.part, []).append(file)
    return list(found.values())


def _written(workspace: Workspace, *, old: bool) -> list[Table]:
    """Return the tables this workspace wrote to; with ``old``, only where a file was there before."""
    ids = {
        key.split("/")[1]
        for key in workspace.changes
        if key.startswith("f/") and not (old and workspace.base.get(key) is None)
    }
    found = ((key, workspace.get(key)) for key in (f"t/{i}" for i in sorted(ids)))
    return [table_of(key, data) for key, data in found if data is not None]


def _hit(workspace: Workspace, table: Table, policy: Policy) -> Iterable[FileEntry]:
    for key, value in workspace.changes.items():
        if value is None or not key.startswith(table.file_prefix):
            continue
        before = workspace.base.get(key)
        if before is None:
            continue
        entry = FileEntry.decode(key, value)
        grew = entry.dead > FileEntry.decode(key, before).dead
        if grew and entry.rows <= policy.most and policy.rewrites(entry.rows, entry.dead):
            yield entry


def _settled(rows: pa.Table) -> pa.Table:
    """Leave out the provisional ids and versions: their rows inherit the new file's."""
    for name, first in (("_rid", FIRST_PENDING_ROW), ("_cv", PENDING_VERSION)):
        column = rows[name]
        final = pc.if_else(pc.less(column, first), column, pa.scalar(None, pa.int64()))
        if final.null_count:
            rows = rows.set_column(rows.column_names.index(name), name, final)
    return rows
