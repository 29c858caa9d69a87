"""SHOW, LIST and DESCRIBE as queries over the ``grizzly`` schema.

Layer: ``session``. Invariant: whatever these statements show can be had by SELECT too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from engine.errors import UnsupportedError
from engine.plan import literal

if TYPE_CHECKING:
    from engine.catalog import Table
    from grammar.nodes import Show

_QUERIES = {
    "BRANCHES": ("name, base, created, changes, behind, current", "branches", "ORDER BY name"),
    "INDEXES": (
        "schema, table, name, kind, columns, files",
        "indexes",
        "ORDER BY schema, table, name",
    ),
    "SCHEMAS": ("name", "schemas", ""),
    "SNAPSHOTS": ("name, version, ts", "snapshots", "ORDER BY version, name"),
    "TABLES": ("schema, name, kind, rows, columns, key", "tables", "ORDER BY schema, name"),
    "TIMELINE": (
        "version, ts, op, tables, author, message",
        "timeline",
        "ORDER BY version DESC",
    ),
    "WATERMARKS": ("name, schema, table, version, ts", "watermarks", "ORDER BY name"),
    "VIEWS": ("schema, name, sql", "views", "ORDER BY schema, name"),
}
"""What SHOW lists: columns, the relation of the ``grizzly`` schema, and the order."""

_OF_A_SCHEMA = ("INDEXES", "TABLES", "VIEWS")
_NAMED = ("BRANCHES", "INDEXES", "SCHEMAS", "SNAPSHOTS", "TABLES", "VIEWS", "WATERMARKS")


def show_query(node: Show) -> str:
    """Return the query that SHOW stands for; SHOW COLUMNS is DESCRIBE and none of these.

    Raises: UnsupportedError for what cannot be narrowed so.
    """
    columns, relation, order = _QUERIES[node.what]
    conditions = _conditions(node, node.what)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {columns} FROM grizzly.{relation} {where} {order}"  # noqa: S608 - parsed again


def _conditions(node: Show, what: str) -> list[str]:
    conditions = []
    if node.schema is not None:
        if what not in _OF_A_SCHEMA:
            raise UnsupportedError(f"SHOW {what} takes no schema", span=node.span)
        conditions.append(f"lower(schema) = {literal(node.schema.lower())}")
    if node.like is not None:
        if what not in _NAMED:
            raise UnsupportedError(f"SHOW {what} takes no LIKE", span=node.span)
        conditions.append(f"name ILIKE {literal(node.like)}")
    return conditions


DESCRIBE_TYPES = ["VARCHAR", "VARCHAR", "BOOLEAN", "BOOLEAN", "VARCHAR"]


def describe_table(table: Table) -> pa.Table:
    """Return a table's columns, one in a row."""
    return pa.table(
        {
            "column": pa.array([c.name for c in table.columns], pa.string()),
            "type": pa.array([c.type for c in table.columns], pa.string()),
            "nullable": pa.array([c.nullable for c in table.columns], pa.bool_()),
            "key": pa.array([c.id in table.key for c in table.columns], pa.bool_()),
            "default": pa.array([c.default for c in table.columns], pa.string()),
        }
    )
