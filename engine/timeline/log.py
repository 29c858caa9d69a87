"""Log segments at rest: reading groups of commits, and telling a torn end from damage.

Layer: ``engine.timeline``. Invariant: what cannot be the trace of an interrupted append is damage,
and damage raises; nothing that was acknowledged is ever skipped.
Format: grizzly-lake(5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.errors import CorruptError
from engine.objectstore import layout
from engine.timeline import group as groups_

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.objectstore import Store
    from engine.timeline.group import Group
    from engine.timeline.record import Record

COMMITS: Final = layout.SEGMENT_COMMITS


@dataclass(frozen=True, slots=True)
class Scan:
    """The intact groups from some place on; ``torn`` bytes of an interrupted append follow."""

    groups: list[Group]
    end: int
    torn: int


def scan(
    store: Store, index: int, db: str | None, start: int = 0, first: int | None = None
) -> Scan:
    """Read a segment's groups from byte ``start``, where commit ``first`` begins.

    ``db`` is the lakehouse's identifier, None when it is not known.

    Raises: CorruptError, when what follows the intact groups cannot be an interrupted append;
    IoError.
    """
    path = layout.segment(index)
    expected = index * COMMITS if first is None else first
    limit = (index + 1) * COMMITS
    data = store.read(path, start)
    found: list[Group] = []
    at = 0
    while at < len(data) and expected < limit:
        group = groups_.decode(data, at, start, path)
        if group is None or group.first != expected or group.seal.size > limit:
            break
        found.append(group)
        expected = group.seal.size
        at = group.end - start
    if found and at == len(data) and not found[-1].objects_intact(data, start):
        last = found.pop()
        expected, at = last.first, at - last.length
    if at < len(data) and (expected == limit or _resumes(data, at, expected, db)):
        raise CorruptError(f"{path}: commit {expected} is damaged", subject=path)
    return Scan(found, start + at, len(data) - at)


def _resumes(data: bytes, at: int, expected: int, db: str | None) -> bool:
    """Return whether an intact later group follows, which no interrupted append leaves behind.

    An object that the append inlined may hold groups: those of another lakehouse say nothing.
    """
    at = data.find(groups_.MAGIC, at)
    while at >= 0:
        group = groups_.decode(data, at, 0, "")
        if group is not None and group.first > expected and db in {None, group.db}:
            return True
        at = data.find(groups_.MAGIC, at + 1)
    return False


def follow(groups: Sequence[Group], db: str, parent: bytes, ts: int) -> list[Record]:
    """Return the records of groups that follow the leaf with hash ``parent`` and time ``ts``.

    Raises: CorruptError.
    """
    found: list[Record] = []
    for group in groups:
        for record in group.records(db, parent):
            if record.ts <= ts:
                raise record.corrupt("its time is not after that of the commit before it")
            found.append(record)
            parent, ts = record.hashed, record.ts
    return found
