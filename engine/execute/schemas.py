"""The system tables about definitions: how tables became what they are, and what they demand.

Layer: ``execute``. Invariant: history is read from the commits themselves, never kept a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from engine.catalog import Table, commits_on
from engine.plan import table_differences

if TYPE_CHECKING:
    from engine.catalog import Catalog
    from engine.execute.lake import Lake

_STAMP = pa.timestamp("us", tz="UTC")


def table_history(lake: Lake, version: int) -> pa.Table:
    """Return every change of a definition, oldest first.

    Cost: a walk over all commits up to ``version``.
    """
    known: dict[str, Table] = {}
    rows = []
    workspace = lake.workspace
    for commit, changes in commits_on(workspace.timeline, -1, version, workspace.branch):
        for key, value in sorted(changes.items()):
            if not key.startswith("t/"):
                continue
            before = known.pop(key, None)
            after = None if value is None else Table.decode(key[2:], value)
            if after is not None:
                known[key] = after
            table = after or before
            if table is not None:
                steps = table_differences(before, after)
                rows.append(
                    {
                        "version": commit.seq,
                        "ts": commit.ts,
                        "schema": table.schema,
                        "table": table.name,
                        "id": table.id,
                        "revision": None if after is None else after.revision,
                        "change": "; ".join(step.words for step in steps),
                        "statement": commit.meta.get("message"),
                    }
                )
    names = [("version", pa.int64()), ("ts", _STAMP), ("schema", pa.string())]
    names += [("table", pa.string()), ("id", pa.string()), ("revision", pa.int64())]
    names += [("change", pa.string()), ("statement", pa.string())]
    return pa.Table.from_pylist(rows, pa.schema(names))


def constraints(catalog: Catalog) -> pa.Table:
    """Return every named constraint."""
    rows = []
    for table in catalog.tables():
        for unique in table.distinct:
            columns = ", ".join(c.name for c in table.columns_of(unique.columns))
            kind = "PRIMARY KEY" if unique.columns == table.key else "UNIQUE"
            rows.append((table.schema, table.name, unique.name, kind, columns))
        own = (table.schema, table.name)
        rows += [(*own, check.name, "CHECK", check.condition) for check in table.checks]
    names = ("schema", "table", "name", "kind", "definition")
    return pa.table({n: pa.array([r[i] for r in rows], pa.string()) for i, n in enumerate(names)})


def migrations(catalog: Catalog) -> pa.Table:
    """Return the migrations that were applied, in the order of their names."""
    found = catalog.migrations()
    return pa.table(
        {
            "name": pa.array([m.name for m in found], pa.string()),
            "digest": pa.array([m.digest for m in found], pa.string()),
        }
    )
