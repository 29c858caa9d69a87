"""Changing branches, and merging one into main.

Layer: ``session``. Invariant: a merge is one commit of main; the branch stays, begins anew from that
commit, and holds nothing that main has not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.catalog import MAIN_BRANCH, BranchState, branch_in
from engine.errors import ReadOnlyError, TransactionError
from engine.execute import Workspace
from engine.session import commits
from engine.session.committing.branchmerge import BranchMerge
from engine.session.committing.settle import Settler
from engine.session.result import Result
from engine.timeline import Proposal

if TYPE_CHECKING:
    from engine.session.frame import Frame
    from engine.timeline import Head
    from grammar import nodes


def use(frame: Frame, node: nodes.UseBranch) -> Result:
    """Read and write another branch from now on.

    Raises: BindError when there is none; TransactionError inside a transaction.
    """
    _outside(frame, "changed")
    if node.name.lower() == MAIN_BRANCH:
        frame.branch = None
    else:
        frame.branch = branch_in(frame.timeline.refresh().state, node.name).name
    return Result("USE")


def merge(frame: Frame, node: nodes.MergeBranch) -> Result:
    """Commit a branch's changes to main.

    Cost: what the branch changed; of main, what differs from the branch's base.
    Raises: ConflictError; BindError when there is no such branch; TransactionError in a transaction.
    """
    _outside(frame, "merged")
    if frame.pinned is not None:
        raise ReadOnlyError("the past cannot be written to")
    timeline = frame.timeline
    counted: list[int] = []

    def proposal(head: Head, seq: int) -> Proposal:
        branch = branch_in(head.state, node.name)
        base = timeline.state_at(branch.base)
        ours = BranchState(base, head.state, branch)
        workspace = Workspace(timeline, head.state, head.seq)
        lake = frame.executor.lake(workspace)
        merged = BranchMerge(lake, base, ours, head.state, node.prefer).changes()
        counted[:] = [len(merged)]
        for key, value in merged.items():
            workspace.put(key, value)
        meta = commits.meta(workspace, f"MERGE BRANCH {node.name}")
        settler = Settler(seq, workspace.objects)
        changes = {k: settler.value(k, v) for k, v in merged.items()}
        changes.update({key: None for key, _ in head.state.items(branch.overlay)})
        changes[branch.state_key] = replace(branch, base=seq).encode()
        return Proposal("merge", changes, list(settler.objects.values()), meta)

    made = timeline.commit(proposal)
    result = Result("MERGE", version=made.seq)
    if not counted[0]:
        result.notes.append(f"'{node.name}' had nothing that main has not")
    return result


def _outside(frame: Frame, verb: str) -> None:
    if frame.transaction is not None:
        raise TransactionError(
            f"a branch cannot be {verb} inside a transaction", hint="COMMIT or ROLLBACK first"
        )
