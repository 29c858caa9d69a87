"""Names become sources: every table reference is resolved, in its scope and at its point in time.

Layer: ``analyze``. Invariant: after ``bind`` a tree refers to nothing but the sources listed beside
it; columns and functions are left to the relational engine, whose complaints ``blame`` translates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sqlglot import exp

from engine.analyze import functions
from engine.analyze.sources import (
    RESERVED,
    BlobSource,
    ChangeSource,
    FileSource,
    Source,
    SystemSource,
    TableSource,
    ViewSource,
)
from engine.catalog import MAIN, SYSTEM
from engine.errors import BindError, LanguageError, UnsupportedError
from grammar import parse, span_of, suggest, to_duckdb
from grammar.nodes import Define
from grammar.timetravel import AsOf, Between, clear_time, time_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.catalog import Blob, Catalog, Table, View
    from grammar.timetravel import Point

SYSTEM_RELATIONS = (
    "blobs",
    "branch_changes",
    "branches",
    "columns",
    "constraints",
    "files",
    "migrations",
    "indexes",
    "schemas",
    "snapshots",
    "table_layout",
    "table_history",
    "tables",
    "timeline",
    "views",
    "watermarks",
)
MAX_VIEW_DEPTH = 32
BLOB_PREFIX = "blob:"
"""What a file's name begins with when the file is a blob."""


class Surroundings(Protocol):
    """What a statement is bound in: a state, a default schema, and a way to reach other states."""

    @property
    def catalog(self) -> Catalog:
        """The names of the present."""
        ...

    @property
    def schema(self) -> str:
        """The schema that bare names belong to."""
        ...

    @property
    def version(self) -> int:
        """The version of the present."""
        ...

    def catalog_at(self, point: Point) -> Catalog:
        """Return the catalog at a point in time."""
        ...

    def version_of(self, point: Point) -> int:
        """Return the version a point in time stands for."""
        ...

    def reader_of(self, path: str) -> str | None:
        """Return the reader for a file of this name, or None when it is no file's name."""
        ...


@dataclass
class Bound:
    """A tree whose table references are sources, in the order they must be made."""

    ast: exp.Expr
    sources: list[Source] = field(default_factory=list)


