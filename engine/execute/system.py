"""The tables of the ``grizzly`` schema: the system described in its own terms.

Layer: ``execute``. Invariant: computed from the same state as the statement's other tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from engine.catalog import PENDING_VERSION
from engine.execute import branchlists, schemas
from engine.execute.upkeep.layouts import indexes, layouts

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.analyze import SystemSource
    from engine.catalog import Catalog
    from engine.execute.lake import Lake

_STAMP = pa.timestamp("us", tz="UTC")


def relation(source: SystemSource, lake: Lake) -> pa.Table:
    """Return a system table as it was at the source's version."""
    if source.relation == "table_layout":
        return layouts(source.catalog, lake)
    if source.relation == "table_history":
        return schemas.table_history(lake, source.version)
    if source.relation == "branches":
        return branchlists.listed(source, lake)
    if source.relation == "branch_changes":
        return branchlists.changed(source, lake)
    if source.relation == "timeline":
        return _timeline(lake, source.version)
    return _RELATIONS[source.relation](source.catalog)


def _schemas(catalog: Catalog) -> pa.Table:
    return pa.table({"name": pa.array(catalog.schemas(), pa.string())})


def _tables(catalog: Catalog) -> pa.Table:
    rows = []
    for table in catalog.tables():
        files = catalog.files(table)
        rows.append(
            {
                "schema": table.schema,
                "name": table.name,
                "kind": "table",
                "columns": len(table.columns),
                "rows": sum(f.live for f in files),
                "bytes": sum(f.size for f in files),
                "files": len(files),
                "key": ", ".join(c.name for c in table.key_columns) or None,
                "type": table.options.get("type", "hybrid"),
                "comment": table.comment,
            }
        )
    rows += [
        {
            "schema": v.schema,
            "name": v.name,
            "kind": "view",
            "columns": None,
            "rows": None,
            "bytes": None,
            "files": None,
            "key": None,
            "type": None,
            "comment": None,
        }
        for v in catalog.views()
    ]
    return pa.Table.from_pylist(
        rows,
        pa.schema(
            [
                ("schema", pa.string()),
                ("name", pa.string()),
                ("kind", pa.string()),
                ("columns", pa.int64()),
                ("rows", pa.int64()),
                ("bytes", pa.int64()),
                ("files", pa.int64()),
                ("key", pa.string()),
                ("type", pa.string()),
                ("comment", pa.string()),
            ]
        ),
    )


def _columns(catalog: Catalog) -> pa.Table:
    rows = [
        {
            "schema": table.schema,
            "table": table.name,
            "position": position,
            "name": column.name,
            "type": column.type,
            "nullable": column.nullable,
            "default": column.default,
            "key": column.id in table.key,
            "comment": column.comment,
        }
        for table in catalog.tables()
        for position, column in enumerate(table.columns, start=1)
    ]
    return pa.Table.from_pylist(
        rows,
        pa.schema(
            [
                ("schema", pa.string()),
                ("table", pa.string()),
                ("position", pa.int64()),
                ("name", pa.string()),
                ("type", pa.string()),
                ("nullable", pa.bool_()),
                ("default", pa.string()),
                ("key", pa.bool_()),
                ("comment", pa.string()),
            ]
        ),
    )


def _views(catalog: Catalog) -> pa.Table:
    rows = [{"schema": v.schema, "name": v.name, "sql": v.sql} for v in catalog.views()]
    names = [("schema", pa.string()), ("name", pa.string()), ("sql", pa.string())]
    return pa.Table.from_pylist(rows, pa.schema(names))


def _snapshots(catalog: Catalog) -> pa.Table:
    rows = [{"name": s.name, "version": s.version, "ts": s.ts} for s in catalog.snapshots()]
    names = [("name", pa.string()), ("version", pa.int64()), ("ts", _STAMP)]
    return pa.Table.from_pylist(rows, pa.schema(names))


def _files(catalog: Catalog) -> pa.Table:
    rows = [
        {
            "schema": table.schema,
            "table": table.name,
            "rid": entry.rid,
            "rows": entry.rows,
            "deleted": entry.dead,
            "bytes": entry.size,
            "sha256": entry.data.digest,
            "inline": entry.data.at is not None,
        }
        for table in catalog.tables()
        for entry in catalog.files(table)
    ]
    return pa.Table.from_pylist(
        rows,
        pa.schema(
            [
                ("schema", pa.string()),
                ("table", pa.string()),
                ("rid", pa.int64()),
                ("rows", pa.int64()),
                ("deleted", pa.int64()),
                ("bytes", pa.int64()),
                ("sha256", pa.string()),
                ("inline", pa.bool_()),
            ]
        ),
    )


def _timeline(lake: Lake, version: int) -> pa.Table:
    rows = [
        {
            "version": commit.seq,
            "ts": commit.ts,
            "op": commit.op,
            "author": commit.meta.get("author"),
            "message": commit.meta.get("message"),
            "tables": commit.meta.get("tables"),
            "branch": commit.meta.get("branch"),
            "leaf_hash": commit.leaf_hash.hex(),
        }
        for commit in lake.workspace.timeline.commits(-1, version)
    ]
    return pa.Table.from_pylist(
        rows,
        pa.schema(
            [
                ("version", pa.int64()),
                ("ts", _STAMP),
                ("op", pa.string()),
                ("author", pa.string()),
                ("message", pa.string()),
                ("tables", pa.string()),
                ("branch", pa.string()),
                ("leaf_hash", pa.string()),
            ]
        ),
    )


def _blobs(catalog: Catalog) -> pa.Table:
    rows = [
        {
            "name": blob.name,
            "bytes": blob.size,
            "sha256": blob.data.digest,
            "version": None if blob.version == PENDING_VERSION else blob.version,
        }
        for blob in catalog.blobs()
    ]
    names = [("name", pa.string()), ("bytes", pa.int64())]
    names += [("sha256", pa.string()), ("version", pa.int64())]
    return pa.Table.from_pylist(rows, pa.schema(names))


def _watermarks(catalog: Catalog) -> pa.Table:
    tables = {table.id: table for table in catalog.tables()}
    rows = []
    for mark in catalog.watermarks():
        table = tables.get(mark.table)
        rows.append(
            {
                "name": mark.name,
                "schema": None if table is None else table.schema,
                "table": None if table is None else table.name,
                "version": mark.version,
                "ts": mark.ts,
            }
        )
    names = [(name, pa.string()) for name in ("name", "schema", "table")]
    names += [("version", pa.int64()), ("ts", _STAMP)]
    return pa.Table.from_pylist(rows, pa.schema(names))


_RELATIONS: dict[str, Callable[[Catalog], pa.Table]] = {
    "blobs": _blobs,
    "columns": _columns,
    "constraints": schemas.constraints,
    "files": _files,
    "indexes": indexes,
    "migrations": schemas.migrations,
    "schemas": _schemas,
    "snapshots": _snapshots,
    "tables": _tables,
    "views": _views,
    "watermarks": _watermarks,
}
