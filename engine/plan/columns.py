"""A table's columns as SQL: what is stored in them, and what a statement says of them.

Layer: ``plan``. Invariant: an expression reaches a file only through ``stored``, which casts it to the
column's type first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from engine.catalog import Column
from engine.datatypes import parse_type
from engine.errors import BindError, UnsupportedError
from engine.plan.text import comma, ident
from grammar import span_of, suggest, to_duckdb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.catalog import Table
    from grammar import Span


def stored(expression: str, column: Column) -> str:
    """Return SQL that casts ``expression`` to the column's type and then to its wire form."""
    kind = parse_type(column.type)
    typed = f"CAST({expression} AS {kind.text})"
    return f"CAST({typed} AS {kind.wire_text})" if kind.cast_on_read else typed


def stored_default(sql: str, type_text: str) -> str:
    """Return SQL for a column's default in its wire form."""
    return stored(f"({sql})", Column(0, "", type_text))


def columns_sql(table: Table, values: dict[int, str]) -> str:
    """Return all columns of a table as stored, from ``values`` by column id or their defaults."""
    return comma(
        f"{stored(values.get(c.id, default_sql(c)), c)} AS {ident(c.name)}" for c in table.columns
    )


def nulls(table: Table) -> dict[int, str]:
    """Return NULL for each column, by id."""
    return {c.id: "NULL" for c in table.columns}


def default_sql(column: Column) -> str:
    """Return a column's default as SQL, NULL without one."""
    return f"({column.default})" if column.default is not None else "NULL"


def value_sql(column: Column, value: exp.Expr) -> str:
    """Return what a statement gives a column, where DEFAULT is its default."""
    return default_sql(column) if is_default(value) else f"({to_duckdb(value)})"


def find(table: Table, name: str, span: Span | None) -> Column:
    """Return the column called ``name`` in any case.

    Raises: BindError.
    """
    column = table.column(name)
    if column is None:
        best = suggest(name, [c.name for c in table.columns])
        raise BindError(
            f"{table.qualified} has no column '{name}'",
            span=span,
            hint=f"did you mean '{best}'?"
            if best
            else f"its columns are: {', '.join(c.name for c in table.columns[:12])}",
            code="SEMANTIC_004",
        )
    return column


def named(table: Table, names: Sequence[exp.Expr]) -> list[Column]:
    """Return the columns a statement lists.

    Raises: BindError for an unknown or repeated one.
    """
    columns = [find(table, n.name, span_of(n)) for n in names]
    for position, column in enumerate(columns):
        if column in columns[:position]:
            raise BindError(f"'{column.name}' is listed twice", span=span_of(names[position]))
    return columns


def assigned(table: Table, pairs: Sequence[exp.Expr]) -> list[tuple[Column, exp.Expr]]:
    """Return the columns and values of SET.

    Raises: BindError for an unknown column.
    """
    out = []
    for pair in pairs:
        left = pair.this
        if not isinstance(left, exp.Column):
            raise UnsupportedError("set one column at a time: a = 1, b = 2", span=span_of(pair))
        out.append((find(table, left.name, span_of(left)), pair.expression))
    return out


def is_default(value: exp.Expr) -> bool:
    """Say whether a value is the word DEFAULT."""
    return isinstance(value, (exp.Var, exp.Column)) and value.name.upper() == "DEFAULT"


def given_values(query: exp.Expr, columns: Sequence[Column]) -> exp.Expr:
    """Return a source in which each value of VALUES is cast to its column's type, or is its default.

    Rows of VALUES need not agree on types: each value is converted on its own, as in DuckDB.
    """
    if values_of(query) is None:
        return query
    query = query.copy()
    values = values_of(query)
    for row in values.expressions if values is not None else ():
        for column, value in zip(columns, list(row.expressions), strict=False):
            given = exp.Var(this=default_sql(column)) if is_default(value) else value.copy()
            kind = exp.DataType(this=exp.DType.USERDEFINED, kind=parse_type(column.type).text)
            value.replace(exp.Cast(this=given, to=kind))
    return query


def width(query: exp.Expr) -> list[str]:
    """Return stand-in names for the columns of VALUES; nothing for other queries."""
    values = values_of(query)
    if values is None or query.args.get("with_"):
        return []
    return [f"col{i}" for i in range(len(values.expressions[0].expressions))]


def values_of(query: exp.Expr) -> exp.Values | None:
    """Return the VALUES a source is, bare or as ``SELECT * FROM (VALUES …)``; None for others."""
    if isinstance(query, exp.Values):
        return query
    if isinstance(query, exp.Select) and query.is_star and len(query.expressions) == 1:
        source = query.args.get("from_")
        plain = {k for k, v in query.args.items() if v} <= {"expressions", "from_", "kind"}
        if plain and source is not None:
            inner = source.this.unnest() if isinstance(source.this, exp.Subquery) else source.this
            return inner if isinstance(inner, exp.Values) else None
    return None
