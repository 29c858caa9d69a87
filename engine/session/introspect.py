"""SHOW, LIST and DESCRIBE as queries over the ``grizzly`` schema.

Layer: ``session``. Invariant: whatever these statements show can be had by SELECT too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from engine.errors import UnsupportedError
from grammar import suggest

if TYPE_CHECKING:
    from engine.catalog import Table
    from grammar.nodes import Show

_QUERIES = {
    "COLUMNS": (
        'SELECT name, type, nullable, "default", key FROM grizzly.columns '
        'WHERE lower("table") = lower($table) AND schema = $schema ORDER BY position'
    ),
    "FILES": 'SELECT * FROM grizzly.files ORDER BY schema, "table", rid',
    "SCHEMAS": "SELECT name FROM grizzly.schemas",
    "SNAPSHOTS": "SELECT name, version, ts FROM grizzly.snapshots ORDER BY version, name",
    "TABLES": (
        "SELECT schema, name, kind, rows, columns, key FROM grizzly.tables ORDER BY schema, name"
    ),
    "TIMELINE": (
        "SELECT version, ts, op, tables, author, message FROM grizzly.timeline "
        "ORDER BY version DESC"
    ),
    "VIEWS": "SELECT schema, name, sql FROM grizzly.views ORDER BY schema, name",
}


def show_query(node: Show, schema: str) -> str:
    """Return the query that SHOW stands for, where bare names belong to ``schema``.

    Raises: UnsupportedError for what cannot be listed.
    """
    what = node.what.upper()
    if what not in _QUERIES:
        best = suggest(what, _QUERIES)
        raise UnsupportedError(
            f"SHOW {what} is not offered",
            span=node.span,
            hint=f"did you mean SHOW {best}?" if best else f"SHOW {', '.join(_QUERIES)}",
        )
    query = _QUERIES[what]
    if what != "COLUMNS":
        return query
    target = node.args[0] if node.args else ""
    if not isinstance(target, str):
        schema, target = target.db.lower() or schema, target.name
    return query.replace("$table", _text(target)).replace("$schema", _text(schema))


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


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
