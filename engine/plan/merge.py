"""The WHEN clauses of MERGE, as SQL.

Layer: ``plan``. Invariant: the first clause whose condition holds decides about a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from engine.errors import BindError, UnsupportedError
from engine.plan.columns import assigned, default_sql, find, nulls, stored, value_sql
from engine.plan.nodes import OP_DELETE, OP_INSERT, OP_UPDATE
from engine.plan.text import ident
from grammar import span_of, to_duckdb

if TYPE_CHECKING:
    from engine.catalog import Column, Table


class Branch:
    """One WHEN of a MERGE, as SQL."""

    def __init__(
        self, condition: str, op: str, values: dict[int, str], *, matched: bool, by_source: bool
    ) -> None:
        self.condition = condition
        self.op = op
        self.matched = matched
        self.by_source = by_source
        self._values = values

    def column(self, column: Column) -> str:
        """Return this branch's part of the CASE that computes a column."""
        return f"WHEN {self.condition} THEN {stored(self._values[column.id], column)}"


def branch_of(table: Table, when: exp.When, alias: str, source: str) -> Branch:
    """Return a WHEN as SQL over the target ``alias`` and the ``source``.

    Raises: BindError, UnsupportedError.
    """
    matched = bool(when.args.get("matched"))
    by_source = bool(when.args.get("source"))
    there, here = f"{ident(alias)}._pos", f"{ident(source)}._from_source"
    if matched:
        condition = f"({there} IS NOT NULL AND {here})"
    elif by_source:
        condition = f"({here} IS NULL)"
    else:
        condition = f"({there} IS NULL)"
    extra = when.args.get("condition")
    if extra is not None:
        condition = f"({condition} AND ({to_duckdb(extra)}))"
    op, values = _action(table, when.args["then"], alias, source)
    return Branch(condition, op, values, matched=matched, by_source=by_source)


def _action(table: Table, then: exp.Expr, alias: str, source: str) -> tuple[str, dict[int, str]]:
    old = {c.id: f"{ident(alias)}.{ident(c.name)}" for c in table.columns}
    star = {c.id: f"{ident(source)}.{ident(c.name)}" for c in table.columns}
    if isinstance(then, exp.Update):
        if not then.expressions or any(isinstance(e, exp.Star) for e in then.expressions):
            return str(OP_UPDATE), star
        new = {c.id: value_sql(c, v) for c, v in assigned(table, then.expressions)}
        return str(OP_UPDATE), {**old, **new}
    if isinstance(then, exp.Insert):
        if isinstance(then.this, exp.Star) or (then.this is None and not then.expression):
            return str(OP_INSERT), star
        names = then.this.expressions if then.this is not None else ()
        columns = [find(table, n.name, span_of(n)) for n in names] or list(table.columns)
        values = then.expression.expressions
        if len(columns) != len(values):
            raise BindError(f"{len(values)} values for {len(columns)} columns", span=span_of(then))
        given = {c.id: value_sql(c, v) for c, v in zip(columns, values, strict=True)}
        return str(OP_INSERT), {**{c.id: default_sql(c) for c in table.columns}, **given}
    word = then.name.upper()
    if word == "DELETE":
        return str(OP_DELETE), old
    if word in ("DO NOTHING", "NOTHING"):
        return "NULL", nulls(table)
    raise UnsupportedError(f"MERGE cannot {word}", span=span_of(then))
