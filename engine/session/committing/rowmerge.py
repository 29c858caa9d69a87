"""Two sides changed the rows of one table: their changes are put together, row by row.

Layer: ``session``. Invariant: a row that either side killed is dead, a row that either side made is
alive, and a row that one side only moved to another file stays one row, wherever it lies; the same row
changed by both is a conflict, and nothing else is.
Source: design of the lakehouse, conflict rules: positions are compared in the files both sides knew;
where a file was rewritten meanwhile, they are followed by row id and last version into the new files.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from engine.catalog import ROW_ID_SHIFT, FileEntry
from engine.execute.workspace import is_pending
from engine.storage import Addresses, deletion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.catalog import Mapping as State
    from engine.catalog import Table
    from engine.execute import Lake
    from engine.storage import Bitmap

    Entries = Mapping[str, FileEntry]
    Places = dict[str, Bitmap]

_MARKED = frozenset({"rid", "marks", "dead"})


class Side:
    """What one side did to a table's files: which positions it killed, and which it made."""

    def __init__(self, lake: Lake, base: Entries, now: Entries) -> None:
        """Compare two states of the files that differ."""
        self.entries = now
        self.killed: Places = {}
        self.born: Places = {}
        for key in base.keys() | now.keys():
            before, after = base.get(key), now.get(key)
            if before == after:
                continue
            was, are = alive(lake, before), alive(lake, after)
            if killed := deletion.minus(was, are):
                self.killed[key] = killed
            if born := deletion.minus(are, was):
                self.born[key] = born


