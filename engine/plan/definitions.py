"""CREATE, DROP, ALTER and TRUNCATE become plain definitions.

Layer: ``plan``. Invariant: what cannot be kept is refused by name; no clause is dropped silently.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from engine.catalog import SYSTEM, Column, Table, View
from engine.datatypes import parse_type
from engine.errors import BindError, UnsupportedError, UsageError
from engine.plan import nodes
from engine.plan.alterations import altered
from engine.plan.columndefs import column_of, constraint_name
from grammar import span_of, suggest, table_options, to_duckdb

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.analyze import Binder

ID_DIGITS = 16
"""A table's or view's id is so many random hexadecimal digits."""

TABLE_TYPES = ("cow", "hybrid", "mor")


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
        if isinstance(ast, exp.Alter):
            return self._alter(ast)
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
        columns, key_names, checks = self._parts(parts)
        options = _options(ast)
        key_names = key_names or _key_option(options)
        query = None
        if ast.expression is not None:
            if columns or checks:
                raise UnsupportedError(
                    "give either columns or AS SELECT, not both",
                    span=span_of(ref),
                    hint="cast in the SELECT to choose the types",
                )
            sql = self._binder.sql(ast.expression)
            query = nodes.Select(sql, tuple(self._binder.sources))
        elif not columns:
            raise BindError(f"the table '{name}' has no columns", span=span_of(ref))
        if query is not None and key_names:
            options["key"] = ",".join(key_names)
        table = Table(
            self._token()[:ID_DIGITS],
            schema,
            name,
            tuple(columns),
            () if query is not None else key_ids(columns, key_names),
            tuple(checks),
            options,
            len(columns) + 1,
        )
        return nodes.CreateTable(
            require_key(table), if_not_exists=if_not_exists, replace=replace, query=query
        )

    def _fresh(self, ref: exp.Table) -> tuple[str, str]:
        schema, name = self._binder.qualify(ref)
        if schema == SYSTEM:
            raise UnsupportedError(f"the schema {SYSTEM} is kept by the system", span=span_of(ref))
        return schema, name

    def _parts(self, parts: Sequence[exp.Expr]) -> tuple[list[Column], list[str], list[str]]:
        columns: list[Column] = []
        key: list[str] = []
        checks: list[str] = []
        for part in parts:
            if isinstance(part, exp.ColumnDef):
                column, is_key, conditions = column_of(part, len(columns) + 1)
                if any(c.name.lower() == column.name.lower() for c in columns):
                    raise BindError(
                        f"the column '{column.name}' is defined twice", span=span_of(part.this)
                    )
                columns.append(column)
                checks += conditions
                key += [column.name] if is_key else []
                continue
            constraints = part.expressions if isinstance(part, exp.Constraint) else [part]
            for constraint in constraints:
                self._constraint(constraint, key, checks)
        return columns, key, checks

    def _constraint(self, node: exp.Expr, key: list[str], checks: list[str]) -> None:
        if isinstance(node, exp.PrimaryKey):
            key += [e.name for e in node.expressions]
        elif isinstance(node, exp.CheckColumnConstraint):
            checks.append(str(to_duckdb(node.this)))
        else:
            raise UnsupportedError(
                f"the constraint {constraint_name(node)} is not enforced here, so it is not accepted",
                span=span_of(node),
                hint="PRIMARY KEY, NOT NULL, CHECK and DEFAULT are",
            )

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

    def _alter(self, ast: exp.Alter) -> nodes.AlterTable:
        table = self._binder.table(ast.this)
        after, conditions = table, []
        for action in ast.args["actions"]:
            after, condition = altered(after, action)
            conditions += [condition] if condition else []
        return nodes.AlterTable(table, after, tuple(conditions))

    def _comment(self, ast: exp.Comment) -> nodes.AlterTable:
        if str(ast.args["kind"]).upper() != "TABLE":
            raise UnsupportedError("only tables carry comments", span=span_of(ast.this))
        table = self._binder.table(ast.this)
        text = ast.expression.name if isinstance(ast.expression, exp.Literal) else None
        return nodes.AlterTable(table, table.evolve(comment=text), verb="COMMENT")


def key_ids(columns: Sequence[Column], names: Sequence[str]) -> tuple[int, ...]:
    """Return the ids of the key's columns.

    Raises: BindError for an unknown one.
    """
    ids = []
    for name in names:
        found = next((c for c in columns if c.name.lower() == name.lower()), None)
        if found is None:
            best = suggest(name, [c.name for c in columns])
            raise BindError(
                f"the key names '{name}', which is not a column",
                hint=f"did you mean '{best}'?" if best else None,
            )
        if parse_type(found.type).is_nested or found.type == "INTERVAL":
            raise UnsupportedError(f"'{name}' cannot be a key: its type is {found.type}")
        if found.id in ids:
            raise BindError(f"the key names '{name}' twice")
        ids.append(found.id)
    return tuple(ids)


def require_key(table: Table) -> Table:
    """Return the table with its key columns NOT NULL, as a primary key implies."""
    columns = tuple(
        replace(c, nullable=c.nullable and c.id not in table.key) for c in table.columns
    )
    return replace(table, columns=columns)


def _properties(ast: exp.Create) -> list[exp.Expr]:
    holder = ast.args.get("properties")
    return list(holder.expressions) if holder is not None else []


def _is_temporary(ast: exp.Create) -> bool:
    return any(isinstance(p, exp.TemporaryProperty) for p in _properties(ast))


def _options(ast: exp.Create) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, value in table_options(ast).items():
        if name == "key":
            options["key"] = value if isinstance(value, str) else ",".join(value)
        elif name == "type" and isinstance(value, str):
            options["type"] = _table_type(value.lower())
        else:
            raise UsageError(
                f"'{name}' is not an option of a table", hint="the options are: type, key"
            )
    return options


def _table_type(word: str) -> str:
    if word not in TABLE_TYPES:
        raise UsageError(
            f"'{word}' is not a type of table", hint=f"one of: {', '.join(TABLE_TYPES)}"
        )
    return word


def _key_option(options: dict[str, str]) -> list[str]:
    return [n for n in options.pop("key", "").split(",") if n]
