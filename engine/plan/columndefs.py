"""One column as CREATE TABLE and ADD COLUMN write it.

Layer: ``plan``. Invariant: a type or constraint that cannot be kept is refused by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from engine.catalog import RESERVED_COLUMNS, Column
from engine.datatypes import parse_type
from engine.errors import BindError, UnsupportedError
from grammar import span_of, to_duckdb

if TYPE_CHECKING:
    from grammar import Span


def require_name(name: str, span: Span | None) -> None:
    """Make sure a column may be called so.

    Raises: UnsupportedError.
    """
    if not name or name.lower() in RESERVED_COLUMNS:
        why = f"the column name '{name}' is reserved" if name else "a column needs a name"
        raise UnsupportedError(why, span=span, hint="choose another name, for example with AS")


def column_of(node: exp.ColumnDef, number: int) -> tuple[Column, bool, list[str]]:
    """Return the column, whether it is the key, and its CHECK conditions.

    Raises: UnsupportedError for a type or constraint that cannot be kept.
    """
    name = node.name
    span = span_of(node.this)
    require_name(name, span)
    if node.args.get("kind") is None:
        raise BindError(f"the column '{name}' has no type", span=span)
    kind = _type_of(node.args["kind"], name, span)
    nullable, default, is_key = True, None, False
    checks: list[str] = []
    for constraint in node.args.get("constraints") or ():
        inner = constraint.kind
        if isinstance(inner, exp.NotNullColumnConstraint):
            nullable = bool(inner.args.get("allow_null"))
        elif isinstance(inner, exp.PrimaryKeyColumnConstraint):
            is_key, nullable = True, False
        elif isinstance(inner, exp.DefaultColumnConstraint):
            default = default_of(inner.this, name)
        elif isinstance(inner, exp.CheckColumnConstraint):
            checks.append(str(to_duckdb(inner.this)))
        else:
            raise UnsupportedError(
                f"the constraint {constraint_name(inner)} is not enforced here, so it is not accepted",
                span=span,
                hint="PRIMARY KEY, NOT NULL, CHECK and DEFAULT are",
            )
    return Column(number, name, kind, nullable, default), is_key, checks


def _type_of(node: exp.Expr, column: str, span: Span | None) -> str:
    try:
        return parse_type(str(to_duckdb(node))).text
    except UnsupportedError as error:
        raise UnsupportedError(
            f"the column '{column}' cannot be kept: {error.message}", span=span, hint=error.hint
        ) from None


def default_of(node: exp.Expr, column: str) -> str:
    """Return a DEFAULT as SQL.

    Raises: UnsupportedError when it is no constant expression.
    """
    if node.find(exp.Column, exp.Query):
        raise UnsupportedError(
            f"the default of '{column}' must not refer to columns or tables", span=span_of(node)
        )
    return str(to_duckdb(node))


def constraint_name(node: exp.Expr) -> str:
    """Return what SQL calls a constraint."""
    return {
        "UniqueColumnConstraint": "UNIQUE",
        "ForeignKey": "FOREIGN KEY",
        "Reference": "REFERENCES",
        "GeneratedAsIdentityColumnConstraint": "GENERATED",
        "ComputedColumnConstraint": "GENERATED",
        "CollateColumnConstraint": "COLLATE",
    }.get(type(node).__name__, type(node).__name__)