class RowMerge:
    """Both sides' changes of one table, over the files that either side changed."""

    def __init__(
        self, lake: Lake, table: Table, base: Entries, ours: Entries, theirs: Entries
    ) -> None:
        """Find what both did; nothing is read but deletion marks."""
        self._lake = lake
        self._table = table
        self._base = base
        self.ours = Side(lake, base, ours)
        self.theirs = Side(lake, base, theirs)
        self._live = {
            key: deletion.union(
                deletion.minus(alive(lake, theirs.get(key)), self.ours.killed.get(key)),
                self.ours.born.get(key),
            )
            for key in base.keys() | ours.keys() | theirs.keys()
        }

    def follow(self) -> set[int]:
        """Follow rows that one side moved and the other changed; return those that both changed.

        Shape: row ids. Cost: nothing without files that both touched in the same places; else the row
        ids of the new files.
        """
        both = {
            key: shared
            for key, killed in self.ours.killed.items()
            if (shared := killed & self.theirs.killed.get(key, deletion.EMPTY))
        }
        if not both:
            return set()
        met, _ = self._rows(self._base, both)
        here, ours = self._rows(self.ours.entries, self.ours.born, met)
        there, theirs = self._rows(self.theirs.entries, self.theirs.born, met)
        stayed, moved = met.same(here)
        self._kill(moved, ours)
        rest = met.without(stayed)
        stayed, moved = rest.same(there)
        self._kill(moved, theirs)
        # Where both moved a row, the others' copy stays: ours was killed above.
        return rest.without(stayed).ids()

    def revived(self, version: int) -> set[int]:
        """Return rows up to a version that we brought and that the others hold alive, but changed.

        Where they hold the very same, as after one branch was merged that began from another, their
        copy stays. To be asked after ``follow``.
        """
        old = {
            key: born & self._live[key]
            for key, born in self.ours.born.items()
            if not is_pending(self.ours.entries[key].rid)
            and self.ours.entries[key].rid >> ROW_ID_SHIFT <= version
        }
        if not old or not self.theirs.born:
            return set()
        back, files = self._rows(self.ours.entries, old)
        there = {
            key: (born & self._live[key]) - old.get(key, deletion.EMPTY)
            for key, born in self.theirs.born.items()
        }
        found, _ = self._rows(self.theirs.entries, there, back)
        copies, _ = back.same(found)
        self._kill(copies, files)
        return found.without(copies).ids()

    def drop(self, rids: set[int], *, ours: bool) -> None:
        """Forget what one side made of some rows."""
        side = self.ours if ours else self.theirs
        self._kill(*self._rows(side.entries, side.born, sorted(rids)))

    def before(self, rids: set[int]) -> list[tuple[FileEntry, Bitmap]]:
        """Return where the base holds some rows, among the files that either side changed."""
        old = {key: alive(self._lake, entry) for key, entry in self._base.items()}
        rows, keys = self._rows(self._base, old, sorted(rids))
        return [(self._base[keys[number]], positions) for number, positions in rows.by_file()]

    def kill_at(self, places: Iterable[tuple[str, int]]) -> None:
        """Make single rows dead."""
        for key, position in places:
            self._live[key] = self._live[key] - deletion.bitmap([position])

    def known_at(self, places: Iterable[tuple[str, int]], *, ours: bool) -> bool:
        """Say whether one of these rows, which one side made, is a new form of an old row."""
        at: dict[str, list[int]] = {}
        for key, position in places:
            at.setdefault(key, []).append(position)
        side = self.ours if ours else self.theirs
        rows, _ = self._rows(side.entries, {key: deletion.bitmap(p) for key, p in at.items()})
        old = {key: alive(self._lake, entry) for key, entry in self._base.items()}
        return bool(len(self._rows(self._base, old, rows)[0]))

    def made(self, *, ours: bool) -> list[tuple[str, FileEntry, Bitmap]]:
        """Return the files with rows that one side alone made, and those of these that will live.

        Shape: (state key, entry, positions).
        """
        side, other = (self.ours, self.theirs) if ours else (self.theirs, self.ours)
        return [
            (key, side.entries[key], kept)
            for key, born in sorted(side.born.items())
            if (kept := (born & self._live[key]) - other.born.get(key, deletion.EMPTY))
        ]

    def news(self) -> list[tuple[FileEntry, Bitmap]]:
        """Return the rows that the others changed and not only moved: as they were, and as they are.

        Shape: (file, positions).
        """
        killed, born = dict(self.theirs.killed), dict(self.theirs.born)
        if killed and born:
            dead, before = self._rows(self._base, killed)
            fresh, after = self._rows(self.theirs.entries, born, dead)
            left, moved = dead.same(fresh)
            for places, rows, keys in ((killed, left, before), (born, moved, after)):
                for number, positions in rows.by_file():
                    places[keys[number]] = places[keys[number]] - positions
        return [
            *((self._base[k], b) for k, b in sorted(killed.items()) if b),
            *((self.theirs.entries[k], b) for k, b in sorted(born.items()) if b),
        ]

    def result(self) -> Iterator[tuple[str, FileEntry | None]]:
        """Yield each file as it is to be, None for one without a live row.

        Cost: marks that neither side has are stored anew.
        """
        for key, live in sorted(self._live.items()):
            if not live:
                yield key, None
                continue
            mine, other = self.ours.entries.get(key), self.theirs.entries.get(key)
            for entry in (other, mine):
                if entry is not None and alive(self._lake, entry) == live:
                    yield key, self._with_own(key, entry)
                    break
            else:
                template = other or mine
                if template is None:
                    template = self._base[key]
                dead = deletion.minus(deletion.bitmap(range(template.rows)), live)
                ref = self._lake.workspace.keep(deletion.serialize(dead))
                marked = replace(template, marks=ref, dead=deletion.count(dead))
                yield key, self._with_own(key, marked)

    def _with_own(self, key: str, entry: FileEntry) -> FileEntry:
        """Return an entry with what else we changed of it, such as a new index."""
        mine, base = self.ours.entries.get(key), self._base.get(key)
        if mine is None or base is None:
            return entry
        changed = {
            f.name: getattr(mine, f.name)
            for f in fields(mine)
            if f.name not in _MARKED and getattr(mine, f.name) != getattr(base, f.name)
        }
        return replace(entry, **changed) if changed else entry

    def _kill(self, rows: Addresses, keys: list[str]) -> None:
        for number, positions in rows.by_file():
            self._live[keys[number]] = self._live[keys[number]] - positions

    def _rows(
        self, entries: Entries, places: Places, like: Sequence[int] | Addresses | None = None
    ) -> tuple[Addresses, list[str]]:
        """Return the rows at these places, and the keys of their files by number."""
        keys = sorted(key for key, positions in places.items() if positions)
        files = [(self._lake.scan_file(n, entries[k]), places[k]) for n, k in enumerate(keys)]
        return Addresses.read(self._lake.columns(self._table), files, like), keys


def entries(state: State, keys: Iterable[str]) -> dict[str, FileEntry]:
    """Return those of some files that a state has."""
    found = ((key, state.get(key)) for key in keys)
    return {key: FileEntry.decode(key, value) for key, value in found if value is not None}


def alive(lake: Lake, entry: FileEntry | None) -> Bitmap:
    """Return the positions of a file's live rows; of no file, none."""
    if entry is None:
        return deletion.EMPTY
    return deletion.minus(deletion.bitmap(range(entry.rows)), lake.marks(entry))
