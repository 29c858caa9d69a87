"""``grizzly.branches`` and ``grizzly.branch_changes``: the branches, and what each has that main has not.

Layer: ``execute``. Invariant: a row that was only moved to another file is no change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from engine.catalog import BranchState, FileEntry, Table, branches
from engine.storage import Addresses, diff

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.analyze import SystemSource
    from engine.catalog import Branch
    from engine.execute.lake import Lake


def listed(source: SystemSource, lake: Lake) -> pa.Table:
    """Return every branch: where it began, how far main has gone since, and whether it is in use."""
    rows = [
        {
            "name": branch.name,
            "base": state.branch.base,
            "created": state.branch.since,
            "changes": len(state.changes()),
            "behind": source.version - state.branch.base,
            "current": branch.name == lake.workspace.branch,
        }
        for branch, state in _states(source, lake)
    ]
    names = [("name", pa.string())]
    names += [(n, pa.int64()) for n in ("base", "created", "changes", "behind")]
    return pa.Table.from_pylist(rows, pa.schema([*names, ("current", pa.bool_())]))


def changed(source: SystemSource, lake: Lake) -> pa.Table:
    """Return every table that a branch changed, and how many rows came and went.

    Cost: deletion marks; row ids too, of files that rows both left and came to.
    """
    rows = [
        {"branch": branch.name, **_table(lake, state, table_id)}
        for branch, state in _states(source, lake)
        for table_id in sorted({k.split("/")[1] for k in state.changes() if k[:2] in ("f/", "t/")})
    ]
    names = [(n, pa.string()) for n in ("branch", "schema", "table", "definition")]
    names += [(n, pa.int64()) for n in ("rows_added", "rows_removed")]
    return pa.Table.from_pylist(rows, pa.schema(names))


def _states(source: SystemSource, lake: Lake) -> Iterator[tuple[Branch, BranchState]]:
    timeline = lake.workspace.timeline
    state = timeline.state_at(source.version)
    for branch in branches(state):
        yield branch, BranchState(timeline.state_at(branch.base), state, branch)


def _table(lake: Lake, state: BranchState, table_id: str) -> dict[str, object]:
    key = f"t/{table_id}"
    before, after = state.base.get(key), state.get(key)
    table = Table.decode(table_id, after or before or b"")
    word = "created" if before is None else "dropped" if after is None else "altered"
    files = []
    for side in (state.base, state):
        items = enumerate(side.items(table.file_prefix))
        files.append([lake.scan_file(n, FileEntry.decode(k, v)) for n, (k, v) in items])
    found = diff(*files)
    gone = [(file, dead) for file, dead, _ in found if dead]
    come = [(file, born) for file, _, born in found if born]
    moved = 0
    if gone and come:
        columns = lake.columns(table)
        left = Addresses.read(columns, gone)
        moved = len(left.same(Addresses.read(columns, come, left))[0])
    return {
        "schema": table.schema,
        "table": table.name,
        "definition": None if before == after else word,
        "rows_added": sum(len(born) for _, born in come) - moved,
        "rows_removed": sum(len(dead) for _, dead in gone) - moved,
    }