class Binder:
    """Binds the parts of one statement; source names are unique within it."""

    def __init__(self, around: Surroundings) -> None:
        """Bind in these surroundings."""
        self._around = around
        self.sources: list[Source] = []
        self.views: set[str] = set()
        self._inside: tuple[str, ...] = ()

    def bind(self, ast: exp.Expr) -> exp.Expr:
        """Return a copy of ``ast`` that reads from ``sources`` only.

        Raises: BindError for an unknown name, UnsupportedError for a forbidden function.
        """
        functions.check(ast)
        _check_names(ast)
        root = ast.copy()
        for table in list(root.find_all(exp.Table)):
            if not _is_cte(table):
                self._bind_table(table)
        for column in root.find_all(exp.Column):
            _unqualify(column)
        for call in list(root.find_all(exp.Anonymous)):
            if functions.function_name(call) == functions.BLOB_CONTENT:
                value = self._blob_content(call)
                if call.arg_key == "expressions" and isinstance(call.parent, exp.Select):
                    value = exp.alias_(value, functions.BLOB_CONTENT, quoted=True)
                call.replace(value)
        return root

    def sql(self, ast: exp.Expr) -> str:
        """Return ``ast`` bound and lowered."""
        return str(to_duckdb(self.bind(ast)))

    def target(self, ref: exp.Table) -> TableSource:
        """Resolve the table a statement writes to; its rows can be addressed.

        Raises: BindError, UnsupportedError when it is a view, a file or a point in the past.
        """
        table = self.table(ref)
        source = TableSource(self._name(), table, self._around.catalog, hidden=True)
        self.sources.append(source)
        return source

    def table(self, ref: exp.Table) -> Table:
        """Resolve a table by name at the present, as DDL and DML need it.

        Raises: BindError, UnsupportedError.
        """
        if time_of(ref) is not None:
            raise UnsupportedError("the past cannot be written to", span=span_of(ref))
        schema, name = self.qualify(ref)
        if schema == SYSTEM:
            raise UnsupportedError(
                f"{SYSTEM}.{name} is kept by the system; it cannot be changed", span=span_of(ref)
            )
        catalog = self._around.catalog
        table = catalog.table(schema, name)
        if table is None:
            if catalog.view(schema, name) is not None:
                raise UnsupportedError(f"{name} is a view, not a table", span=span_of(ref))
            raise self._unknown(ref, schema, name, catalog)
        return table

    def view(self, ref: exp.Table) -> View:
        """Resolve a view by name at the present.

        Raises: BindError.
        """
        schema, name = self.qualify(ref)
        catalog = self._around.catalog
        view = catalog.view(schema, name)
        if view is None:
            there = catalog.table(schema, name) is not None
            best = suggest(name, [v.name for v in catalog.views()])
            raise BindError(
                f"{name} is a table, not a view" if there else f"there is no view '{name}'",
                span=span_of(ref),
                hint=f"did you mean '{best}'?" if best else None,
            )
        return view

    def replaced_view(self, schema: str, name: str) -> View | None:
        """Return the view of that name, or None."""
        return self._around.catalog.view(schema, name)

    def existing(self, schema: str, name: str) -> Table | None:
        """Return the table of that name, or None."""
        return self._around.catalog.table(schema, name)

    def qualify(self, ref: exp.Table) -> tuple[str, str]:
        """Return the schema and name a reference means, without looking it up."""
        if ref.catalog:
            raise BindError(
                "names have at most two parts: schema.table", span=span_of(ref), code="SEMANTIC_002"
            )
        return (ref.db.lower() if ref.db else self._around.schema), ref.name

    def _name(self) -> str:
        return f"{RESERVED}s{len(self.sources)}"

    def _bind_table(self, ref: exp.Table) -> None:
        if isinstance(ref.this, exp.Identifier):
            alias = ref.name
            source = self._resolve(ref)
        elif (name := functions.function_name(ref.this)) in functions.FILE_FUNCTIONS:
            alias = name
            source = self._file_function(ref, functions.FILE_FUNCTIONS[name])
        elif name in functions.TABLE_FUNCTIONS:
            return
        elif isinstance(ref.this, exp.Func):
            raise UnsupportedError(f"the table function {name} is not available", span=span_of(ref))
        else:
            return
        self.sources.append(source)
        clear_time(ref)
        ref.set("this", exp.to_identifier(source.name))
        ref.set("db", None)
        ref.set("catalog", None)
        if not ref.alias:
            columns = ref.args["alias"].columns if ref.args.get("alias") else None
            identifier = exp.to_identifier(alias, quoted=True)
            ref.set("alias", exp.TableAlias(this=identifier, columns=columns))

    def _resolve(self, ref: exp.Table) -> Source:
        schema, name = self.qualify(ref)
        time = time_of(ref)
        if schema == SYSTEM:
            return self._system(ref, name)
        if isinstance(time, Between):
            return self._changes(ref, schema, name, time)
        catalog, version = self._at(time)
        table = catalog.table(schema, name)
        if table is not None:
            return TableSource(self._name(), table, catalog)
        view = catalog.view(schema, name)
        if view is not None:
            return self._view(view, ref, catalog, version)
        if not ref.db and ref.name.startswith(BLOB_PREFIX):
            return self._blob_file(ref, ref.name, None, {})
        reader = None if ref.db else self._around.reader_of(ref.name)
        if reader is not None:
            return FileSource(self._name(), ref.name, reader, {})
        raise self._unknown(ref, schema, name, catalog)

    def _system(self, ref: exp.Table, name: str) -> SystemSource:
        if name.lower() not in SYSTEM_RELATIONS:
            best = suggest(name, SYSTEM_RELATIONS)
            raise BindError(
                f"there is no {SYSTEM}.{name}",
                span=span_of(ref),
                hint=f"did you mean {SYSTEM}.{best}?" if best else None,
            )
        catalog, version = self._at(time_of(ref))
        return SystemSource(self._name(), name.lower(), catalog, version)

    def _at(self, time: AsOf | Between | None) -> tuple[Catalog, int]:
        """Return the names at a time and its version; a range of changes is about the present."""
        if isinstance(time, AsOf):
            return self._around.catalog_at(time.point), self._around.version_of(time.point)
        return self._around.catalog, self._around.version

    def _changes(self, ref: exp.Table, schema: str, name: str, time: Between) -> ChangeSource:
        newest = self._around.version
        since = 0 if time.since is None else self._around.version_of(time.since)
        if since > newest:
            raise BindError(
                f"there is no version {since} yet; the newest is {newest}",
                span=span_of(ref),
                code="TIME_001",
            )
        until = newest if time.until is None else min(self._around.version_of(time.until), newest)
        end = time.since if since > until else time.until
        since, until = sorted((since, until))
        now = end is None or until == newest
        catalog = self._around.catalog if now or end is None else self._around.catalog_at(end)
        table = catalog.table(schema, name)
        if table is None:
            raise self._unknown(ref, schema, name, catalog)
        for point in (time.since, time.until):
            if point is not None and point.kind == "watermark":
                self._check_watermark(point, table, schema, name)
        return ChangeSource(self._name(), table, since, until, time.shape)

    def _check_watermark(self, point: Point, table: Table, schema: str, name: str) -> None:
        """A watermark is a place in one table's changes, or in those of the table it replaced."""
        mark = self._around.catalog.watermark(point.expr.name)
        if mark is None or mark.table == table.id:
            return
        then = self._around.catalog_at(point).table(schema, name)
        if then is None or then.id != mark.table:
            raise BindError(
                f"the watermark '{mark.name}' is not of the table {table.qualified}",
                span=span_of(point.expr),
                hint="SHOW WATERMARKS lists them and their tables",
                code="TIME_007",
            )

    def _view(self, view: View, ref: exp.Table, catalog: Catalog, version: int) -> ViewSource:
        if view.id in self._inside or len(self._inside) >= MAX_VIEW_DEPTH:
            why = "reads itself" if view.id in self._inside else "is nested too deep"
            raise BindError(f"the view {view.qualified} {why}", span=span_of(ref))
        self.views.add(view.id)
        statement = parse(view.sql)[0]
        if not (isinstance(statement, Define) and isinstance(statement.ast, exp.Create)):
            raise UnsupportedError(f"the view {view.qualified} holds no query", span=span_of(ref))
        inner = Binder(_Inside(self._around, catalog, view.schema, version))
        inner.sources, inner.views = self.sources, self.views
        inner._inside = (*self._inside, view.id)
        try:
            sql = str(to_duckdb(inner.bind(statement.ast.expression)))
        except LanguageError as error:
            if not self._inside:
                error.message = f"the view {view.qualified} no longer works: {error.message}"
            error.span = span_of(ref)
            raise
        return ViewSource(self._name(), sql, view.columns)

    def _file_function(self, ref: exp.Table, reader: str) -> FileSource | BlobSource:
        call = ref.this
        arguments = [a for a in [call.this, *call.expressions] if isinstance(a, exp.Expr)]
        if isinstance(call, exp.Anonymous):
            arguments = list(call.expressions)
        paths = [a for a in arguments if isinstance(a, exp.Literal) and a.is_string]
        options: dict[str, str] = {}
        for argument in arguments:
            if isinstance(argument, (exp.EQ, exp.PropertyEQ, exp.Kwarg)):
                options[argument.this.name.lower()] = _constant(argument.expression)
        if len(paths) != 1 or len(paths) + len(options) != len(arguments):
            raise UnsupportedError(
                "a file function takes one path and options with constant values",
                span=span_of(ref),
                hint="for example: FROM read_csv('data.csv', delim = ';')",
            )
        if paths[0].name.startswith(BLOB_PREFIX):
            return self._blob_file(ref, paths[0].name, reader, options)
        return FileSource(self._name(), paths[0].name, reader, options)

    def _blob_file(
        self, ref: exp.Table, path: str, reader: str | None, options: dict[str, str]
    ) -> BlobSource:
        catalog, _ = self._at(time_of(ref))
        blob = _blob(catalog, path.removeprefix(BLOB_PREFIX), ref)
        reader = reader or self._around.reader_of(blob.name)
        if reader is None:
            raise UnsupportedError(
                f"the name of the blob '{blob.name}' does not tell its format",
                span=span_of(ref),
                hint=f"for example: FROM read_csv('{path}')",
            )
        return BlobSource(self._name(), blob, reader, options)

    def _blob_content(self, call: exp.Anonymous) -> exp.Expr:
        """Return what stands for ``blob_content('name')``: one value out of one row."""
        name = call.expressions[0] if len(call.expressions) == 1 else None
        if not (isinstance(name, exp.Literal) and name.is_string):
            raise UnsupportedError(
                f"{functions.BLOB_CONTENT} takes the name of a blob, a constant text",
                span=span_of(call),
            )
        source = BlobSource(self._name(), _blob(self._around.catalog, name.name, call), None, {})
        self.sources.append(source)
        return exp.select("content").from_(exp.to_identifier(source.name)).subquery()

    def _unknown(self, ref: exp.Table, schema: str, name: str, catalog: Catalog) -> BindError:
        names = [*_names(catalog, self._around.schema)]
        best = suggest(name if schema == self._around.schema else f"{schema}.{name}", names)
        shown = name if schema in (MAIN, self._around.schema) else f"{schema}.{name}"
        if schema != SYSTEM and schema not in [s.lower() for s in catalog.schemas()]:
            near = suggest(schema, catalog.schemas())
            return BindError(
                f"there is no schema '{schema}'",
                span=span_of(ref),
                hint=f"did you mean '{near}'?" if near else "SHOW SCHEMAS lists them",
            )
        if best:
            hint = f"did you mean '{best}'?"
        elif names:
            hint = f"there are: {', '.join(names[:8])}{' …' if len(names) > 8 else ''}"
        else:
            hint = (
                "this lakehouse has no tables yet; CREATE TABLE or COPY 'file.csv' TO t makes one"
            )
        return BindError(f"there is no table '{shown}'", span=span_of(ref), hint=hint)


