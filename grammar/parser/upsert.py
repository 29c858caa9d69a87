"""UPSERT.

Layer: ``grammar.parser``. Invariant: the source is always a query, also when it was VALUES.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grammar.nodes import Upsert

if TYPE_CHECKING:
    from sqlglot import exp

    from grammar.nodes import Statement
    from grammar.parser.cursor import Cursor

_QUERY_HEADS = frozenset({"SELECT", "FROM", "WITH", "VALUES", "(", "PIVOT", "UNPIVOT"})


def upsert(cursor: Cursor) -> Statement:
    """Read UPSERT INTO t [(columns)] [BY NAME] source [KEY (columns)] [RETURNING list]."""
    cursor.need("UPSERT", "INTO")
    table = cursor.table()
    columns: tuple[str, ...] = ()
    if cursor.word() == "(" and cursor.word(1) not in _QUERY_HEADS:
        columns = cursor.names("a column's name")
    by_name = cursor.take("BY", "NAME")
    if cursor.word() not in _QUERY_HEADS:
        cursor.fail("expected VALUES or a query")
    source = cursor.query("VALUES or a query", {"KEY", "RETURNING"})
    key = cursor.names("a column of the key") if cursor.take("KEY") else ()
    returning: tuple[exp.Expr, ...] = ()
    if cursor.take("RETURNING"):
        returning = cursor.expressions("what to return")
    return Upsert(cursor.span, table, columns, source, key, returning, by_name)
