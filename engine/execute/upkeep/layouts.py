"""How tables lie: ``grizzly.table_layout`` and ``grizzly.indexes``.

Layer: ``execute``. Invariant: what a policy decides and why is the same text everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from engine.catalog.arrangement import CLUSTER, PARTITION, named
from engine.catalog.indexes import indexes_of
from engine.execute.upkeep.policy import policy_of

if TYPE_CHECKING:
    from engine.catalog import Catalog, Table
    from engine.execute.lake import Lake

_SCHEMA = pa.schema(
    [
        ("schema", pa.string()),
        ("table", pa.string()),
        ("type", pa.string()),
        ("files", pa.int64()),
        ("marked", pa.int64()),
        ("rows", pa.int64()),
        ("dead", pa.int64()),
        ("bytes", pa.int64()),
        ("reads", pa.int64()),
        ("writes", pa.int64()),
        ("cluster_by", pa.string()),
        ("partition_by", pa.string()),
        ("why", pa.string()),
    ]
)


def layouts(catalog: Catalog, lake: Lake) -> pa.Table:
    """Return for each table its type, its files and what its policy is."""
    return pa.Table.from_pylist([_row(t, catalog, lake) for t in catalog.tables()], _SCHEMA)


def explained(table: Table, lake: Lake) -> str:
    """Return in words when a table's files are rewritten, and why so."""
    return policy_of(table, *lake.opened.usage.of(table.id)).why


def _row(table: Table, catalog: Catalog, lake: Lake) -> dict[str, object]:
    files = catalog.files(table)
    reads, writes = lake.opened.usage.of(table.id)
    policy = policy_of(table, reads, writes)
    return {
        "schema": table.schema,
        "table": table.name,
        "type": policy.kind,
        "files": len(files),
        "marked": sum(1 for f in files if f.dead),
        "rows": sum(f.live for f in files),
        "dead": sum(f.dead for f in files),
        "bytes": sum(f.size for f in files),
        "reads": reads,
        "writes": writes,
        "cluster_by": _option(table, CLUSTER),
        "partition_by": _option(table, PARTITION),
        "why": policy.why,
    }


def _option(table: Table, name: str) -> str | None:
    text = table.options.get(name)
    return None if text is None else named(table, text)


_INDEXES = pa.schema(
    [
        ("schema", pa.string()),
        ("table", pa.string()),
        ("name", pa.string()),
        ("kind", pa.string()),
        ("columns", pa.string()),
        ("files", pa.int64()),
        ("unindexed", pa.int64()),
    ]
)


def indexes(catalog: Catalog) -> pa.Table:
    """Return every index: its columns, and how many files have it and how many not.

    Rows that ride in a commit are in memory anyway, and need none.
    """
    rows = []
    for table in catalog.tables():
        files = [f for f in catalog.files(table) if f.codec == "orc"]
        names = {c.id: c.name for c in table.columns}
        for index in indexes_of(catalog.state, table):
            held = sum(any(i.name == index.name.lower() for i in f.idx) for f in files)
            rows.append(
                {
                    "schema": table.schema,
                    "table": table.name,
                    "name": index.name,
                    "kind": index.kind,
                    "columns": ", ".join(names[i] for i in index.columns),
                    "files": held,
                    "unindexed": len(files) - held,
                }
            )
    return pa.Table.from_pylist(rows, _INDEXES)
