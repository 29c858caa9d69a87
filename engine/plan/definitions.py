"""CREATE, DROP, ALTER and TRUNCATE become plain definitions.

Layer: ``plan``. Invariant: what cannot be kept is refused by name; no clause is dropped silently.
"""

from __future__ import annotations

from dataclasses import replace as replace_
from typing import TYPE_CHECKING

from sqlglot import exp

from engine.catalog import SYSTEM, Column, Table, View
from engine.errors import BindError, UnsupportedError
from engine.plan import nodes
from engine.plan.alterations import altered, retyped
from engine.plan.columndefs import Rule, column_of, rules_of
from engine.plan.columns import find, stored
from engine.plan.constraints import with_rule
from engine.plan.options import with_options
from grammar import span_of, table_options
from grammar.alterations import ChangeType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.analyze import Binder
    from grammar import nodes as statements

ID_DIGITS = 16
"""A table's or view's id is so many random hexadecimal digits."""


class DefinitionPlanner:
    """Plans one statement that changes definitions."""

    def __init__(
        self,
        binder: Binder,
        arity: Callable[[str], list[str]],
        token: Callable[[], str],
        written: str,
    ) -> None:
        """Plan with ``binder``; ``token`` makes fresh ids, ``written`` is the statement's text.

        ``arity`` tells a bound query's column names without running it.
        """
        self._binder = binder
        self._arity = arity
        self._token = token
        self._written = written

    def plan(self, ast: exp.Expr) -> nodes.Plan:
        """Plan any definition.

        Raises: BindError, UnsupportedError, UsageError.
        """
        if isinstance(ast, exp.Create):
            return self._create(ast)
        if isinstance(ast, exp.Drop):
            return self._drop(ast)
        if isinstance(ast, exp.TruncateTable):
            return nodes.Truncate(self._binder.table(ast.expressions[0]))
        if isinstance(ast, exp.Comment):
            return self._comment(ast)
        raise UnsupportedError("this definition is not offered", span=span_of(ast))

    def _create(self, ast: exp.Create) -> nodes.Plan:
        kind = str(ast.kind).upper()
        if _is_temporary(ast):
            raise UnsupportedError(
                "there are no temporary tables or views",
                hint="use WITH name AS (…), or a transaction that is rolled back",
            )
        exists, replace = bool(ast.args.get("exists")), bool(ast.args.get("replace"))
        if kind == "TABLE":
            return self._create_table(ast, if_not_exists=exists, replace=replace)
        if kind == "VIEW":
            return self._create_view(ast, if_not_exists=exists, replace=replace)
        if kind == "SCHEMA":
            name = ast.this.db or ast.this.name
            if name.lower() == SYSTEM:
                raise UnsupportedError(f"the schema {SYSTEM} is kept by the system")
            return nodes.CreateSchema(name, if_not_exists=exists)
        raise UnsupportedError(f"CREATE {kind} is not offered", span=span_of(ast.this))

    def _create_table(
        self, ast: exp.Create, *, if_not_exists: bool, replace: bool
    ) -> nodes.CreateTable:
        ref = ast.this.this if isinstance(ast.this, exp.Schema) else ast.this
        schema, name = self._fresh(ref)
        parts = ast.this.expressions if isinstance(ast.this, exp.Schema) else []
        columns, rules = self._parts(parts)
        options = table_options(ast)
        key_names = _key_option(options)
        query = None
        if ast.expression is not None:
            if columns or rules:
                raise UnsupportedError(
                    "give either columns or AS SELECT, not both",
                    span=span_of(ref),
                    hint="cast in the SELECT to choose the types",
                )
            sql = self._binder.sql(ast.expression)
            query = nodes.Select(sql, tuple(self._binder.sources))
        elif not columns:
            raise BindError(f"the table '{name}' has no columns", span=span_of(ref))
        if key_names and not any(rule.kind == "PRIMARY KEY" for rule in rules):
            rules.append(Rule("PRIMARY KEY", tuple(key_names)))
        table = Table(self._token()[:ID_DIGITS], schema, name, tuple(columns))
        table = with_options(replace_(table, next_column=len(columns) + 1), options)
        if query is None:
            for rule in _one_key(rules):
                table = with_rule(table, rule)
            rules = []
        return nodes.CreateTable(
            table,
            if_not_exists=if_not_exists,
            replace=replace,
            query=query,
            key=rules[0].columns if rules else (),
        )

    def _fresh(self, ref: exp.Table) -> tuple[str, str]:
        schema, name = self._binder.qualify(ref)
        if schema == SYSTEM:
            raise UnsupportedError(f"the schema {SYSTEM} is kept by the system", span=span_of(ref))
        return schema, name

    def _parts(self, parts: Sequence[exp.Expr]) -> tuple[list[Column], list[Rule]]:
        columns: list[Column] = []
        rules: list[Rule] = []
        for part in parts:
            if not isinstance(part, exp.ColumnDef):
                rules += rules_of(part)
                continue
            column, own = column_of(part, len(columns) + 1)
            if any(c.name.lower() == column.name.lower() for c in columns):
                raise BindError(
                    f"the column '{column.name}' is defined twice", span=span_of(part.this)
                )
            columns.append(column)
            rules += own
        return columns, rules

    def _create_view(
        self, ast: exp.Create, *, if_not_exists: bool, replace: bool
    ) -> nodes.CreateView:
        if ast.args.get("materialized") or any(
            isinstance(p, exp.MaterializedProperty) for p in _properties(ast)
        ):
            raise UnsupportedError("materialized views are not offered yet", span=span_of(ast.this))
        ref = ast.this.this if isinstance(ast.this, exp.Schema) else ast.this
        columns = [c.name for c in ast.this.expressions] if isinstance(ast.this, exp.Schema) else []
        schema, name = self._fresh(ref)
        names = self._arity(self._binder.sql(ast.expression))
        if columns and len(columns) != len(names):
            raise BindError(
                f"{len(columns)} columns are named, but the query gives {len(names)}",
                span=span_of(ref),
            )
        replaced = self._binder.replaced_view(schema, name)
        if replaced is not None and replaced.id in self._binder.views:
            raise BindError(f"the view '{name}' would read itself", span=span_of(ref))
        view = View(self._token()[:ID_DIGITS], schema, name, self._written, tuple(columns))
        return nodes.CreateView(view, if_not_exists=if_not_exists, replace=replace)

    def _drop(self, ast: exp.Drop) -> nodes.Drop:
        kind = str(ast.args["kind"]).upper()
        if kind not in ("TABLE", "VIEW", "SCHEMA"):
            raise UnsupportedError(f"DROP {kind} is not offered")
        refs = ast.args.get("tables") or [ast.this]
        if kind == "SCHEMA":
            names = tuple(("", ref.db or ref.name) for ref in refs)
        else:
            names = tuple(self._binder.qualify(ref) for ref in refs)
            if not ast.args.get("exists"):
                self._must_exist(kind, refs)
        return nodes.Drop(kind, names, bool(ast.args.get("exists")), bool(ast.args.get("cascade")))

    def _must_exist(self, kind: str, refs: Sequence[exp.Table]) -> None:
        for ref in refs:
            if kind == "TABLE":
                self._binder.table(ref)
            else:
                self._binder.view(ref)

    def alter(self, node: statements.Alter) -> nodes.AlterTable | nodes.Drop:
        """Plan ALTER TABLE: its actions one after another; a missing table is left, if so asked.

        Raises: BindError, UnsupportedError, UsageError.
        """
        schema, name = self._binder.qualify(node.table)
        if node.if_exists and self._binder.existing(schema, name) is None:
            return nodes.Drop("TABLE", (), if_exists=True, cascade=False)
        table = self._binder.table(node.table)
        after, demands = table, list[nodes.Demand]()
        for action in node.actions:
            if isinstance(action, ChangeType) and action.using is not None:
                return self._retype(table, action, action.using, node)
            after, more = altered(after, action)
            demands += more
        return nodes.AlterTable(table, after, tuple(demands))

    def _retype(
        self, table: Table, action: ChangeType, using: exp.Expr, node: statements.Alter
    ) -> nodes.AlterTable:
        if len(node.actions) > 1:
            raise UnsupportedError("TYPE … USING stands alone in its ALTER TABLE", span=node.span)
        if using.find(exp.Query, exp.AggFunc, exp.Window):
            raise UnsupportedError("USING sees one row at a time", span=span_of(using))
        after, column = retyped(table, action)
        value = stored(f"({self._binder.sql(using)})", column)
        return nodes.AlterTable(table, after, rewrite=((column.id, value),))

    def _comment(self, ast: exp.Comment) -> nodes.AlterTable:
        kind, ref = str(ast.args["kind"]).upper(), ast.this
        text = ast.expression.name or None
        if kind == "TABLE":
            table = self._binder.table(ref)
            return nodes.AlterTable(table, table.evolve(comment=text))
        if kind != "COLUMN" or not isinstance(ref, exp.Column) or not ref.table:
            raise UnsupportedError(
                "tables and columns carry comments",
                span=span_of(ref),
                hint="COMMENT ON COLUMN table.column IS 'text'",
            )
        owner = exp.Table(this=ref.args["table"], db=ref.args.get("db"))
        table = self._binder.table(owner)
        column = find(table, ref.name, span_of(ref.this))
        columns = tuple(
            replace_(c, comment=text) if c.id == column.id else c for c in table.columns
        )
        return nodes.AlterTable(table, table.evolve(columns=columns))


def _one_key(rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules with PRIMARY KEY behind several columns read as one key of them all."""
    keys = [rule for rule in rules if rule.kind == "PRIMARY KEY"]
    if len(keys) < 2:
        return list(rules)
    whole = Rule("PRIMARY KEY", tuple(name for key in keys for name in key.columns))
    return [whole, *(rule for rule in rules if rule.kind != "PRIMARY KEY")]


def _properties(ast: exp.Create) -> list[exp.Expr]:
    holder = ast.args.get("properties")
    return list(holder.expressions) if holder is not None else []


def _is_temporary(ast: exp.Create) -> bool:
    return any(isinstance(p, exp.TemporaryProperty) for p in _properties(ast))


def _key_option(options: dict[str, str | tuple[str, ...]]) -> list[str]:
    given = options.pop("key", ())
    return [n for n in given.split(",") if n] if isinstance(given, str) else list(given)