def _blob(catalog: Catalog, name: str, at: exp.Expr) -> Blob:
    blob = catalog.blob(name)
    if blob is None:
        best = suggest(name, [found.name for found in catalog.blobs()])
        raise BindError(
            f"there is no blob '{name}'",
            span=span_of(at),
            hint=f"did you mean '{best}'?" if best else "FROM grizzly.blobs lists them",
        )
    return blob


class _Inside:
    """The surroundings of a view's own text: its catalog, its schema and its time."""

    def __init__(self, around: Surroundings, catalog: Catalog, schema: str, version: int) -> None:
        self.catalog = catalog
        self.schema = schema
        self.version = version
        self._around = around

    def catalog_at(self, point: Point) -> Catalog:
        return self._around.catalog_at(point)

    def version_of(self, point: Point) -> int:
        return self._around.version_of(point)

    def reader_of(self, path: str) -> str | None:
        return self._around.reader_of(path)


def _check_names(ast: exp.Expr) -> None:
    for node in ast.find_all(exp.Identifier):
        if node.name.lower().startswith(RESERVED):
            raise UnsupportedError(f"names cannot begin with {RESERVED}", span=span_of(node))


def _names(catalog: Catalog, schema: str) -> Iterator[str]:
    items: list[Table | View] = [*catalog.tables(), *catalog.views()]
    for item in items:
        yield item.name if item.schema in (MAIN, schema) else item.qualified


