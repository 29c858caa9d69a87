"""Statements that read: queries, EXPLAIN, DESCRIBE, SUMMARIZE, VERIFY and COPY to a file.

Layer: ``session``. Invariant: none of these changes the lakehouse.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa

from engine.analyze import ChangeSource, FileSource, SystemSource, TableSource, ViewSource
from engine.errors import UnsupportedError
from engine.execute import format_of
from engine.plan import RowWrite, Select
from engine.session import integrity, introspect
from engine.session.result import Result, rows
from grammar import nodes
from grammar.timetravel import AsOf, Between, time_of

if TYPE_CHECKING:
    from engine.analyze import Source
    from engine.execute import Parameters, Workspace
    from engine.session.frame import Frame


def query(frame: Frame, text: str, node: nodes.Query, params: Parameters) -> Result:
    """Run a query up to its first rows; the others are read when they are asked for."""
    workspace = frame.workspace()
    plan = frame.planner(text, workspace, params).select(node.ast)
    return _answer(frame, plan, workspace, params, "SELECT")


def explain(frame: Frame, text: str, node: nodes.Explain, params: Parameters) -> Result:
    """Show what a statement reads, the SQL it became, and the backend's plan for that."""
    workspace = frame.workspace()
    plan = frame.planner(text, workspace, params).plan(node.statement)
    if not isinstance(plan, (Select, RowWrite)):
        raise UnsupportedError("only queries and changes of rows have a plan", span=node.span)
    lines = [f"reads {_described(s)}" for s in plan.sources]
    if isinstance(plan, RowWrite):
        lines.insert(0, f"{plan.verb} {plan.target.table.qualified}")
    lines += ["", "sql", f"  {plan.sql}", ""]
    shown = frame.executor.explain(plan, workspace, params, analyze=node.analyze)
    lines += shown.splitlines()
    return rows(pa.table({"plan": pa.array(lines, pa.string())}), "EXPLAIN", ["VARCHAR"])


def describe(frame: Frame, text: str, node: nodes.Describe) -> Result:
    """Show the columns of a table, a view or a query."""
    workspace = frame.workspace()
    planner = frame.planner(text, workspace)
    target = node.target
    if not isinstance(target, nodes.Statement):
        schema, name = planner.binder.qualify(target)
        time = time_of(target)
        catalog = workspace.catalog
        if isinstance(time, AsOf):
            catalog = frame.executor.around(workspace, frame.schema).catalog_at(time.point)
        table = None if isinstance(time, Between) else catalog.table(schema, name)
        if table is not None:
            return rows(introspect.describe_table(table), "DESCRIBE", introspect.DESCRIBE_TYPES)
    answer = frame.executor.query(planner.select_of(target), workspace)
    answer.close()
    shown = pa.table(
        {"column": pa.array(answer.columns, pa.string()), "type": pa.array(answer.types)}
    )
    return rows(shown, "DESCRIBE", ["VARCHAR", "VARCHAR"])


def summarize(frame: Frame, text: str, node: nodes.Summarize) -> Result:
    """Show statistics of each column."""
    workspace = frame.workspace()
    plan = frame.planner(text, workspace).select_of(node.target)
    whole = Select(f"SELECT * FROM (SUMMARIZE {plan.sql})", plan.sources)  # noqa: S608 - from a checked tree
    return _answer(frame, whole, workspace, None, "SUMMARIZE")


def verify(frame: Frame, node: nodes.VerifyTimeline | nodes.VerifyTable) -> Result:
    """Recompute hashes and list what was found, wrong things first."""
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


def export(frame: Frame, text: str, node: nodes.Copy, params: Parameters) -> Result:
    """Write a query's rows to a file."""
    workspace = frame.workspace()
    form = format_of(str(node.target), node.options.get("format"))
    plan = frame.planner(text, workspace, params).export(node, form)
    return Result("COPY", count=frame.executor.export(plan, workspace, params))


def _answer(
    frame: Frame, plan: Select, workspace: Workspace, params: Parameters, tag: str
) -> Result:
    answer = frame.executor.query(plan, workspace, params)
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
        case SystemSource(relation=relation):
            return f"grizzly.{relation}"
        case ViewSource(sql=sql):
            return f"a view: {sql}"
