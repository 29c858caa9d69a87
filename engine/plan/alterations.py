"""ALTER TABLE, action by action.

Layer: ``plan``. Invariant: an action makes a new definition and rewrites no data.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from engine.errors import BindError, UnsupportedError
from engine.plan.columndefs import column_of, default_of, require_name
from engine.plan.columns import find
from engine.plan.text import ident
from grammar import span_of

if TYPE_CHECKING:
    from engine.catalog import Column, Table


def altered(table: Table, action: exp.Expr) -> tuple[Table, str | None]:
    """Return the table after one action, and a condition that its rows must meet first.

    Raises: BindError, UnsupportedError.
    """
    if isinstance(action, exp.ColumnDef):
        return _add_column(table, action)
    if isinstance(action, exp.Drop):
        return _drop_column(table, action), None
    if isinstance(action, exp.RenameColumn):
        return _rename_column(table, action.this, action.args["to"]), None
    if isinstance(action, exp.AlterRename):
        return table.evolve(name=action.this.name), None
    if isinstance(action, exp.AlterColumn):
        return _alter_column(table, action)
    raise UnsupportedError(
        "this ALTER TABLE is not offered",
        span=span_of(action),
        hint="ADD, DROP and RENAME COLUMN, RENAME TO, SET/DROP DEFAULT, SET/DROP NOT NULL are",
    )


def _add_column(table: Table, action: exp.ColumnDef) -> tuple[Table, str | None]:
    column, is_key, checks = column_of(action, table.next_column)
    if table.column(column.name) is not None:
        if action.args.get("exists"):
            return table, None
        raise BindError(
            f"{table.qualified} already has a column '{column.name}'", span=span_of(action.this)
        )
    if is_key or checks:
        raise UnsupportedError(
            "a column added later cannot carry a key or a CHECK", span=span_of(action.this)
        )
    needs = None
    if not column.nullable and column.default is None:
        needs = "false"
    return (
        table.evolve(columns=(*table.columns, column), next_column=table.next_column + 1),
        needs,
    )


def _drop_column(table: Table, action: exp.Drop) -> Table:
    for ref in action.args.get("tables") or [action.this]:
        if action.args.get("exists") and table.column(ref.name) is None:
            continue
        column = find(table, ref.name, span_of(ref.this))
        if column.id in table.key:
            raise UnsupportedError(f"'{column.name}' is part of the key", span=span_of(ref.this))
        if _checked(table, column):
            raise UnsupportedError(f"a CHECK needs '{column.name}'", span=span_of(ref.this))
        rest = tuple(c for c in table.columns if c.id != column.id)
        if not rest:
            raise UnsupportedError("a table keeps at least one column", span=span_of(ref.this))
        table = table.evolve(columns=rest)
    return table


def _rename_column(table: Table, old: exp.Expr, to: exp.Expr) -> Table:
    name = old.name
    column = find(table, name, span_of(old))
    require_name(to.name, span_of(to))
    if table.column(to.name) is not None and to.name.lower() != name.lower():
        raise BindError(
            f"{table.qualified} already has a column '{to.name}'", span=span_of(to.this)
        )
    if _checked(table, column):
        raise UnsupportedError(f"a CHECK needs '{column.name}'", span=span_of(to.this))
    return _with_column(table, column, name=to.name)


def _alter_column(table: Table, action: exp.AlterColumn) -> tuple[Table, str | None]:
    column = find(table, action.name, span_of(action.this))
    if action.args.get("dtype") is not None:
        raise UnsupportedError(
            "the type of a column cannot be changed in place yet",
            span=span_of(action.this),
            hint="add a column of the new type, UPDATE it, then drop the old one",
        )
    if action.args.get("allow_null") is not None:
        if action.args["allow_null"]:
            if column.id in table.key:
                raise UnsupportedError(f"'{column.name}' is part of the key")
            return _with_column(table, column, nullable=True), None
        return _with_column(table, column, nullable=False), f"{ident(column.name)} IS NOT NULL"
    if action.args.get("drop"):
        return _with_column(table, column, default=None), None
    default = action.args.get("default")
    if default is not None:
        return _with_column(table, column, default=default_of(default, column.name)), None
    raise UnsupportedError("this ALTER COLUMN is not offered", span=span_of(action.this))


def _with_column(table: Table, old: Column, **changes: Any) -> Table:
    new = replace(old, **changes)
    return table.evolve(columns=tuple(new if c.id == old.id else c for c in table.columns))


def _checked(table: Table, column: Column) -> bool:
    """Say whether a CHECK of the table mentions the column."""
    word = re.compile(rf"\b{re.escape(column.name)}\b", re.IGNORECASE)
    return any(word.search(check) for check in table.checks)
