"""Definitions as text, their history, and what tells two moments apart.

Layer: ``session``. Invariant: none of these changes the lakehouse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from engine.errors import BindError, UnsupportedError
from engine.plan import catalog_differences, literal
from engine.plan.ddl import create_all, create_indexes, create_table, create_view
from engine.session.frame import Call
from engine.session.result import Result, rows
from grammar import nodes, parse, span_of
from grammar.timetravel import AsOf, time_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.catalog import Catalog, Table
    from engine.plan import Difference

_STEP_TYPES = ["VARCHAR", "VARCHAR", "VARCHAR"]


def show_create(call: Call[nodes.ShowCreate]) -> Result:
    """Show the statements that make a table or view, or everything."""
    frame, ref = call.frame, call.node.table
    workspace = frame.workspace()
    if ref is None:
        return _statements(create_all(workspace.catalog))
    schema, name = call.planner(workspace).binder.qualify(ref)
    time = time_of(ref)
    catalog = workspace.catalog
    if isinstance(time, AsOf):
        catalog = frame.executor.around(workspace, frame.schema, call.params).catalog_at(time.point)
    view = catalog.view(schema, name)
    if view is not None:
        return _statements([create_view(view)])
    table = catalog.table(schema, name)
    if table is None and time is None:
        table = call.planner(workspace).binder.table(ref)
    if table is None:
        raise BindError(f"there was no table '{name}' at that point", span=span_of(ref))
    return _statements([*create_table(table), *create_indexes(catalog, table)])


def history_query(call: Call[nodes.SchemaHistory]) -> Call[nodes.Query]:
    """Return the query that SHOW SCHEMA HISTORY stands for: a table's whole life, whatever its names."""
    frame, ref = call.frame, call.node.table
    where = ""
    if ref is not None:
        workspace = frame.workspace()
        schema, name = call.planner(workspace).binder.qualify(ref)
        now = workspace.catalog.table(schema, name)
        same = f'lower(schema) = {literal(schema.lower())} AND lower("table") = {literal(name.lower())}'
        ids = f"SELECT id FROM grizzly.table_history WHERE {same}"  # noqa: S608
        where = f"WHERE id = {literal(now.id)}" if now is not None else f"WHERE id IN ({ids})"
    sql = (
        'SELECT version, ts, schema, "table", revision, change, statement '  # noqa: S608
        f'FROM grizzly.table_history {where} ORDER BY version, schema, "table"'
    )
    (statement,) = parse(sql)
    if not isinstance(statement, nodes.Query):
        raise UnsupportedError("the history is not a query", span=call.node.span)
    return Call(frame, sql, statement)


def diff_schema(call: Call[nodes.DiffSchema]) -> Result:
    """Show the steps from the definitions at one point to those at another."""
    frame, node = call.frame, call.node
    workspace = frame.workspace()
    around = frame.executor.around(workspace, frame.schema, call.params)
    before = around.catalog_at(node.since)
    after = workspace.catalog if node.until is None else around.catalog_at(node.until)
    found = _ids(call, (before, after))
    steps = catalog_differences(before, after)
    return differences([(table, step) for table, step in steps if table.id in found], "DIFF")


def differences(steps: Iterable[tuple[Table, Difference]], tag: str) -> Result:
    """Return steps between definitions as rows: table, change, statement."""
    listed = list(steps)
    shown = pa.table(
        {
            "table": pa.array([table.qualified for table, _ in listed], pa.string()),
            "change": pa.array([step.words for _, step in listed], pa.string()),
            "statement": pa.array([step.sql for _, step in listed], pa.string()),
        }
    )
    return rows(shown, tag, _STEP_TYPES)


def _ids(call: Call[nodes.DiffSchema], catalogs: tuple[Catalog, Catalog]) -> set[str]:
    binder, ref = call.planner(call.frame.workspace()).binder, call.node.table
    if ref is None:
        return {table.id for catalog in catalogs for table in catalog.tables()}
    schema, name = binder.qualify(ref)
    tables = [c.table(schema, name) for c in catalogs]
    found = {table.id for table in tables if table is not None}
    if not found:
        binder.table(ref)
    return found


def _statements(texts: Iterable[str]) -> Result:
    return rows(pa.table({"statement": pa.array(list(texts), pa.string())}), "SHOW", ["VARCHAR"])
