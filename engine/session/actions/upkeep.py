"""Statements that look after the files of tables.

Layer: ``session``. Invariant: no row changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.session.result import Result

if TYPE_CHECKING:
    from engine.execute import Workspace
    from engine.session.frame import Call
    from grammar import nodes


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
