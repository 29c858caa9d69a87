"""Statements that read: queries, EXPLAIN, DESCRIBE, SUMMARIZE, VERIFY and COPY to a file.

Layer: ``session``. Invariant: none of these changes the lakehouse.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from engine.analyze import (
    BlobSource,
    ChangeSource,
    FileSource,
    SystemSource,
    TableSource,
    ViewSource,
)
from engine.errors import UnsupportedError
from engine.execute import format_of
from engine.plan import RowWrite, Select, shape_of
from engine.session import introspect, schemas
from engine.session.frame import Call
from engine.session.proving import integrity
from engine.session.proving.proofstatements import prove_commit, prove_table
from engine.session.result import Result, rows
from grammar import nodes, parse
from grammar.timetravel import AsOf, Between, time_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.analyze import Source
    from engine.execute import Answer, Parameters, Ready, Workspace
    from engine.session.frame import Frame

    Reader = Callable[[Call[Any]], Result]


def query(call: Call[nodes.Query]) -> Result:
    """Run a query up to its first rows; the others are read when they are asked for."""
    frame, node = call.frame, call.node
    workspace = frame.workspace()
    if call.shape is not None:
        ready = frame.executor.direct(call.shape, workspace, frame.schema).answer(call.params)
        if ready is not None:
            return _unread(ready, "SELECT")
    plan = call.planner(workspace).select(node.ast)
    return _answer(frame, plan, workspace, call.params, "SELECT")


def explain(call: Call[nodes.Explain]) -> Result:
    """Show what a statement reads, the SQL it became, and the backend's plan for that."""
    frame, node = call.frame, call.node
    workspace = frame.workspace()
    plan = call.planner(workspace).plan(node.statement)
    if not isinstance(plan, (Select, RowWrite)):
        raise UnsupportedError("only queries and changes of rows have a plan", span=node.span)
    lines = [f"reads {_described(s)}" for s in plan.sources]
    if isinstance(plan, RowWrite):
        lines.insert(0, f"{plan.verb} {plan.target.table.qualified}")
    shape = shape_of(node.statement)
    if shape is not None and frame.executor.direct(shape, workspace, frame.schema).taken(
        call.params
    ):
        lines.append("direct: carried out without the relational engine")
    lines += ["", "sql", f"  {plan.sql}", ""]
    shown = frame.executor.explain(plan, workspace, call.params, analyze=node.analyze)
    lines += shown.splitlines()
    return rows(pa.table({"plan": pa.array(lines, pa.string())}), "EXPLAIN", ["VARCHAR"])


def describe(call: Call[nodes.Describe]) -> Result:
    """Show the columns of a table, a view or a query."""
    frame, node = call.frame, call.node
    workspace = frame.workspace()
    planner = call.planner(workspace)
    target = node.target
    if not isinstance(target, nodes.Statement):
        schema, name = planner.binder.qualify(target)
        time = time_of(target)
        catalog = workspace.catalog
        if isinstance(time, AsOf):
            catalog = frame.executor.around(workspace, frame.schema).catalog_at(time.point)
        table = None if isinstance(time, Between) else catalog.table(schema, name)
        if table is not None:
            shown = introspect.describe_table(table)
            result = rows(shown, "DESCRIBE", introspect.DESCRIBE_TYPES)
            result.notes.append(frame.executor.layout_of(table, workspace))
            return result
    answer = frame.executor.query(planner.select_of(target), workspace)
    answer.close()
    shown = pa.table(
        {"column": pa.array(answer.columns, pa.string()), "type": pa.array(answer.types)}
    )
    return rows(shown, "DESCRIBE", ["VARCHAR", "VARCHAR"])


def summarize(call: Call[nodes.Summarize]) -> Result:
    """Show statistics of each column."""
    frame, node = call.frame, call.node
    workspace = frame.workspace()
    plan = call.planner(workspace).select_of(node.target)
    whole = Select(f"SELECT * FROM (SUMMARIZE {plan.sql})", plan.sources)  # noqa: S608 - from a checked tree
    return _answer(frame, whole, workspace, call.params, "SUMMARIZE")


