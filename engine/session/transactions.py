"""BEGIN, COMMIT, ROLLBACK and the savepoints between them.

Layer: ``session``. Invariant: whatever ends a transaction ends it whole: its workspace is dropped before
its commit is tried.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.catalog import PENDING_VERSION, name_key
from engine.errors import ReadOnlyError, TransactionError
from engine.proof.canonical import canonical
from engine.session import commits
from engine.session.result import Result

if TYPE_CHECKING:
    from engine.execute import Workspace
    from engine.session.frame import Frame
    from grammar import nodes


def begin(frame: Frame, node: nodes.Begin) -> Result:
    """Open a transaction.

    Raises: TransactionError when one is open.
    """
    if frame.transaction is not None:
        raise TransactionError("a transaction is open already", hint="COMMIT or ROLLBACK ends it")
    if node.once is not None and frame.pinned is not None:
        raise ReadOnlyError("the past cannot be written to")
    isolation = node.isolation or frame.options["isolation"]
    workspace = frame.workspace(isolation=None if node.read_only else isolation)
    frame.begin(workspace, read_only=node.read_only)
    if node.once is None:
        return Result("BEGIN")
    return _once(frame, workspace, *node.once)


def _once(frame: Frame, workspace: Workspace, app: str, number: int) -> Result:
    """Begin what an application does at most once: its write number ``number``."""
    key = name_key("y", app)
    before = workspace.get(key)
    result = Result("BEGIN")
    if before is not None:
        done = json.loads(before)
        if number <= done["n"]:
            frame.replayed = result.version = done["version"]
            result.notes.append(
                f"'{app}' has written {done['n']} already, as version {done['version']}: "
                "nothing will be written again"
            )
            return result
    workspace.put(key, canonical({"n": number, "version": PENDING_VERSION}))
    return result


def commit(frame: Frame, node: nodes.Commit) -> Result:  # noqa: ARG001 - the signature of every control
    """Keep the open transaction.

    Raises: TransactionError without one; ConflictError, after which there is none.
    """
    workspace = _open(frame, "commit")
    replayed = frame.replayed
    frame.end()
    if replayed is not None or not workspace.dirty:
        return Result("COMMIT", version=replayed)
    made = commits.append(frame, workspace, "COMMIT", "transaction")
    commits.tidy(frame, workspace)
    return Result("COMMIT", version=made.seq)


def rollback(frame: Frame, node: nodes.Rollback) -> Result:  # noqa: ARG001
    """Drop the open transaction."""
    _open(frame, "roll back")
    frame.end()
    return Result("ROLLBACK")


def savepoint(frame: Frame, node: nodes.Savepoint) -> Result:
    """Remember what the transaction has done so far; a name may be given again."""
    workspace = _open(frame, "set a savepoint in")
    frame.savepoints.append((node.name.lower(), workspace.savepoint()))
    return Result("SAVEPOINT")


def rollback_to(frame: Frame, node: nodes.RollbackTo) -> Result:
    """Undo what was done after a savepoint, which stays.

    Raises: TransactionError when there is none of that name.
    """
    workspace = _open(frame, "roll back")
    at = _place(frame, node.name)
    workspace.undo_to(frame.savepoints[at][1])
    del frame.savepoints[at + 1 :]
    return Result("ROLLBACK")


def release(frame: Frame, node: nodes.Release) -> Result:
    """Forget a savepoint and those after it; what was done stays.

    Raises: TransactionError when there is none of that name.
    """
    _open(frame, "release a savepoint of")
    del frame.savepoints[_place(frame, node.name) :]
    return Result("RELEASE")


def _open(frame: Frame, verb: str) -> Workspace:
    if frame.transaction is None:
        raise TransactionError(f"there is no transaction to {verb}", hint="BEGIN starts one")
    return frame.transaction


def _place(frame: Frame, name: str) -> int:
    """Return where the newest savepoint of that name is among the savepoints."""
    for at in reversed(range(len(frame.savepoints))):
        if frame.savepoints[at][0] == name.lower():
            return at
    names = ", ".join(dict.fromkeys(n for n, _ in frame.savepoints))
    raise TransactionError(
        f"there is no savepoint '{name}'",
        hint=f"there are: {names}" if names else "SAVEPOINT name sets one",
    )
