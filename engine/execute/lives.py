"""Which tables' rows belong to the changes of one table, and how their columns are read.

Layer: ``execute``. Invariant: a table is what its id says, under any name. Only a table that was made
within the range in the place of one that is gone takes over the rows of that one, by the names of
columns: to whoever follows the name, they left when it was dropped.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.catalog import Catalog, Table, commits_on
from engine.storage import ScanColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.analyze import ChangeSource
    from engine.catalog import Mapping
    from engine.execute.workspace import Workspace

NOWHERE = -1
"""The id of a column that no file has."""


def lives(
    source: ChangeSource,
    workspace: Workspace,
    since: Mapping,
    until: Mapping,
    columns: Callable[[Table], list[ScanColumn]],
) -> dict[str, list[ScanColumn]]:
    """Return the ids of the tables, and for each the columns to read its files by.

    Cost: for a table that was not made within the range, two look-ups; else the range's definitions.
    """
    table = source.table
    found = {table.id: columns(table)}
    if since.get(table.state_key) is not None:
        return found
    before = Catalog(since).table(table.schema, table.name)
    others = [] if before is None else [before]
    if source.shape == "full":
        others += _made_between(source, workspace)
    for other in others:
        if other.id not in found and until.get(other.state_key) is None:
            found[other.id] = _by_name(columns(table), columns(other))
    return found


def _made_between(source: ChangeSource, workspace: Workspace) -> list[Table]:
    """Return all definitions in the range of tables with the source's name."""
    wanted = (source.table.schema.lower(), source.table.name.lower())
    found = []
    for _, changed in commits_on(workspace.timeline, source.since, source.until, workspace.branch):
        for key, value in changed.items():
            if key.startswith("t/") and value is not None:
                table = Table.decode(key[2:], value)
                if (table.schema.lower(), table.name.lower()) == wanted:
                    found.append(table)
    return found


def _by_name(columns: Sequence[ScanColumn], others: Sequence[ScanColumn]) -> list[ScanColumn]:
    """Return columns to be read from another table's files: of the same name and type, else NULL."""
    there = {c.name.lower(): c for c in others}
    out = []
    for column in columns:
        other = there.get(column.name.lower())
        if other is not None and other.type == column.type:
            out.append(replace(other, name=column.name))
        else:
            out.append(ScanColumn(NOWHERE, column.name, column.type))
    return out