def _is_cte(table: exp.Table) -> bool:
    """Say whether a bare name means a CTE that is visible where it stands."""
    if table.db or not isinstance(table.this, exp.Identifier) or time_of(table) is not None:
        return False
    name = table.name.lower()
    inside: exp.Expr = table
    while inside.parent is not None:
        parent = inside.parent
        scope = parent.args.get("with_")
        if isinstance(scope, exp.With) and inside is not scope:
            if any(cte.alias.lower() == name for cte in scope.expressions):
                return True
        elif isinstance(parent, exp.With):
            position = parent.expressions.index(inside)
            visible = parent.expressions[: position + (1 if parent.recursive else 0)]
            if any(cte.alias.lower() == name for cte in visible):
                return True
        inside = parent
    return False


def _unqualify(column: exp.Column) -> None:
    """Drop the schema from ``schema.table.column``: sources have none."""
    parts = column.args
    if parts.get("catalog") is None and parts.get("db") is not None and parts.get("table"):
        select = column.parent_select
        if select is None:
            return
        for table in select.find_all(exp.Table):
            if table.alias.lower() == column.table.lower():
                column.set("db", None)
                return


_LITERAL_FORMS = (exp.Struct, exp.Array, exp.Cast)


def _constant(node: exp.Expr) -> str:
    reaches_out = (
        n
        for n in node.find_all(exp.Column, exp.Query, exp.Func)
        if not isinstance(n, _LITERAL_FORMS)
    )
    if next(reaches_out, None) is not None:
        raise UnsupportedError("an option's value must be a constant", span=span_of(node))
    return str(to_duckdb(node))
