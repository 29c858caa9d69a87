"""INSERT, UPSERT, UPDATE, DELETE and MERGE become one shape: a query for the rows to write.

Layer: ``plan``. Invariant: every plan made here yields ``_op, _file, _pos, _rid`` and then all columns
of the target in wire types, so one piece of code applies them all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from sqlglot import exp

from engine.datatypes import parse_type
from engine.errors import BindError, UnsupportedError
from engine.plan.columns import (
    assigned,
    columns_sql,
    default_sql,
    find,
    given_values,
    named,
    nulls,
    stored,
    value_sql,
    width,
)
from engine.plan.conflicts import conflict_keys, unless_there
from engine.plan.merge import branch_of
from engine.plan.nodes import OP_DELETE, OP_INSERT, OP_UPDATE, RowWrite
from engine.plan.text import comma, ident
from engine.storage import families
from grammar import span_of, to_duckdb

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.analyze import Binder, TableSource
    from engine.catalog import Column, Table
    from grammar.nodes import Upsert

_SOURCE = "_src"
_ADDRESS = ("_cv", "_file", "_pos", "_rid")
_HIDDEN = "{t}._file AS _file, {t}._pos AS _pos, {t}._rid AS _rid"
_NOWHERE = "NULL::INTEGER AS _file, NULL::BIGINT AS _pos, NULL::BIGINT AS _rid"


class RowPlanner:
    """Plans one statement that writes rows."""

    def __init__(self, binder: Binder, arity: Callable[[str], list[str]]) -> None:
        """Plan with ``binder``; ``arity`` tells a bound query's column names without running it."""
        self._binder = binder
        self._arity = arity

    def insert(self, ast: exp.Insert) -> RowWrite:
        """Plan INSERT in all its forms.

        Raises: BindError, UnsupportedError.
        """
        ref, columns = _target_of(ast.this)
        target = self._binder.target(ref)
        table = target.table
        conflict = ast.args.get("conflict")
        alternative = str(ast.args.get("alternative") or "").upper()
        if conflict is not None or alternative:
            return self._insert_or(ast, target, columns, alternative)
        source, given = self._source(table, _query(ast), columns, by_name=_by_name(ast))
        values = {c.id: f"{_SOURCE}.{ident(g)}" for g, c in given}
        if not ast.args.get("returning") and _by_words(table):
            return self._unaddressed("INSERT", target, values, source)
        sql = f"SELECT {OP_INSERT} AS _op, {_NOWHERE}, {columns_sql(table, values)} FROM {source}"  # noqa: S608
        return self._row_write("INSERT", target, sql, ast, unique=bool(table.key))

    def upsert(self, node: Upsert) -> RowWrite:
        """Plan UPSERT: rows whose key is present replace, the others are added.

        Raises: BindError when there is no key.
        """
        target = self._binder.target(node.table)
        key = self._key(target.table, node.key, node.table)
        given_names = tuple(exp.to_identifier(name) for name in node.columns)
        source, given = self._source(target.table, node.source, given_names, by_name=node.by_name)
        whole = tuple(key) == target.table.key_columns and len(given) == len(target.table.columns)
        if whole and not node.returning and _by_words(target.table):
            values = {c.id: f"{_SOURCE}.{ident(g)}" for g, c in given}
            return self._unaddressed("UPSERT", target, values, source)
        sql = self._upsert_sql(target, source, given, key)
        returning = self._returning(node.returning, target.table.name)
        return RowWrite(
            "UPSERT",
            target,
            sql,
            tuple(self._binder.sources),
            unique=bool(target.table.key) and tuple(key) != target.table.key_columns,
            distinct=tuple(k.name for k in key),
            once="two rows of the UPSERT have the same key",
            returning=returning,
        )

    def update(self, ast: exp.Update) -> RowWrite:
        """Plan UPDATE, with FROM or without.

        Raises: BindError for an unknown or repeated column.
        """
        target = self._binder.target(ast.this)
        table = target.table
        alias = ast.this.alias or ast.this.name
        bound = self._bind_rest(ast)
        sets = self._assignments(table, ast.expressions)
        old = {c.id: f"{ident(alias)}.{ident(c.name)}" for c in table.columns}
        new = {c.id: value_sql(c, value) for c, value in assigned(table, bound.expressions)}
        sql = (
            f"{self._with(bound)}SELECT {OP_UPDATE} AS _op, {_HIDDEN.format(t=ident(alias))}, "  # noqa: S608
            f"{columns_sql(table, {**old, **new})} FROM {ident(target.name)} AS {ident(alias)}"
            f"{_from(bound.args.get('from_'))}{_where(bound)}"
        )
        if bound.args.get("from_"):
            sql += _first_match(alias)
        touches_key = any(c.id in table.key for c in sets)
        plan = self._row_write("UPDATE", target, sql, ast, unique=touches_key)
        return replace(plan, kept=frozenset(c.id for c in table.columns if c not in sets))

    def delete(self, ast: exp.Delete) -> RowWrite:
        """Plan DELETE, with USING or without."""
        target = self._binder.target(ast.this)
        table = target.table
        alias = ast.this.alias or ast.this.name
        bound = self._bind_rest(ast)
        old = {c.id: f"{ident(alias)}.{ident(c.name)}" for c in table.columns}
        shown = columns_sql(table, old if ast.args.get("returning") else nulls(table))
        using = "".join(f", {to_duckdb(u)}" for u in bound.args.get("using") or ())
        sql = (
            f"{self._with(bound)}SELECT {OP_DELETE} AS _op, {_HIDDEN.format(t=ident(alias))}, {shown} "  # noqa: S608
            f"FROM {ident(target.name)} AS {ident(alias)}{using}{_where(bound)}"
        )
        if using:
            sql += _first_match(alias)
        return self._row_write("DELETE", target, sql, ast, unique=False)

    def merge(self, ast: exp.Merge) -> RowWrite:
        """Plan MERGE: the first WHEN whose condition holds decides about a row.

        Raises: BindError, UnsupportedError.
        """
        target = self._binder.target(ast.this)
        alias = ast.this.alias or ast.this.name
        bound = self._bind_rest(ast)
        using = bound.args["using"]
        source_alias = using.alias or "_using"
        on = to_duckdb(bound.args["on"]) if bound.args.get("on") else None
        if on is None:
            raise UnsupportedError("MERGE needs ON and a condition", span=span_of(ast.this))
        branches = [
            branch_of(target.table, when, alias, source_alias)
            for when in bound.args["whens"].expressions
        ]
        kinds = {(b.matched, b.by_source) for b in branches}
        join = "FULL" if (False, True) in kinds else "LEFT"
        clause = " ".join(f"WHEN {b.condition} THEN {b.op}" for b in branches)
        columns = comma(
            f"CASE {' '.join(b.column(c) for b in branches)} END AS {ident(c.name)}"
            for c in target.table.columns
        )
        sql = (
            f"{self._with(bound)}SELECT * FROM (SELECT CASE {clause} END AS _op, "  # noqa: S608
            f"{_HIDDEN.format(t=ident(alias))}, {columns} "
            f"FROM (SELECT *, true AS _from_source FROM {to_duckdb(using)}) AS {ident(source_alias)} "
            f"{join} JOIN {ident(target.name)} AS {ident(alias)} ON {on}) WHERE _op IS NOT NULL"
        )
        plan = self._row_write("MERGE", target, sql, ast, unique=bool(target.table.key))
        return RowWrite(
            plan.verb,
            plan.target,
            plan.sql,
            plan.sources,
            plan.unique,
            plan.distinct,
            once="a row of the target matches more than one row of the source",
            returning=plan.returning,
        )

    def _unaddressed(
        self, verb: str, target: TableSource, values: dict[int, str], source: str
    ) -> RowWrite:
        """Plan rows that look for their places by their keys."""
        sql = f"SELECT {columns_sql(target.table, values)} FROM {source}"  # noqa: S608
        sources = tuple(s for s in self._binder.sources if s is not target)
        return RowWrite(verb, target, sql, sources, unique=bool(target.table.key), addressed=False)

    def _insert_or(
        self, ast: exp.Insert, target: TableSource, columns: Sequence[exp.Identifier], word: str
    ) -> RowWrite:
        """Plan ON CONFLICT and INSERT OR REPLACE/IGNORE by way of the key."""
        table = target.table
        conflict = ast.args.get("conflict")
        keys = conflict_keys(table, conflict) if conflict is not None else []
        keys = keys or [list(table.columns_of(u.columns)) for u in table.distinct]
        key = keys[0] if keys else self._key(table, (), ast.this)
        source, given = self._source(table, _query(ast), columns, by_name=_by_name(ast))
        action = str(conflict.args.get("action") or "").upper() if conflict else ""
        if word == "IGNORE" or action == "DO NOTHING":
            values = {c.id: f"{_SOURCE}.{ident(g)}" for g, c in given}
            sql = (
                f"SELECT {OP_INSERT} AS _op, {_NOWHERE}, {columns_sql(table, values)} FROM {source}"  # noqa: S608
                f"{unless_there(target.name, keys or [key], values)}"
            )
            return self._row_write("INSERT", target, sql, ast, unique=bool(table.key))
        if conflict is not None and conflict.expressions:
            sql = self._on_conflict_update(ast, target, source, given, key)
        else:
            sql = self._upsert_sql(target, source, given, key)
        plan = self._row_write("INSERT", target, sql, ast, unique=bool(table.key))
        return RowWrite(
            plan.verb,
            plan.target,
            plan.sql,
            plan.sources,
            unique=bool(table.key),
            distinct=tuple(k.name for k in key),
            once="two rows of the INSERT have the same key",
            returning=plan.returning,
        )

    def _on_conflict_update(
        self,
        ast: exp.Insert,
        target: TableSource,
        source: str,
        given: list[tuple[str, Column]],
        key: Sequence[Column],
    ) -> str:
        """DO UPDATE SET …: bare columns are the table's, ``excluded`` is the new row."""
        table = target.table
        alias = _alias(ast)
        conflict = self._binder.bind(ast.args["conflict"])
        for name in conflict.find_all(exp.Column):
            inside = name.find_ancestor(exp.Query) is not None
            if not name.table and not inside and not isinstance(name.parent, exp.OnConflict):
                name.set("table", exp.to_identifier(alias, quoted=True))
        new = {c.id: value_sql(c, v) for c, v in assigned(table, conflict.expressions)}
        by_id = {c.id: g for g, c in given}
        parts = []
        for column in table.columns:
            fresh = (
                f"excluded.{ident(by_id[column.id])}" if column.id in by_id else default_sql(column)
            )
            old = new.get(column.id, f"{ident(alias)}.{ident(column.name)}")
            both = f"CASE WHEN {ident(alias)}._pos IS NULL THEN {fresh} ELSE {old} END"
            parts.append(f"{stored(both, column)} AS {ident(column.name)}")
        on = " AND ".join(
            f"excluded.{ident(_given(k, given))} = {ident(alias)}.{ident(k.name)}" for k in key
        )
        renamed = source.removesuffix(_SOURCE) + "excluded"
        where = conflict.args.get("where")
        keep = f" WHERE {ident(alias)}._pos IS NULL OR ({to_duckdb(where.this)})" if where else ""
        return (
            f"SELECT CASE WHEN {ident(alias)}._pos IS NULL THEN {OP_INSERT} ELSE {OP_UPDATE} END AS _op, "  # noqa: S608
            f"{_HIDDEN.format(t=ident(alias))}, {comma(parts)} FROM {renamed} "
            f"LEFT JOIN {ident(target.name)} AS {ident(alias)} ON {on}{keep}"
        )

    def _upsert_sql(
        self,
        target: TableSource,
        source: str,
        given: list[tuple[str, Column]],
        key: Sequence[Column],
    ) -> str:
        by_id = {c.id: f"{_SOURCE}.{ident(g)}" for g, c in given}
        parts = []
        for column in target.table.columns:
            if column.id in by_id:
                value = by_id[column.id]
            else:
                value = (
                    f"CASE WHEN _t._pos IS NULL THEN {default_sql(column)} "
                    f"ELSE _t.{ident(column.name)} END"
                )
            parts.append(f"{stored(value, column)} AS {ident(column.name)}")
        return (
            f"SELECT CASE WHEN _t._pos IS NULL THEN {OP_INSERT} ELSE {OP_UPDATE} END AS _op, "  # noqa: S608
            f"{_HIDDEN.format(t='_t')}, {comma(parts)} FROM {source} "
            f"LEFT JOIN {ident(target.name)} AS _t ON {_match(key, given)}"
        )

    def _source(
        self,
        table: Table,
        query: exp.Expr | None,
        columns: Sequence[exp.Identifier],
        *,
        by_name: bool,
    ) -> tuple[str, list[tuple[str, Column]]]:
        """Return the source as SQL, and which of its columns feeds which of the table's."""
        if query is None:
            return f"(SELECT 1) AS {_SOURCE}", []
        listed = named(table, columns) if columns else list(table.columns)
        sql = self._binder.sql(given_values(query, listed))
        names = (not by_name and width(query)) or self._arity(sql)
        chosen = named(table, [exp.to_identifier(n) for n in names]) if by_name else listed
        if len(names) != len(chosen):
            what = "columns are listed" if columns else f"columns are in {table.qualified}"
            raise BindError(
                f"{len(names)} values for each row, but {len(chosen)} {what}",
                span=span_of(query),
                hint=f"the columns are: {', '.join(c.name for c in chosen[:12])}",
                code="SEMANTIC_009",
            )
        aliases = [c.name for c in chosen]
        typed = comma(
            f"CAST({ident(a)} AS {parse_type(c.type).text}) AS {ident(a)}"
            for a, c in zip(aliases, chosen, strict=True)
        )
        text = f"(SELECT {typed} FROM ({sql}) AS _given({comma(ident(a) for a in aliases)})) AS {_SOURCE}"  # noqa: S608
        return text, list(zip(aliases, chosen, strict=True))

    def _key(self, table: Table, names: Sequence[str], ref: exp.Expr) -> list[Column]:
        if names:
            return [find(table, name, span_of(ref)) for name in names]
        if not table.key:
            raise BindError(
                f"{table.qualified} has no primary key",
                span=span_of(ref),
                hint="name the key: UPSERT INTO t … KEY (id), or create the table with a PRIMARY KEY",
                code="SEMANTIC_010",
            )
        return list(table.key_columns)

    def _assignments(self, table: Table, pairs: Sequence[exp.Expr]) -> list[Column]:
        seen: list[Column] = []
        for column, value in assigned(table, pairs):
            if column in seen:
                raise BindError(f"'{column.name}' is set twice", span=span_of(value))
            seen.append(column)
        return seen

    def _bind_rest(self, ast: exp.Expr) -> exp.Expr:
        """Bind everything of a statement but its target and RETURNING."""
        for column in ast.find_all(exp.Column):
            if column.name.lower() in _ADDRESS and column.find_ancestor(exp.Query) is None:
                raise BindError(
                    f"there is no column '{column.name}' here",
                    span=span_of(column.this),
                    code="SEMANTIC_004",
                )
        rest = ast.copy()
        rest.args["this"] = exp.to_identifier("_target")
        rest.set("returning", None)
        return self._binder.bind(rest)

    def _with(self, bound: exp.Expr) -> str:
        scope = bound.args.get("with_")
        return f"{to_duckdb(scope)} " if scope else ""

    def _returning(self, expressions: Sequence[exp.Expr], alias: str) -> str | None:
        if not expressions:
            return None
        shown = comma(self._binder.sql(e) for e in expressions)
        return f"SELECT {shown} FROM _returned AS {ident(alias)}"  # noqa: S608

    def _row_write(
        self, verb: str, target: TableSource, sql: str, ast: exp.Expr, *, unique: bool
    ) -> RowWrite:
        clause = ast.args.get("returning")
        returning = self._returning(clause.expressions if clause else (), _alias(ast))
        sources = tuple(self._binder.sources)
        return RowWrite(verb, target, sql, sources, unique=unique, returning=returning)


