"""Definitions are checked against the catalog and written to the workspace.

Layer: ``execute``. Invariant: two things of one schema never share a name, whatever their kind.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from engine.catalog import MAIN, Column, FileEntry, Table, name_key
from engine.catalog.indexes import indexes_of
from engine.datatypes import parse_type
from engine.errors import BindError, IntegrityError, UnsupportedError
from engine.execute.alter import Alterer
from engine.execute.backends.duckdb import NULL_TYPE
from engine.plan import (
    AlterTable,
    CreateSchema,
    CreateTable,
    CreateView,
    Drop,
    Rule,
    Truncate,
    require_name,
    with_rule,
)

if TYPE_CHECKING:
    from engine.execute.backends.base import Parameters
    from engine.execute.backends.duckdb import DuckDB
    from engine.execute.lake import Lake
    from engine.execute.relations import Relations
    from engine.execute.rows import RowWriter

Definition = AlterTable | CreateSchema | CreateTable | CreateView | Drop | Truncate


class Definer:
    """Applies one definition to a workspace."""

    def __init__(
        self, backend: DuckDB, relations: Relations, lake: Lake, writer: RowWriter
    ) -> None:
        """Write into the lake's workspace."""
        self._backend = backend
        self._relations = relations
        self._workspace = lake.workspace
        self._writer = writer
        self._alterer = Alterer(backend, relations, lake, writer)

    def apply(self, plan: Definition, params: Parameters = None) -> int | None:
        """Do what ``plan`` says; return the number of rows it wrote, if it writes any.

        Raises: BindError when a name is taken or missing, IntegrityError.
        """
        match plan:
            case CreateTable():
                return self._create_table(plan, params)
            case CreateView():
                self._create_view(plan)
            case CreateSchema():
                self._create_schema(plan)
            case Drop():
                self._drop(plan)
            case AlterTable(before=before, after=after):
                if after.name.lower() != before.name.lower():
                    self._free(after.schema, after.name, skip=False, replace=False, kind="table")
                self._alterer.apply(plan)
            case Truncate(table=table):
                self._workspace.claims.add(table.id)
                return self._empty(table)
        return None

    def _create_table(self, plan: CreateTable, params: Parameters) -> int | None:
        table = plan.table
        if plan.query is not None:
            # The query may read the table that it replaces.
            self._relations.make(plan.query.sources)
        if not self._free(table.schema, table.name, plan.if_not_exists, plan.replace, "table"):
            return None
        if plan.query is None:
            for column in table.columns:
                if column.default is not None:
                    self._alterer.fixed(column)
            self._workspace.put(table.state_key, table.encode())
            return None
        stream = self._backend.stream(plan.query.sql, params)
        table = _typed(table, stream.columns, stream.types, plan.key)
        batches = list(stream.batches())
        schema = pa.schema([(c.name, parse_type(c.type).wire) for c in table.columns])
        rows = pa.Table.from_batches([_conform(b, schema) for b in batches], schema=schema)
        self._workspace.put(table.state_key, table.encode())
        return self._writer.load(table, rows)

    def _create_view(self, plan: CreateView) -> None:
        view = plan.view
        if self._free(view.schema, view.name, plan.if_not_exists, plan.replace, "view"):
            self._workspace.put(view.state_key, view.encode())

    def _create_schema(self, plan: CreateSchema) -> None:
        _require_name(plan.name, "schema")
        if plan.name.lower() in (s.lower() for s in self._workspace.catalog.schemas()):
            if plan.if_not_exists:
                return
            raise BindError(f"the schema '{plan.name}' is already there", code="SEMANTIC_011")
        self._workspace.put(name_key("s", plan.name.lower()), b"{}")

    def _free(self, schema: str, name: str, skip: bool, replace: bool, kind: str) -> bool:  # noqa: FBT001 - the words of CREATE
        """Make sure a name can be taken; return False when there is nothing to do."""
        _require_name(name, kind)
        catalog = self._workspace.catalog
        if schema.lower() not in (s.lower() for s in catalog.schemas()):
            raise BindError(
                f"there is no schema '{schema}'", hint=f"CREATE SCHEMA {schema} makes it"
            )
        table, view = catalog.table(schema, name), catalog.view(schema, name)
        if table is None and view is None:
            return True
        here = "table" if table is not None else "view"
        if here == kind and replace:
            if table is not None:
                self._forget(table)
            elif view is not None:
                self._workspace.put(view.state_key, None)
            return True
        if here == kind and skip:
            return False
        raise BindError(
            f"there is already a {here} '{name}'",
            hint=f"CREATE OR REPLACE {kind.upper()}, or IF NOT EXISTS" if here == kind else None,
            code="SEMANTIC_011",
        )

    def _drop(self, plan: Drop) -> None:
        for schema, name in plan.names:
            if plan.kind == "SCHEMA":
                self._drop_schema(name, plan)
                continue
            catalog = self._workspace.catalog
            if plan.kind == "TABLE":
                table = catalog.table(schema, name)
                if table is not None:
                    self._forget(table)
            else:
                view = catalog.view(schema, name)
                if view is not None:
                    self._workspace.put(view.state_key, None)

    def _drop_schema(self, name: str, plan: Drop) -> None:
        catalog = self._workspace.catalog
        if name.lower() == MAIN:
            raise UnsupportedError(f"the schema {MAIN} cannot be dropped")
        if name.lower() not in (s.lower() for s in catalog.schemas()):
            if plan.if_exists:
                return
            raise BindError(f"there is no schema '{name}'")
        tables = [t for t in catalog.tables() if t.schema.lower() == name.lower()]
        views = [v for v in catalog.views() if v.schema.lower() == name.lower()]
        if (tables or views) and not plan.cascade:
            raise IntegrityError(
                f"the schema '{name}' still holds {len(tables) + len(views)} tables and views",
                hint="DROP SCHEMA … CASCADE drops them too; history keeps them",
            )
        for table in tables:
            self._forget(table)
        for view in views:
            self._workspace.put(view.state_key, None)
        self._workspace.put(name_key("s", name.lower()), None)

    def _empty(self, table: Table) -> int:
        entries = [FileEntry.decode(k, v) for k, v in self._workspace.items(table.file_prefix)]
        for entry in entries:
            self._workspace.put(entry.state_key(table.id), None)
        return sum(e.live for e in entries)

    def _forget(self, table: Table) -> None:
        self._empty(table)
        for index in indexes_of(self._workspace, table):
            self._workspace.put(index.state_key, None)
        self._workspace.put(table.state_key, None)


def _typed(table: Table, names: list[str], types: list[str], key: tuple[str, ...]) -> Table:
    """Return the table with the columns of a query's answer, and its key.

    Raises: BindError for names used twice, UnsupportedError for types that cannot be kept.
    """
    columns = []
    seen: set[str] = set()
    for number, (name, text) in enumerate(zip(names, types, strict=True), start=1):
        if name.lower() in seen:
            raise BindError(
                f"two columns of the query are called '{name}'", hint="rename one with AS"
            )
        seen.add(name.lower())
        require_name(name, None)
        kind = "INTEGER" if text == NULL_TYPE else text
        columns.append(Column(number, name, parse_type(kind).text))
    made = replace(table, columns=tuple(columns), next_column=len(columns) + 1)
    return with_rule(made, Rule("PRIMARY KEY", key)) if key else made


def _conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [c.cast(f.type) for c, f in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _require_name(name: str, kind: str) -> None:
    if not name.strip():
        raise BindError(f"a {kind} needs a name", hint="this one is empty")
