"""INSERT, UPDATE, DELETE, MERGE, UPSERT, and the statements that define things.

Layer: ``session``. Invariant: everything happens in the workspace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import UnsupportedError
from engine.plan import Export, RowWrite, Select
from engine.session.result import Result, rows

if TYPE_CHECKING:
    from engine.execute import Workspace
    from engine.session.frame import Call
    from grammar import nodes


def planned(call: Call[nodes.Statement], workspace: Workspace) -> Result:
    """Plan a statement and carry it out in the workspace."""
    frame, node = call.frame, call.node
    if call.shape is not None:
        count = frame.executor.write_direct(
            call.shape, workspace, frame.schema, call.many or [call.params]
        )
        if count is not None:
            return Result(call.shape.verb, count=count)
    plan = call.planner(workspace).plan(node)
    if isinstance(plan, RowWrite):
        outcome = frame.executor.write(plan, workspace, call.params)
        result = Result(plan.verb, count=outcome.count)
        if outcome.returned is not None:
            result = rows(outcome.returned, plan.verb, list(outcome.types))
            result.count = outcome.count
        return result
    if isinstance(plan, (Select, Export)):
        raise UnsupportedError("a query changes nothing", span=node.span)
    count = frame.executor.define(plan, workspace, call.params)
    return Result(call.written.split(None, 1)[0].upper(), count=count)
