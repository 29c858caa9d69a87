"""Watermarks: how far a consumer has come in the changes of a table.

Layer: ``session``. Invariant: a watermark's place is a value of the state map like any other: committed,
provable, and moved in the same commit as what its consumer wrote, or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalog import Watermark
from engine.errors import BindError
from engine.session.result import Result
from grammar import nodes, suggest

if TYPE_CHECKING:
    from engine.execute import Workspace
    from engine.session.frame import Call
    from grammar.timetravel import Point


def create_watermark(call: Call[nodes.CreateWatermark], workspace: Workspace) -> Result:
    """Begin to remember how far a consumer has come."""
    node = call.node
    table = call.planner(workspace).binder.table(node.table)
    known = workspace.catalog.watermark(node.name)
    if known is not None and not node.replace:
        if node.if_not_exists:
            return Result("CREATE WATERMARK")
        raise BindError(
            f"there is already a watermark '{node.name}'",
            span=node.span,
            hint="CREATE OR REPLACE WATERMARK moves it to any place",
            code="SEMANTIC_011",
        )
    return _placed(call, workspace, node.name, table.id, "CREATE WATERMARK")


def advance_watermark(call: Call[nodes.AdvanceWatermark], workspace: Workspace) -> Result:
    """Remember that a consumer has seen more.

    Raises: BindError, also when the place is before the one the watermark has.
    """
    node = call.node
    known = _existing(node, workspace)
    result = _placed(call, workspace, known.name, known.table, "ADVANCE WATERMARK")
    placed = workspace.catalog.watermark(known.name)
    if placed is not None and placed.version < known.version:
        workspace.put(known.state_key, known.encode())
        raise BindError(
            f"the watermark '{known.name}' is at version {known.version} already",
            span=node.span,
            hint="CREATE OR REPLACE WATERMARK takes it back",
            code="TIME_007",
        )
    return result


def drop_watermark(call: Call[nodes.DropWatermark], workspace: Workspace) -> Result:
    """Forget a watermark, and let go of the history that it held."""
    node = call.node
    if node.if_exists and workspace.catalog.watermark(node.name) is None:
        return Result("DROP WATERMARK")
    workspace.put(_existing(node, workspace).state_key, None)
    return Result("DROP WATERMARK")


def _existing(
    node: nodes.AdvanceWatermark | nodes.DropWatermark, workspace: Workspace
) -> Watermark:
    known = workspace.catalog.watermark(node.name)
    if known is None:
        best = suggest(node.name, [w.name for w in workspace.catalog.watermarks()])
        raise BindError(
            f"there is no watermark '{node.name}'",
            span=node.span,
            hint=f"did you mean '{best}'?" if best else "SHOW WATERMARKS lists them",
            code="TIME_007",
        )
    return known


def _placed(
    call: Call[nodes.CreateWatermark] | Call[nodes.AdvanceWatermark],
    workspace: Workspace,
    name: str,
    table: str,
    tag: str,
) -> Result:
    """Put a watermark where its statement says, or where the transaction reads."""
    version = _version(call, workspace, call.node.point)
    ts = call.frame.timeline.commit_at(version).ts
    mark = Watermark(name, table, version, ts)
    workspace.put(mark.state_key, mark.encode())
    result = Result(tag)
    result.notes.append(f"watermark '{name}' is at version {version}")
    return result


def _version(
    call: Call[nodes.CreateWatermark] | Call[nodes.AdvanceWatermark],
    workspace: Workspace,
    point: Point | None,
) -> int:
    if point is None:
        return workspace.version
    frame = call.frame
    version = frame.executor.around(workspace, frame.schema, call.params).version_of(point)
    if version > workspace.version:
        raise BindError(
            f"there is no version {version} yet; the newest is {workspace.version}",
            span=call.node.span,
            code="TIME_001",
        )
    return version
