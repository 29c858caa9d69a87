"""Statements so plain that no relational engine is needed: their shape, read off the tree.

Layer: ``plan``. Invariant: a shape says all that its statement says; whatever it has no place for
makes the statement no shape at all. Whether names and values fit is seen later, against a table.

    INSERT INTO t [(a, b)] VALUES (…), …         UPSERT INTO t [(a, b)] VALUES (…), …
    SELECT *|a, b AS c|count(*) FROM t [WHERE key = …]        DELETE FROM t WHERE key = …
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlglot import exp

from engine.plan.columns import values_of
from grammar import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_VALUES = 100_000
"""Longer lists of values are left to the relational engine."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that comes with the statement, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written in the statement: None, a truth value, a whole number, a Decimal, text."""

    value: object


Slot = Parameter | Constant


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to add; with ``replace``, to put in the place of those with their keys."""

    schema: str | None
    table: str
    columns: tuple[str, ...]
    values: tuple[tuple[Slot, ...], ...]
    replace: bool

    @property
    def verb(self) -> str:
        """What the statement says it does."""
        return "UPSERT" if self.replace else "INSERT"


@dataclass(frozen=True, slots=True)
class Lookup:
    """Columns, under the names they are shown by, of all rows or of the one with a key.

    ``columns`` are None for all of them, empty for the number of rows.
    """

    schema: str | None
    table: str
    columns: tuple[tuple[str, str | None], ...] | None
    key: tuple[tuple[str, Slot], ...]
    counted: str = ""
    verb: str = "SELECT"


@dataclass(frozen=True, slots=True)
class Removal:
    """The row with a key, to be removed."""

    schema: str | None
    table: str
    key: tuple[tuple[str, Slot], ...]
    verb: str = "DELETE"


Shape = Rows | Lookup | Removal


def shape_of(statement: nodes.Statement) -> Shape | None:
    """Return the shape of a statement, or None when it has none of these."""
    match statement:
        case nodes.Query(ast=exp.Select() as ast):
            return _lookup(ast)
        case nodes.Write(ast=exp.Insert() as ast):
            return _insert(ast)
        case nodes.Write(ast=exp.Delete() as ast):
            return _delete(ast)
        case nodes.Upsert(key=(), returning=(), by_name=False):
            return _rows(statement.table, statement.columns, statement.source, replace=True)
        case _:
            return None


def _said(node: exp.Expr) -> set[str]:
    """Return the parts of a node that say something."""
    return {name for name, value in node.args.items() if value}


def _table(ref: exp.Expr | None) -> tuple[str | None, str] | None:
    if not isinstance(ref, exp.Table) or not _said(ref) <= {"this", "db"}:
        return None
    if not isinstance(ref.this, exp.Identifier):
        return None
    return (ref.db.lower() or None), ref.name


def _insert(ast: exp.Insert) -> Rows | None:
    if not _said(ast) <= {"this", "expression"}:
        return None
    ref = ast.this
    names: tuple[exp.Expr, ...] = ()
    if isinstance(ref, exp.Schema):
        ref, names = ref.this, tuple(ref.expressions)
    if not all(isinstance(n, exp.Identifier) for n in names):
        return None
    return _rows(ref, tuple(n.name for n in names), ast.expression, replace=False)


def _rows(
    ref: exp.Expr, columns: tuple[str, ...], source: exp.Expr | None, *, replace: bool
) -> Rows | None:
    where, values = _table(ref), None if source is None else values_of(source)
    if where is None or values is None or not _said(values) <= {"expressions"}:
        return None
    rows: list[tuple[Slot, ...]] = []
    for row in values.expressions:
        if not isinstance(row, exp.Tuple) or len(rows) * len(row.expressions) > MAX_VALUES:
            return None
        slots = [_slot(value) for value in row.expressions]
        if None in slots or (rows and len(slots) != len(rows[0])):
            return None
        rows.append(tuple(slot for slot in slots if slot is not None))
    return Rows(*where, columns, tuple(rows), replace) if rows else None


def _delete(ast: exp.Delete) -> Removal | None:
    where = _table(ast.this)
    if where is None or not _said(ast) <= {"this", "where"} or not ast.args.get("where"):
        return None
    key = _key(ast.args["where"].this, where[1])
    return None if key is None else Removal(*where, key)


def _lookup(ast: exp.Select) -> Lookup | None:
    if not _said(ast) <= {"expressions", "from_", "where"} or not ast.args.get("from_"):
        return None
    source = ast.args["from_"]
    where = _table(source.this) if _said(source) == {"this"} else None
    if where is None:
        return None
    condition = ast.args.get("where")
    key = () if condition is None else _key(condition.this, where[1])
    if key is None:
        return None
    counted = _count(ast.expressions)
    if counted:
        return None if key else Lookup(*where, (), (), counted)
    if len(ast.expressions) == 1 and isinstance(ast.expressions[0], exp.Star):
        return None if _said(ast.expressions[0]) else Lookup(*where, None, key)
    columns = _columns(ast.expressions, where[1])
    return None if columns is None else Lookup(*where, columns, key)


def _count(expressions: list[exp.Expr]) -> str:
    """Return the name of a single ``count(*)``, or nothing."""
    if len(expressions) != 1:
        return ""
    found, name = expressions[0], "count_star()"
    if isinstance(found, exp.Alias):
        found, name = found.this, found.alias
    whole = isinstance(found, exp.Count) and not found.expressions
    return name if whole and (found.this is None or isinstance(found.this, exp.Star)) else ""


def _columns(
    expressions: Iterable[exp.Expr], table: str
) -> tuple[tuple[str, str | None], ...] | None:
    out = []
    for expression in expressions:
        column, shown = expression, None
        if isinstance(expression, exp.Alias):
            column, shown = expression.this, expression.alias
        name = _column(column, table)
        if name is None:
            return None
        out.append((name, shown))
    return tuple(out)


def _column(node: exp.Expr, table: str) -> str | None:
    if not isinstance(node, exp.Column) or not isinstance(node.this, exp.Identifier):
        return None
    if not _said(node) <= {"this", "table"} or (node.table and node.table.lower() != table.lower()):
        return None
    return str(node.name)


def _key(condition: exp.Expr, table: str) -> tuple[tuple[str, Slot], ...] | None:
    """Return the columns that a condition fixes, if it does nothing else."""
    found = []
    for part in condition.flatten() if isinstance(condition, exp.And) else (condition,):
        if not isinstance(part, exp.EQ):
            return None
        name, slot = _column(part.this, table), _slot(part.expression)
        if name is None:
            name, slot = _column(part.expression, table), _slot(part.this)
        if name is None or slot is None:
            return None
        found.append((name, slot))
    return tuple(found)


def _slot(node: exp.Expr) -> Slot | None:
    match node:
        case exp.Placeholder():
            return Parameter(node.name)
        case exp.Null():
            return Constant(None)
        case exp.Boolean():
            return Constant(bool(node.this))
        case exp.Literal():
            return _literal(node.name, text=node.is_string, sign=1)
        case exp.Neg(this=exp.Literal(is_string=False) as number):
            return _literal(number.name, text=False, sign=-1)
        case _:
            return None


def _literal(written: str, *, text: bool, sign: int) -> Slot | None:
    if text:
        return Constant(written)
    if written.isdecimal() and written.isascii():
        return Constant(sign * int(written))
    whole, dot, rest = written.partition(".")
    if dot and (whole + rest).isdecimal() and (whole + rest).isascii():
        return Constant(sign * Decimal(written))
    return None
