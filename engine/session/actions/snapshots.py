"""Snapshots: names for moments.

Layer: ``session``. Invariant: a snapshot is a name and holds no data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalog import Snapshot
from engine.errors import BindError
from engine.session.result import Result

if TYPE_CHECKING:
    from engine.execute import Workspace
    from engine.session.frame import Call
    from grammar import nodes


def create_snapshot(call: Call[nodes.CreateSnapshot], workspace: Workspace) -> Result:
    """Name a version."""
    frame, node = call.frame, call.node
    catalog = workspace.catalog
    if catalog.snapshot(node.name) is not None and not node.replace:
        if node.if_not_exists:
            return Result("CREATE SNAPSHOT")
        raise BindError(
            f"there is already a snapshot '{node.name}'",
            span=node.span,
            hint="CREATE OR REPLACE SNAPSHOT moves it",
            code="SEMANTIC_011",
        )
    version = workspace.version
    if node.point is not None:
        version = frame.executor.around(workspace, frame.schema).version_of(node.point)
        if version > workspace.version:
            raise BindError(f"there is no version {version} yet", span=node.span, code="TIME_001")
    ts = frame.timeline.commit_at(version).ts
    snapshot = Snapshot(node.name, version, ts)
    workspace.put(snapshot.state_key, snapshot.encode())
    result = Result("CREATE SNAPSHOT")
    result.notes.append(f"snapshot '{node.name}' is version {version}")
    return result


def drop_snapshot(call: Call[nodes.DropSnapshot], workspace: Workspace) -> Result:
    """Forget the name of a version."""
    node = call.node
    snapshot = workspace.catalog.snapshot(node.name)
    if snapshot is None:
        if node.if_exists:
            return Result("DROP SNAPSHOT")
        raise BindError(f"there is no snapshot '{node.name}'", span=node.span, code="TIME_002")
    workspace.put(snapshot.state_key, None)
    return Result("DROP SNAPSHOT")
