"""Snapshots, and going back to them.

Layer: ``session``. Invariant: going back is a commit like any other; nothing of history is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalog import FileEntry, Snapshot
from engine.errors import BindError
from engine.session.result import Result
from grammar import nodes, span_of

if TYPE_CHECKING:
    from engine.execute import Workspace
    from engine.session.frame import Call


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


def restore(call: Call[nodes.Restore], workspace: Workspace) -> Result:
    """Make a table what it was at a point in time."""
    frame, node = call.frame, call.node
    planner = call.planner(workspace)
    schema, name = planner.binder.qualify(node.table)
    around = frame.executor.around(workspace, frame.schema)
    then = around.catalog_at(node.point)
    old = then.table(schema, name)
    if old is None:
        raise BindError(f"there was no table '{name}' at that point", span=span_of(node.table))
    now = workspace.catalog.table(schema, name)
    for table in {t.id: t for t in (old, now) if t is not None}.values():
        for key, _ in list(workspace.items(table.file_prefix)):
            workspace.put(key, None)
    if now is not None and now.id != old.id:
        workspace.put(now.state_key, None)
    workspace.put(old.state_key, old.encode())
    count = 0
    for key, value in then.state.items(old.file_prefix):
        workspace.put(key, value)
        count += FileEntry.decode(key, value).live
    return Result("RESTORE", count=count)
