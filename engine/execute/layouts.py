"""How tables lie: ``grizzly.table_layout``.

Layer: ``execute``. Invariant: what a policy decides and why is the same text everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from engine.execute.policy import policy_of

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
        "why": policy.why,
    }
