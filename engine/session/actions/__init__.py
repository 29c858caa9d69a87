"""What statements that change the lakehouse do to a workspace.

Layer: ``session``. Invariant: an action may run several times, each time on a fresh workspace; what it
did is a commit only when the caller makes it one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.session.actions import (
    blobs,
    branches,
    copying,
    desired,
    restoring,
    rows,
    snapshots,
    upkeep,
    watermarks,
)
from grammar import nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.execute import Workspace
    from engine.session.frame import Call
    from engine.session.result import Result

    Action = Callable[[Call[Any], Workspace], Result]

ACTIONS: dict[type[nodes.Statement], Action] = {
    nodes.AdvanceWatermark: watermarks.advance_watermark,
    nodes.Alter: rows.planned,
    nodes.ApplySchema: desired.apply_schema,
    nodes.Compact: upkeep.compact,
    nodes.Copy: copying.import_file,
    nodes.CreateBranch: branches.create_branch,
    nodes.CreateIndex: upkeep.create_index,
    nodes.CreateSnapshot: snapshots.create_snapshot,
    nodes.CreateWatermark: watermarks.create_watermark,
    nodes.Define: rows.planned,
    nodes.DropBlob: blobs.drop_blob,
    nodes.DropBranch: branches.drop_branch,
    nodes.DropIndex: upkeep.drop_index,
    nodes.DropSnapshot: snapshots.drop_snapshot,
    nodes.DropWatermark: watermarks.drop_watermark,
    nodes.Optimize: upkeep.optimize,
    nodes.PutBlob: blobs.put_blob,
    nodes.Restore: restoring.restore,
    nodes.RestoreAll: restoring.restore_all,
    nodes.Undo: restoring.undo,
    nodes.Upsert: rows.planned,
    nodes.Write: rows.planned,
}
"""The action of each kind of statement."""
