"""A commit names only objects that are there.

Layer: ``session``. Invariant: checked under the timeline's lock, where nothing can be vacuumed; so no
commit ever refers to an object that was garbage, and taken, while its writer counted on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalog import refs_of
from engine.catalog.vacuum import taken
from engine.errors import ConflictError, CorruptError, VacuumedError
from engine.objectstore import layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.catalog.vacuum import VacuumPlan
    from engine.errors import StorageError, TransactionError
    from engine.execute import Workspace
    from engine.timeline import State


def require_objects(
    workspace: Workspace, state: State, changes: Mapping[str, bytes | None]
) -> None:
    """Check that every object file which changes newly refer to is in its place.

    Cost: one look at a file for each.
    Raises: ConflictError where a new try writes it again; VacuumedError, CorruptError where none can.
    """
    timeline = workspace.timeline
    for key, value in changes.items():
        if value is None:
            continue
        wanted = {ref.digest for ref in refs_of(key, value) if ref.at is None}
        before = state.get(key) if wanted else None
        if before is not None:
            wanted -= {ref.digest for ref in refs_of(key, before)}
        for digest in sorted(wanted):
            path = layout.data_object(digest)
            if timeline.store.size(path) is None:
                raise _missing(path, taken(timeline, digest), workspace.version)


def _missing(path: str, plan: VacuumPlan | None, version: int) -> TransactionError | StorageError:
    if plan is None:
        return CorruptError(f"{path} is missing", subject=path)
    if plan.version > version:
        return ConflictError(
            "what this transaction counted on was vacuumed meanwhile",
            hint="nothing was changed; run it again",
        )
    return VacuumedError(
        f"the rows of that version were vacuumed by version {plan.version}",
        hint="UNVACUUM brings them back",
    )