def verify(call: Call[nodes.VerifyTimeline | nodes.VerifyTable]) -> Result:
    """Recompute hashes and list what was found, wrong things first."""
    frame, node = call.frame, call.node
    name = node.table.name if isinstance(node, nodes.VerifyTable) else None
    found = sorted(integrity.verify(frame.timeline, name), key=lambda f: f.ok)
    shown = pa.table(
        {
            "object": pa.array([f.subject for f in found], pa.string()),
            "ok": pa.array([f.ok for f in found], pa.bool_()),
            "detail": pa.array([f.detail for f in found], pa.string()),
        }
    )
    return rows(shown, "VERIFY", ["VARCHAR", "BOOLEAN", "VARCHAR"])


def export(call: Call[nodes.Copy]) -> Result:
    """Write a query's rows to a file."""
    frame, node = call.frame, call.node
    workspace = frame.workspace()
    form = format_of(str(node.target), node.options.get("format"))
    plan = call.planner(workspace).export(node, form)
    return Result("COPY", count=frame.executor.export(plan, workspace, call.params))


def show(call: Call[nodes.Show]) -> Result:
    """Show a list: a query over the ``grizzly`` schema, or the columns of a table."""
    frame, node = call.frame, call.node
    if node.table is not None:
        return describe(Call(frame, call.text, nodes.Describe(node.span, node.table)))
    sql = introspect.show_query(node)
    (statement,) = parse(sql)
    if not isinstance(statement, nodes.Query):
        raise UnsupportedError(f"SHOW {node.what} is not a query", span=node.span)
    result = query(Call(frame, sql, statement))
    result.tag = "SHOW"
    return result


def reader_of(statement: nodes.Statement) -> Reader | None:
    """Return what answers a statement that changes nothing, or None for one that does."""
    if isinstance(statement, nodes.Copy) and not isinstance(statement.target, str):
        return None
    return _READERS.get(type(statement))


def _answer(
    frame: Frame, plan: Select, workspace: Workspace, params: Parameters, tag: str
) -> Result:
    return _unread(frame.executor.query(plan, workspace, params), tag)


def _unread(answer: Answer | Ready, tag: str) -> Result:
    """Return an answer as a result of which the first rows are computed."""
    batches = answer.batches()
    first = next(batches, None)
    start = [] if first is None else [first]
    return Result(
        tag, "rows", answer.columns, answer.types, answer.schema, read=lambda: chain(start, batches)
    )


def _described(source: Source) -> str:
    match source:
        case TableSource(table=table, catalog=catalog):
            files = catalog.files(table)
            live = sum(f.live for f in files)
            size = sum(f.size for f in files)
            return f"{table.qualified}: {live:,} rows in {len(files)} files, {size:,} bytes"
        case ChangeSource(table=table, since=since):
            return f"{table.qualified}: changes since version {since}"
        case FileSource(path=path):
            return path
        case BlobSource(blob=blob):
            return f"blob:{blob.name}"
        case SystemSource(relation=relation):
            return f"grizzly.{relation}"
        case ViewSource(sql=sql):
            return f"a view: {sql}"


_READERS: dict[type[nodes.Statement], Reader] = {
    nodes.Query: query,
    nodes.Explain: explain,
    nodes.Describe: describe,
    nodes.Summarize: summarize,
    nodes.Show: show,
    nodes.VerifyTimeline: verify,
    nodes.VerifyTable: verify,
    nodes.ProveCommit: prove_commit,
    nodes.ProveTable: prove_table,
    nodes.Copy: export,
    nodes.DiffSchema: schemas.diff_schema,
    nodes.SchemaHistory: lambda call: query(schemas.history_query(call)),
    nodes.ShowCreate: schemas.show_create,
}
