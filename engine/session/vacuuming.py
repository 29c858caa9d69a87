"""VACUUM and UNVACUUM: objects that no kept version needs, to the trash and back.

Layer: ``session``. Invariant: these are commits of their own, never a part of a transaction; a dry run
moves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pyarrow as pa

from engine.errors import ReadOnlyError, TransactionError
from engine.execute.upkeep.vacuum import DAY, WINDOW, Vacuum, Vacuumer
from engine.session import commits
from engine.session.result import Result, rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.execute.upkeep.marking import Garbage
    from engine.session.frame import Frame
    from grammar import nodes

_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400, "WEEK": 604_800}
_MICROSECONDS = 1_000_000


def vacuum(frame: Frame, node: nodes.Vacuum) -> Result:
    """List what no kept version needs, by table; with RUN, move it to the trash."""
    if node.action == "purge":
        return _purge(frame, node)
    wanted = _wanted(frame, node)
    vacuumer = _vacuumer(frame, node, f"VACUUM RETAIN {wanted.why}")
    now = frame.clock.now_us()
    if node.action == "dry":
        found = vacuumer.find(wanted)
        result = rows(_by_owner(found), "VACUUM", _TYPES)
        would = "dry run: nothing was moved; RUN, or --run, moves it to the trash"
        result.notes.append(would if found else "there is nothing to vacuum")
        return result
    _require_own(frame, "VACUUM")
    ended = vacuumer.purge(now - WINDOW)
    moved, plan = vacuumer.run(wanted, now)
    result = rows(_by_owner(moved), "VACUUM", _TYPES)
    if ended:
        result.notes.append(f"{len(ended)} earlier vacuums were purged from the trash")
    if plan is None:
        result.notes.append("there is nothing to vacuum")
        return result
    result.version = plan.version
    days = WINDOW // DAY
    result.notes.append(
        f"{len(moved)} objects, {sum(m.size for m in moved.values())} bytes, are in the trash;"
        f" UNVACUUM brings them back within {days} days"
    )
    return result


def unvacuum(frame: Frame, node: nodes.Unvacuum) -> Result:
    """Bring back what is in the trash."""
    _require_own(frame, "UNVACUUM")
    ended = _vacuumer(frame, node, "UNVACUUM").undo()
    result = Result("UNVACUUM", count=sum(plan.objects for plan in ended))
    versions = ", ".join(str(plan.version) for plan in ended)
    result.notes.append(
        f"what version {versions} vacuumed is back" if ended else "the trash is empty"
    )
    return result


def _purge(frame: Frame, node: nodes.Vacuum) -> Result:
    _require_own(frame, "VACUUM")
    window = WINDOW if node.retain is None else _duration(node.retain)
    before = frame.clock.now_us() - window
    ended = _vacuumer(frame, node, "VACUUM PURGE").purge(before)
    size = sum(plan.size for plan in ended)
    result = Result("VACUUM", count=sum(plan.objects for plan in ended))
    result.notes.append(
        f"{size} bytes are gone for good" if ended else "nothing in the trash is old enough"
    )
    return result


def _vacuumer(frame: Frame, node: nodes.Statement, why: str) -> Vacuumer:
    if frame.pinned is not None:
        raise ReadOnlyError("the lakehouse is open as of the past", span=node.span)
    meta = commits.meta(frame.workspace(), why)
    return Vacuumer(frame.timeline, frame.executor.lease, meta)


def _require_own(frame: Frame, what: str) -> None:
    if frame.transaction is not None:
        raise TransactionError(
            f"{what} cannot be part of a transaction", hint="COMMIT or ROLLBACK first"
        )


def _wanted(frame: Frame, node: nodes.Vacuum) -> Vacuum:
    table = None
    if node.table is not None:
        table = frame.planner("", frame.workspace()).binder.table(node.table)
    head = frame.timeline.refresh()
    number, unit = node.retain or (WINDOW // DAY, "DAY")
    words = f"{number} {unit}{'' if number == 1 else 'S'}"
    if unit == "VERSION":
        return Vacuum(max(0, head.seq - max(number, 1) + 1), words, table)
    since = frame.clock.now_us() - _duration((number, unit))
    return Vacuum(max(0, frame.timeline.seq_at(since)), words, table)


def _duration(retain: tuple[int, str]) -> int:
    number, unit = retain
    if unit == "VERSION":
        raise TransactionError("the trash is kept by time", hint="VACUUM PURGE RETAIN 1 DAY")
    return number * _SECONDS[unit] * _MICROSECONDS


_TYPES = ["VARCHAR", "BIGINT", "BIGINT", "VARCHAR"]


def _by_owner(found: Mapping[str, Garbage]) -> pa.Table:
    groups: dict[str | None, list[Garbage]] = defaultdict(list)
    for item in found.values():
        groups[item.owner].append(item)
    order = sorted(groups, key=lambda owner: owner or "")
    return pa.table(
        {
            "of": pa.array(order, pa.string()),
            "objects": pa.array([len(groups[o]) for o in order], pa.int64()),
            "bytes": pa.array([sum(i.size for i in groups[o]) for o in order], pa.int64()),
            "why": pa.array([_reason(groups[o]) for o in order], pa.string()),
        }
    )


def _reason(items: list[Garbage]) -> str:
    if items[0].owner is None:
        return "no version ever had it: an interrupted write left it"
    first, last = min(i.first for i in items), max(i.last for i in items)
    if first == last:
        return f"only version {first} needs it"
    return f"only versions {first} to {last} need it"
