"""A statement's changes become a commit, again and again until no other writer is in the way.

Layer: ``session``. Invariant: a statement happens whole or not at all; a conflict with another writer
runs it again, against the newest state, before anyone hears of it.
"""

from __future__ import annotations

import getpass
import random
import time
from typing import TYPE_CHECKING

from engine.cache import remembered
from engine.catalog import table_of
from engine.errors import ConflictError, ReadOnlyError
from engine.session.committing.transaction import Transaction
from engine.session.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.execute import Workspace
    from engine.session.frame import Frame
    from engine.timeline import Commit, Head, Proposal

ATTEMPTS = 100
"""How often a statement outside a transaction is run again after a conflict."""

PATIENCE = 12
"""After so many conflicts a statement is run under the writers' lock, if it is quick enough for that."""

ALONE_SECONDS = 5.0
"""How long a statement may take to be run under the writers' lock."""

MESSAGE_LENGTH = 120


def run(frame: Frame, written: str, action: Callable[[Workspace], Result]) -> Result:
    """Run an action: in the open transaction, or as a commit of its own.

    Raises: whatever the action raises; ConflictError, when other writers were faster each time.
    """
    if frame.transaction is not None:
        if frame.read_only:
            raise ReadOnlyError(
                "this transaction is read-only",
                hint="BEGIN without READ ONLY starts one that is not",
            )
        if frame.replayed is not None:
            result = Result("SKIP")
            result.notes.append(f"version {frame.replayed} did this already")
            return result
        return _undone_on_error(frame.transaction, action)
    for attempt in range(ATTEMPTS):
        began = time.monotonic()
        workspace = frame.workspace(isolation=frame.options["isolation"])
        result = action(workspace)
        if not workspace.dirty:
            return result
        try:
            commit = append(frame, workspace, result.tag, written)
        except ConflictError:
            if attempt >= PATIENCE and time.monotonic() - began < ALONE_SECONDS:
                return _alone(frame, written, action)
            time.sleep(random.uniform(0, 0.002) * min(attempt, 10))  # noqa: S311 - spreads writers
            continue
        result.version = commit.seq
        tidy(frame, workspace)
        return result
    raise ConflictError(
        f"other writers were faster {ATTEMPTS} times in a row",
        hint="nothing was changed; run the statement again",
    )


class _NothingToCommitError(Exception):
    """Leaves the writers' lock without a commit."""


def _alone(frame: Frame, written: str, action: Callable[[Workspace], Result]) -> Result:
    """Run an action while holding the writers' lock: nobody can be faster now."""
    done: list[tuple[Workspace, Result]] = []

    def proposal(head: Head, seq: int) -> Proposal:
        workspace = frame.workspace(isolation=frame.options["isolation"])
        result = action(workspace)
        done[:] = [(workspace, result)]
        if not workspace.dirty:
            raise _NothingToCommitError
        transaction, word, about = _prepared(frame, workspace, result.tag, written)
        return transaction.proposal(head, seq, word, about)

    try:
        commit = frame.timeline.commit(proposal)
    except _NothingToCommitError:
        return done[0][1]
    workspace, result = done[0]
    result.version = commit.seq
    tidy(frame, workspace)
    return result


def append(frame: Frame, workspace: Workspace, tag: str, written: str) -> Commit:
    """Commit a workspace; ``written`` is the text that asked for it.

    Raises: ConflictError, IoError.
    """
    transaction, word, about = _prepared(frame, workspace, tag, written)
    return transaction.commit(word, about)


def _prepared(
    frame: Frame, workspace: Workspace, tag: str, written: str
) -> tuple[Transaction, str, dict[str, str]]:
    """Return what commits a workspace, the word for what it does, and what is said about it."""
    word = tag.lower() if tag in {"COMPACT", "OPTIMIZE"} else _operation(workspace)
    if word not in {"compact", "optimize"}:
        frame.executor.relayout(workspace)
    return Transaction(frame.executor.lake(workspace)), word, meta(workspace, written)


def tidy(frame: Frame, workspace: Workspace) -> None:
    """Have tables compacted that many small commits have crowded; nobody waits for that."""
    crowded = frame.executor.crowded(workspace)
    if crowded and frame.upkeep is not None:
        frame.upkeep(frame, crowded)


def _operation(workspace: Workspace) -> str:
    """Return the word a commit's leaf records for what it does."""
    changes, base = workspace.changes, workspace.base
    files = {k: v for k, v in changes.items() if k.startswith("f/")}
    dropped = any(v is None and k[:2] in ("t/", "v/", "s/") for k, v in changes.items())
    if files and not dropped:
        added = any(base.get(k) is None for k in files)
        touched = any(base.get(k) is not None for k in files)
        return "overwrite" if added and touched else "append" if added else "delete"
    if all(k.startswith("w/") for k in changes):
        return "watermark"
    return "snapshot" if all(k.startswith("ref/") for k in changes) else "schema"


def meta(workspace: Workspace, written: str) -> dict[str, str]:
    """Return who made a commit, with which words, and what it touched."""
    ids = {k.split("/")[1] for k in workspace.changes if k[:2] in ("t/", "f/")}
    names = set()
    for table_id in ids:
        data = workspace.get(f"t/{table_id}") or workspace.base.get(f"t/{table_id}")
        if data is not None:
            names.add(table_of(f"t/{table_id}", data).qualified)
    line = " ".join(written.split())
    if len(line) > MESSAGE_LENGTH:
        line = line[: MESSAGE_LENGTH - 1] + "…"
    found = {
        "author": _author(),
        "branch": workspace.branch or "",
        "message": line,
        "tables": ", ".join(sorted(names)),
    }
    return {k: v for k, v in found.items() if v}


@remembered
def _author() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _undone_on_error(workspace: Workspace, action: Callable[[Workspace], Result]) -> Result:
    """Run one statement of a transaction; a failure undoes that statement and no other."""
    point = workspace.savepoint()
    try:
        return action(workspace)
    except BaseException:
        workspace.undo_to(point)
        raise
