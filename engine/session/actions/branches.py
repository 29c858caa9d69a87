"""Making and dropping branches.

Layer: ``session``. Invariant: a branch is an entry of the state map; no data moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalog import (
    MAIN_BRANCH,
    PENDING_VERSION,
    Branch,
    BranchState,
    branch_in,
    first_base,
    overlay_of,
)
from engine.catalog.branches import GONE
from engine.errors import BindError, UsageError
from engine.session.result import Result

if TYPE_CHECKING:
    from engine.execute import Workspace
    from engine.session.frame import Call
    from grammar import nodes


def create_branch(call: Call[nodes.CreateBranch], workspace: Workspace) -> Result:
    """Begin a branch at a point of the present branch's history.

    Cost: one entry; from another branch, also the entries of what that one changed.
    Raises: BindError when the name is taken.
    """
    frame, node = call.frame, call.node
    fresh = Branch(node.name, 0, PENDING_VERSION)
    if node.name.lower() == MAIN_BRANCH or workspace.get(fresh.state_key) is not None:
        if node.if_not_exists:
            return Result("CREATE BRANCH")
        raise BindError(
            f"there is already a branch '{node.name}'",
            span=node.span,
            hint="DROP BRANCH forgets one",
            code="SEMANTIC_011",
        )
    version = workspace.version
    if node.point is not None:
        version = frame.executor.around(workspace, frame.schema).version_of(node.point)
        if version > workspace.version:
            raise BindError(f"there is no version {version} yet", span=node.span, code="TIME_001")
    base = version
    if workspace.branch is not None:
        then = workspace.state_at(version)
        if isinstance(then, BranchState):
            base = then.branch.base
            for key, value in then.changes().items():
                workspace.put(fresh.overlay + key, GONE if value is None else value)
        else:
            base = min(version, first_base(frame.timeline, workspace.branch))
    workspace.put(fresh.state_key, Branch(node.name, base, PENDING_VERSION).encode())
    result = Result("CREATE BRANCH")
    result.notes.append(
        f"'{node.name}' begins at version {version}; USE BRANCH {node.name}, or --branch, goes there"
    )
    return result


def drop_branch(call: Call[nodes.DropBranch], workspace: Workspace) -> Result:
    """Forget a branch and what it did not merge.

    Raises: BindError when there is none; UsageError for the branch in use.
    """
    node = call.node
    if node.if_exists and workspace.get(Branch(node.name, 0, 0).state_key) is None:
        return Result("DROP BRANCH")
    branch = branch_in(workspace, node.name)
    if branch.name == workspace.branch:
        raise UsageError(
            f"the branch '{node.name}' is in use", hint=f"USE BRANCH {MAIN_BRANCH} leaves it"
        )
    workspace.put(branch.state_key, None)
    for key, _ in list(workspace.items(overlay_of(branch.name))):
        workspace.put(key, None)
    return Result("DROP BRANCH")
