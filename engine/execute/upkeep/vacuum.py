"""VACUUM: what nothing needs goes to the trash, by a plan that the log knows; UNVACUUM brings it back.

Layer: ``execute``. Invariant: at every moment an object that a kept version refers to is in its place,
and one that is not is in the trash under a plan of the log, until that plan is purged. Whatever step a
crash leaves undone, the next call does.

A plan is committed before anything moves. Moving happens under the writer's lock, after everything
was marked again: no commit can come to refer to what is on its way out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.catalog import Ref
from engine.catalog.vacuum import PLANNED, PURGED, RESTORED, TRASH, VacuumPlan, encode_list, plans
from engine.errors import UnsupportedError
from engine.execute.upkeep.marking import garbage
from engine.execute.workspace import INLINE_BYTES
from engine.objectstore import LocalStore, layout
from engine.timeline import Proposal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.catalog import Table
    from engine.execute.upkeep.marking import Garbage
    from engine.objectstore import Lease
    from engine.timeline import Head, Timeline

DAY = 86_400_000_000
"""Microseconds in a day."""
WINDOW = 7 * DAY
"""What is vacuumed keeps so long a history, and stays so long in the trash, unless one says otherwise."""


@dataclass(frozen=True, slots=True)
class Vacuum:
    """What to vacuum: versions from ``start`` on are kept; ``why`` says so in words."""

    start: int
    why: str
    table: Table | None = None


class Vacuumer:
    """Upkeep of one lakehouse's objects."""

    def __init__(self, timeline: Timeline, lease: Lease | None, meta: Mapping[str, str]) -> None:
        """Work on the timeline's store; ``meta`` goes into each commit.

        Raises: UnsupportedError when the lakehouse is no folder.
        """
        if not isinstance(timeline.store, LocalStore):
            raise UnsupportedError("only a lakehouse in a folder can be vacuumed")
        self._timeline = timeline
        self._store = timeline.store
        self._lease = lease
        self._meta = dict(meta)

    def find(self, wanted: Vacuum) -> dict[str, Garbage]:
        """Return what a vacuum would take.

        Cost: see ``garbage``.
        """
        return garbage(
            self._timeline, self._store, wanted.start, lease=self._lease, table=wanted.table
        )

    def run(self, wanted: Vacuum, now: int) -> tuple[dict[str, Garbage], VacuumPlan | None]:
        """Commit a plan, then move what is garbage still into the trash; return what went.

        Units: ``now`` microseconds since the Unix epoch.
        Raises: IoError, ReadOnlyError, LakeError when the lock is not to be had.
        """
        self._finish()
        found = self.find(wanted)
        if not found:
            return {}, None
        plan = self._plan(wanted, found, now)
        moved = self._move(plan, found, wanted)
        return {digest: found[digest] for digest in moved}, plan

    def undo(self) -> list[VacuumPlan]:
        """Bring back everything that is in the trash; return the plans that this ends.

        Raises: IoError, ReadOnlyError.
        """
        ended: list[VacuumPlan] = []

        def build(head: Head, seq: int) -> Proposal:  # noqa: ARG001 - the shape of a builder
            ended[:] = [plan for plan in plans(head.state) if plan.undoable]
            for plan in ended:
                self._bring_back(plan)
            return self._staged(ended, RESTORED, "unvacuum")

        if any(plan.undoable for plan in plans(self._timeline.refresh().state)):
            self._timeline.commit(build)
        return ended

    def purge(self, before: int) -> list[VacuumPlan]:
        """Delete what was vacuumed before a time, for good; return the plans that this ends.

        Units: microseconds since the Unix epoch.
        Raises: IoError, ReadOnlyError.
        """
        ended: list[VacuumPlan] = []

        def due(head: Head) -> list[VacuumPlan]:
            return [plan for plan in plans(head.state) if plan.undoable and plan.ts <= before]

        def build(head: Head, seq: int) -> Proposal:  # noqa: ARG001 - the shape of a builder
            ended[:] = due(head)
            return self._staged(ended, PURGED, "vacuum")

        if due(self._timeline.refresh()):
            self._timeline.commit(build)
        for plan in plans(self._timeline.head.state):
            if plan.stage == PURGED:
                for path in list(self._store.list(f"{layout.TRASH}/{plan.folder}")):
                    self._store.remove(path)
        return ended

    def _plan(self, wanted: Vacuum, found: Mapping[str, Garbage], now: int) -> VacuumPlan:
        data = encode_list({digest: item.size for digest, item in found.items()})
        inline = len(data) <= INLINE_BYTES
        digest = hashlib.sha256(data).hexdigest() if inline else self._timeline.put_object(data)
        made: list[VacuumPlan] = []

        def build(head: Head, seq: int) -> Proposal:  # noqa: ARG001 - the shape of a builder
            size = sum(item.size for item in found.values())
            listed = Ref(digest, seq if inline else None)
            plan = VacuumPlan(seq, now, PLANNED, len(found), size, wanted.why, listed)
            made[:] = [plan]
            changes = {plan.state_key: plan.encode()}
            return Proposal("vacuum", changes, [data] if inline else [], self._meta)

        self._timeline.commit(build)
        return made[0]

    def _move(self, plan: VacuumPlan, found: Mapping[str, Garbage], wanted: Vacuum) -> list[str]:
        """Mark again and move what both times nothing needed, while nobody can commit."""
        moved: list[str] = []

        def build(head: Head, seq: int) -> Proposal:  # noqa: ARG001 - the shape of a builder
            still = self.find(wanted)
            moved[:] = [digest for digest in found if digest in still]
            for digest in moved:
                self._store.move(layout.data_object(digest), _trashed(plan, digest))
            size = sum(found[digest].size for digest in moved)
            return self._staged([replace(plan, objects=len(moved), size=size)], TRASH, "vacuum")

        self._timeline.commit(build)
        return moved

    def _finish(self) -> None:
        """Bring back what an interrupted vacuum took: its plan is made anew."""

        def build(head: Head, seq: int) -> Proposal:  # noqa: ARG001 - the shape of a builder
            stuck = [plan for plan in plans(head.state) if plan.stage == PLANNED]
            for plan in stuck:
                self._bring_back(plan)
            return self._staged(stuck, RESTORED, "unvacuum")

        if any(plan.stage == PLANNED for plan in plans(self._timeline.refresh().state)):
            self._timeline.commit(build)

    def _bring_back(self, plan: VacuumPlan) -> None:
        folders = set()
        for path in list(self._store.list(f"{layout.TRASH}/{plan.folder}")):
            target = layout.data_object(path.rpartition("/")[2])
            self._store.move(path, target)
            folders.add(target.rpartition("/")[0])
        for folder in folders:
            self._store.sync(folder)

    def _staged(self, ended: list[VacuumPlan], stage: str, op: str) -> Proposal:
        changes: dict[str, bytes | None] = {
            plan.state_key: replace(plan, stage=stage).encode() for plan in ended
        }
        return Proposal(op, changes, (), self._meta)


def _trashed(plan: VacuumPlan, digest: str) -> str:
    return f"{layout.TRASH}/{plan.folder}/{digest}"