def _by_words(table: Table) -> bool:
    """Say whether rows of a table find their places by their keys alone, or need none."""
    types = [parse_type(c.type) for c in table.key_columns]
    return not table.uniques and (not types or families(types) is not None)


def _match(key: Sequence[Column], given: list[tuple[str, Column]]) -> str:
    return " AND ".join(f"{_SOURCE}.{ident(_given(k, given))} = _t.{ident(k.name)}" for k in key)


def _given(key: Column, given: list[tuple[str, Column]]) -> str:
    for name, column in given:
        if column.id == key.id:
            return name
    raise BindError(f"the key column '{key.name}' is not among the columns given")


def _target_of(this: exp.Expr) -> tuple[exp.Table, list[exp.Identifier]]:
    if isinstance(this, exp.Schema):
        return cast("exp.Table", this.this), list(this.expressions)
    return cast("exp.Table", this), []


def _query(ast: exp.Insert) -> exp.Expr | None:
    """Return what an INSERT takes its rows from, with the WITH that may stand before INSERT."""
    query: exp.Expr | None = ast.expression
    scope = ast.args.get("with_")
    if query is not None and scope is not None and not query.args.get("with_"):
        query = query.copy()
        query.set("with_", scope.copy())
    return query


def _alias(ast: exp.Expr) -> str:
    """Return what a statement calls its target."""
    ref = ast.this.this if isinstance(ast.this, exp.Schema) else ast.this
    return str(ref.alias or ref.name)


def _by_name(ast: exp.Expr) -> bool:
    return bool(ast.args.get("by_name"))


def _from(clause: exp.From | None) -> str:
    return f", {to_duckdb(clause.this)}" if clause is not None else ""


def _where(bound: exp.Expr) -> str:
    where = bound.args.get("where")
    return f" WHERE {to_duckdb(where.this)}" if where is not None else ""


def _first_match(alias: str) -> str:
    """Take one match of each row, as UPDATE … FROM and DELETE … USING promise."""
    rows = f"{ident(alias)}._file, {ident(alias)}._pos"
    return f" QUALIFY row_number() OVER (PARTITION BY {rows}) = 1"
