"""One column, and one constraint, as CREATE TABLE and ALTER TABLE write them.

Layer: ``plan``. Invariant: a type or constraint that cannot be kept is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from engine.catalog import RESERVED_COLUMNS, Column
from engine.datatypes import parse_type
from engine.errors import BindError, UnsupportedError
from grammar import span_of, to_duckdb

if TYPE_CHECKING:
    from engine.datatypes import DataType
    from grammar import Span


@dataclass(frozen=True, slots=True)
class Rule:
    """A CHECK, UNIQUE or PRIMARY KEY as written: CHECK has a condition, the others have columns."""

    kind: str
    columns: tuple[str, ...] = ()
    condition: str = ""
    name: str | None = None


def require_name(name: str, span: Span | None) -> None:
    """Make sure a column may be called so.

    Raises: UnsupportedError.
    """
    if not name or name.lower() in RESERVED_COLUMNS:
        why = f"the column name '{name}' is reserved" if name else "a column needs a name"
        raise UnsupportedError(why, span=span, hint="choose another name, for example with AS")


def column_of(node: exp.ColumnDef, number: int) -> tuple[Column, list[Rule]]:
    """Return a column and the constraints that stand behind it.

    Raises: UnsupportedError for a type or constraint that cannot be kept.
    """
    name = node.name
    span = span_of(node.this)
    require_name(name, span)
    if node.args.get("kind") is None:
        raise BindError(f"the column '{name}' has no type", span=span)
    kind = type_of(node.args["kind"], name, span).text
    nullable, default = True, None
    rules: list[Rule] = []
    for constraint in node.args.get("constraints") or ():
        inner = constraint.kind
        if isinstance(inner, exp.NotNullColumnConstraint):
            nullable = bool(inner.args.get("allow_null"))
        elif isinstance(inner, exp.DefaultColumnConstraint):
            default = default_of(inner.this, name)
        else:
            rules.append(_rule(inner, constraint.name or None, (name,), span))
    return Column(number, name, kind, nullable, default), rules


def rules_of(node: exp.Expr) -> list[Rule]:
    """Return the constraints that stand alone in a definition, one or several.

    Raises: UnsupportedError for one that is not enforced.
    """
    if isinstance(node, exp.Constraint):
        name = node.name or None
        return [_rule(part, name, (), span_of(node)) for part in node.expressions]
    return [_rule(node, None, (), span_of(node))]


def type_of(node: exp.Expr, column: str, span: Span | None) -> DataType:
    """Return a type as written.

    Raises: UnsupportedError for one that cannot be stored.
    """
    try:
        return parse_type(str(to_duckdb(node)))
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


def _rule(node: exp.Expr, name: str | None, own: tuple[str, ...], span: Span | None) -> Rule:
    if isinstance(node, exp.CheckColumnConstraint):
        if node.find(exp.Query):
            raise UnsupportedError("a CHECK sees one row, and no query", span=span)
        return Rule("CHECK", own, str(to_duckdb(node.this)), name)
    if isinstance(node, (exp.PrimaryKey, exp.PrimaryKeyColumnConstraint)):
        return Rule("PRIMARY KEY", own or tuple(e.name for e in node.expressions), name=name)
    if isinstance(node, exp.UniqueColumnConstraint) and not node.args.get("nulls"):
        listed = node.this.expressions if isinstance(node.this, exp.Schema) else ()
        return Rule("UNIQUE", own or tuple(e.name for e in listed), name=name)
    raise UnsupportedError(
        f"the constraint {_constraint_name(node)} is not enforced here, so it is not accepted",
        span=span,
        hint="PRIMARY KEY, UNIQUE, NOT NULL, CHECK and DEFAULT are",
    )


def _constraint_name(node: exp.Expr) -> str:
    return {
        "UniqueColumnConstraint": "UNIQUE NULLS NOT DISTINCT",
        "ForeignKey": "FOREIGN KEY",
        "Reference": "REFERENCES",
        "GeneratedAsIdentityColumnConstraint": "GENERATED",
        "ComputedColumnConstraint": "GENERATED",
        "CollateColumnConstraint": "COLLATE",
    }.get(type(node).__name__, type(node).__name__)
