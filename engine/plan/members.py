"""From the columns of a table, or the fields of a STRUCT, to others: dropped, renamed, added, moved.

Layer: ``plan``. Invariant: at every step names differ and at least one member is left, whatever names
are exchanged or used again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.datatypes.words import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Action = tuple[str, str, bool]
"""Words, what ALTER TABLE says, and whether it drops something."""


@dataclass(frozen=True, slots=True)
class Member:
    """A column or field; ``added`` is what ADD COLUMN says behind its path, ``kind`` its type."""

    id: int
    name: str
    kind: str
    added: str


@dataclass(frozen=True, slots=True)
class Members:
    """What is called ``word`` in words, and how paths to it begin."""

    word: str
    path: tuple[str, ...]

    def shown(self, name: str) -> str:
        """Return a member's path for people."""
        return ".".join((*self.path, name))

    def sql(self, name: str) -> str:
        """Return a member's path as SQL."""
        return ".".join(map(quoted, (*self.path, name)))

    def actions(self, old: Sequence[Member], new: Sequence[Member]) -> Iterator[Action]:
        """Yield what leads from the old members to the new, but for their order and what is inside."""
        wanted = {m.id: m for m in new}
        gone = [m.name for m in old if m.id not in wanted]
        fresh = [m for m in new if m.id not in {m.id for m in old}]
        last = None
        if len(gone) == len(old) and gone:
            last = gone.pop()
        for name in gone:
            yield self._drop(name)
        names = {m.name: wanted[m.id].name for m in old if m.id in wanted}
        if last is not None:
            clash = last.lower() in {m.name.lower() for m in fresh}
            names[last] = _spare(last, [m.name for m in fresh]) if clash else last
        yield from self._renames(names)
        for member in fresh:
            words = f"{self.word} {self.shown(member.name)} {member.kind} added"
            path = "".join(f"{quoted(part)}." for part in self.path)
            yield words, f"ADD COLUMN {path}{member.added}", False
        if last is not None:
            yield self._drop(names[last])

    def moves(self, old: Sequence[Member], new: Sequence[Member]) -> Iterator[Action]:
        """Yield what puts members in order, once all of them are there."""
        names = {m.id: m.name for m in new}
        known = {m.id for m in old}
        order = [m.id for m in old if m.id in names] + [m.id for m in new if m.id not in known]
        for at, member in enumerate(new):
            if order[at] != member.id:
                order.remove(member.id)
                order.insert(at, member.id)
                place = f"AFTER {quoted(new[at - 1].name)}" if at else "FIRST"
                where = f"behind {new[at - 1].name}" if at else "to the front"
                words = f"{self.word} {self.shown(member.name)} moved {where}"
                yield words, f"ALTER COLUMN {self.sql(member.name)} {place}", False

    def _drop(self, name: str) -> Action:
        return f"{self.word} {self.shown(name)} dropped", f"DROP COLUMN {self.sql(name)}", True

    def _renames(self, names: dict[str, str]) -> Iterator[Action]:
        """Rename one at a time; names that are exchanged take a turn over a spare one."""
        waiting = {old: new for old, new in names.items() if old != new}
        while waiting:
            held = {old.lower() for old in waiting}
            free = (o for o, n in waiting.items() if n.lower() not in held - {o.lower()})
            old = next(free, None)
            if old is not None:
                yield self._rename(old, waiting.pop(old))
                continue
            old = next(iter(waiting))
            spare = _spare(old, [*names, *names.values()])
            yield self._rename(old, spare)
            waiting[spare] = waiting.pop(old)

    def _rename(self, old: str, new: str) -> Action:
        words = f"{self.word} {self.shown(old)} renamed to {new}"
        return words, f"RENAME COLUMN {self.sql(old)} TO {quoted(new)}", False


def _spare(name: str, taken: Sequence[str]) -> str:
    folded, number = {t.lower() for t in taken}, 1
    while f"{name}_{number}".lower() in folded:
        number += 1
    return f"{name}_{number}"
