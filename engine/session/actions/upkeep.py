"""Statements that look after the files of tables.

Layer: ``session``. Invariant: no row changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalog.arrangement import clustering_of
from engine.catalog.indexes import Index, indexes_of
from engine.datatypes import parse_type
from engine.errors import BindError, UnsupportedError, UsageError
from engine.plan import RowWrite
from engine.plan.options import with_options
from engine.session.frame import Call
from engine.session.result import Result
from engine.storage.fileindex import can_index
from grammar import nodes, parse, suggest

if TYPE_CHECKING:
    from engine.catalog import Column, Table
    from engine.execute import Workspace


def compact(call: Call[nodes.Compact], workspace: Workspace) -> Result:
    """Merge small and half-dead files."""
    frame, node = call.frame, call.node
    tables = workspace.catalog.tables()
    if node.table is not None:
        tables = [call.planner(workspace).binder.table(node.table)]
    gone = frame.executor.compact(workspace, tables)
    result = Result("COMPACT")
    result.notes.append(f"{gone} files merged away")
    return result


def optimize(call: Call[nodes.Optimize], workspace: Workspace) -> Result:
    """Put like rows side by side, in the order asked for or the table's own."""
    frame, node = call.frame, call.node
    planner = call.planner(workspace)
    table = planner.binder.table(node.table)
    wanted = table if node.by is None else with_options(table, {"cluster_by": node.by})
    by = clustering_of(wanted)
    if by is None:
        raise UsageError(
            f"{table.qualified} is not clustered", hint="OPTIMIZE t WHERE … CLUSTER BY (a, b)"
        )
    only = None
    if node.where is not None:
        text = f"DELETE FROM {node.table.sql(dialect='duckdb')} WHERE {node.where}"  # noqa: S608 - parsed again, and only its rows' places are used
        (found,) = parse(text)
        plan = Call(frame, text, found, call.params).planner(workspace).plan(found)
        if not isinstance(plan, RowWrite):
            raise UnsupportedError("this condition chooses no rows", span=node.span)
        only = plan
    done = frame.executor.optimize(workspace, table, by, only)
    result = Result("OPTIMIZE", count=done.rows)
    result.notes.append(f"{done.files} files rewritten as {done.made}")
    for name, (left, total) in done.after.items():
        was, of = done.before.get(name, (left, total))
        result.notes.append(
            f"one value of {name} is looked for in {left} of {total} stripes; before, in {was} of {of}"
        )
    return result


def create_index(call: Call[nodes.CreateIndex], workspace: Workspace) -> Result:
    """Index columns of a table, in its present files and in all later ones."""
    node = call.node
    table = call.planner(workspace).binder.table(node.table)
    for other in indexes_of(workspace, table):
        if other.name.lower() == node.name.lower():
            if node.if_not_exists:
                return Result("CREATE INDEX")
            raise BindError(
                f"{table.qualified} has an index '{node.name}' already",
                span=node.span,
                code="SEMANTIC_011",
            )
    if node.kind == "btree" and len(node.columns) > 1:
        raise UnsupportedError(
            "a btree index is of one column",
            span=node.span,
            hint="make one for each column; they are used together",
        )
    columns = [_indexable(table, name, node) for name in node.columns]
    index = Index(table.id, node.name, node.kind, tuple(dict.fromkeys(c.id for c in columns)))
    workspace.put(index.state_key, index.encode())
    count = call.frame.executor.add_index(workspace, table, index)
    result = Result("CREATE INDEX")
    result.notes.append(f"{count} files indexed; new files are indexed when they are written")
    return result


def drop_index(call: Call[nodes.DropIndex], workspace: Workspace) -> Result:
    """Forget an index."""
    node = call.node
    tables = workspace.catalog.tables()
    if node.table is not None:
        tables = [call.planner(workspace).binder.table(node.table)]
    every = [(t, i) for t in tables for i in indexes_of(workspace, t)]
    found = [(t, i) for t, i in every if i.name.lower() == node.name.lower()]
    if not found:
        if node.if_exists:
            return Result("DROP INDEX")
        best = suggest(node.name, [i.name for _, i in every])
        raise BindError(
            f"there is no index '{node.name}'",
            span=node.span,
            hint=f"did you mean '{best}'?" if best else "SHOW INDEXES lists them",
        )
    if len(found) > 1:
        raise BindError(
            f"{len(found)} tables have an index '{node.name}'",
            span=node.span,
            hint=f"DROP INDEX {node.name} ON {found[0][0].qualified}",
        )
    table, index = found[0]
    workspace.put(index.state_key, None)
    call.frame.executor.remove_index(workspace, table, index)
    return Result("DROP INDEX")


def _indexable(table: Table, name: str, node: nodes.CreateIndex) -> Column:
    column = table.column(name)
    if column is None:
        best = suggest(name, [c.name for c in table.columns])
        raise BindError(
            f"{table.qualified} has no column '{name}'",
            span=node.span,
            hint=f"did you mean '{best}'?" if best else None,
        )
    if not can_index(parse_type(column.type)):
        raise UnsupportedError(
            f"'{column.name}' cannot be indexed: its type is {column.type}",
            span=node.span,
            hint="whole numbers, decimals, dates, moments and text can",
        )
    return column
