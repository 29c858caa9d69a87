"""Definitions as the statements that make them.

Layer: ``plan``. Invariant: what is printed here, run on an empty lakehouse, makes the same definitions,
but for ids and revisions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from engine.catalog import MAIN
from engine.catalog.indexes import indexes_of
from engine.datatypes.words import quoted
from engine.plan.options import shown_options
from engine.plan.text import literal
from grammar import parse, to_duckdb
from grammar.nodes import Define

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.catalog import Catalog, Check, Column, Table, Unique, View


def create_table(table: Table) -> list[str]:
    """Return CREATE TABLE and the COMMENT ONs that follow it."""
    parts = [column_sql(c) for c in table.columns]
    if table.key:
        parts.append(key_sql(table))
    parts += [unique_sql(table, u) for u in table.uniques]
    parts += [check_sql(c) for c in table.checks]
    body = ",\n".join(f"  {part}" for part in parts)
    tail = f" WITH ({options_sql(shown_options(table))})" if table.options else ""
    out = [f"CREATE TABLE {table_name(table)} (\n{body}\n){tail}"]
    if table.comment is not None:
        out.append(comment_sql("TABLE", table_name(table), table.comment))
    for column in table.columns:
        if column.comment is not None:
            name = f"{table_name(table)}.{quoted(column.name)}"
            out.append(comment_sql("COLUMN", name, column.comment))
    return out


def create_indexes(catalog: Catalog, table: Table) -> list[str]:
    """Return the CREATE INDEXes of a table."""
    return [
        f"CREATE INDEX {quoted(index.name)} ON {table_name(table)} USING {index.kind} "
        f"({', '.join(quoted(c.name) for c in table.columns_of(index.columns))})"
        for index in indexes_of(catalog.state, table)
    ]


def create_view(view: View) -> str:
    """Return the view's CREATE VIEW with every name in full, whatever schema is in use."""
    (statement,) = parse(view.sql)
    if not isinstance(statement, Define) or not isinstance(statement.ast, exp.Create):
        return view.sql
    tree = statement.ast.copy()
    for word in ("replace", "exists"):
        tree.args.pop(word, None)
    own = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    own.set("this", exp.to_identifier(view.name, quoted=True))
    own.set("db", exp.to_identifier(view.schema, quoted=True))
    names = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for ref in tree.find_all(exp.Table):
        bare = isinstance(ref.this, exp.Identifier) and not ref.db
        if bare and ref is not own and ref.name.lower() not in names and view.schema != MAIN:
            ref.set("db", exp.to_identifier(view.schema, quoted=True))
    return str(to_duckdb(tree))


def create_all(catalog: Catalog) -> Iterator[str]:
    """Yield the statements that make every schema, table and view, in an order that works."""
    for schema in catalog.schemas():
        if schema != MAIN:
            yield f"CREATE SCHEMA {quoted(schema)}"
    for table in catalog.tables():
        yield from create_table(table)
        yield from create_indexes(catalog, table)
    for view in in_order(catalog):
        yield create_view(view)


def in_order(catalog: Catalog) -> Iterator[View]:
    """Yield the views, each behind those that it reads."""
    waiting = {(v.schema.lower(), v.name.lower()): v for v in catalog.views()}
    while waiting:
        ready = [k for k, v in waiting.items() if not (_reads(v) & (waiting.keys() - {k}))]
        for key in ready or list(waiting):
            yield waiting.pop(key)


def column_sql(column: Column) -> str:
    """Return a column as CREATE TABLE and ADD COLUMN take it."""
    required = "" if column.nullable else " NOT NULL"
    default = "" if column.default is None else f" DEFAULT {column.default}"
    return f"{quoted(column.name)} {column.type}{required}{default}"


def key_sql(table: Table) -> str:
    """Return the primary key as a constraint."""
    names = ", ".join(quoted(c.name) for c in table.key_columns)
    return f"CONSTRAINT {quoted(table.key_constraint)} PRIMARY KEY ({names})"


def unique_sql(table: Table, unique: Unique) -> str:
    """Return a UNIQUE constraint."""
    names = ", ".join(quoted(c.name) for c in table.columns_of(unique.columns))
    return f"CONSTRAINT {quoted(unique.name)} UNIQUE ({names})"


def check_sql(check: Check) -> str:
    """Return a CHECK constraint."""
    return f"CONSTRAINT {quoted(check.name)} CHECK ({check.condition})"


def options_sql(options: dict[str, str]) -> str:
    """Return options as WITH and SET take them."""
    return ", ".join(f"{name} = {literal(value)}" for name, value in sorted(options.items()))


def comment_sql(kind: str, name: str, text: str | None) -> str:
    """Return COMMENT ON."""
    return f"COMMENT ON {kind} {name} IS {literal(text or '')}"


def table_name(table: Table) -> str:
    """Return the table's name, with its schema unless that is ``main``."""
    if table.schema == MAIN:
        return quoted(table.name)
    return f"{quoted(table.schema)}.{quoted(table.name)}"


def _reads(view: View) -> set[tuple[str, str]]:
    (statement,) = parse(view.sql)
    if not isinstance(statement, Define):
        return set()
    tables = statement.ast.find_all(exp.Table)
    return {((t.db or view.schema).lower(), t.name.lower()) for t in tables}
