"""A branch's changes become changes of main, row by row.

Layer: ``session``. Invariant: the rules are those of two transactions that began from one state: the
branch's base is that state, its overlay one side, what main did since the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from engine.catalog import PENDING_VERSION, Table
from engine.errors import ConflictError
from engine.session.committing.conflicts import (
    changed_both,
    check_names,
    commutes,
    places_of,
    same_keys,
)
from engine.session.committing.rowmerge import RowMerge, entries
from engine.timeline import differing

if TYPE_CHECKING:
    from engine.catalog import BranchState, FileEntry, Unique
    from engine.execute import Lake
    from engine.session.committing.conflicts import Changes
    from engine.storage import Bitmap
    from engine.timeline import State

HINT = "ON CONFLICT OURS keeps what main has, ON CONFLICT THEIRS takes what the branch has"


class BranchMerge:
    """One merge into main; ``prefer`` is ``fail``, ``ours`` for main or ``theirs`` for the branch."""

    def __init__(
        self, lake: Lake, base: State, branch: BranchState, head: State, prefer: str
    ) -> None:
        """Compare the branch and main with what they have in common."""
        self._lake = lake
        self._base = base
        self._branch = branch
        self._head = head
        self._prefer = prefer
        self._mine = branch.changes()
        gone, come = differing(base, head)
        self._others = {*gone, *come}

    def changes(self) -> Changes:
        """Return what main's state map must gain and lose.

        Raises: ConflictError when both changed the same row, key or definition, and none is preferred.
        """
        check_names(self._base, self._head, self._mine)
        out: Changes = {}
        for key, value in self._mine.items():
            if key[:2] not in ("f/", "t/") and self._takes(key, value):
                out[key] = value
        for table_id in sorted({k.split("/")[1] for k in self._mine if k[:2] in ("f/", "t/")}):
            out.update(self._table(table_id))
        return {k: v for k, v in out.items() if self._head.get(k) != v}

    def _takes(self, key: str, value: bytes | None) -> bool:
        """Say whether the branch's value of a key is taken."""
        if key not in self._others or self._head.get(key) == value:
            return True
        if self._prefer == "fail":
            raise _told(changed_both(key))
        return self._prefer == "theirs"

    def _table(self, table_id: str) -> Changes:
        key, prefix = f"t/{table_id}", f"f/{table_id}/"
        before, here, there = (s.get(key) for s in (self._base, self._branch, self._head))
        if before is None:
            return {k: v for k, v in self._mine.items() if k == key or k.startswith(prefix)}
        table = Table.decode(table_id, before)
        altered = here not in (before, there)
        if (altered and there != before) or not commutes(table_id, before, there):
            return self._one_side(table, "defined")
        touched = [k for k in (*self._others, *self._mine) if k.startswith(prefix)]
        merge = RowMerge(
            self._lake,
            table,
            entries(self._base, touched),
            entries(self._branch, touched),
            entries(self._head, touched),
        )
        if not commutes(table_id, before, here) and merge.news():
            return self._one_side(table, "changed")
        self._settle_rows(table, merge)
        for rule in table.distinct:
            self._settle_keys(table, merge, rule)
        out: Changes = {k: None if entry is None else entry.encode() for k, entry in merge.result()}
        if altered:
            out[key] = here
        return out

    def _one_side(self, table: Table, verb: str) -> Changes:
        """Take a table that cannot be put together as one side has it."""
        if self._prefer == "fail":
            raise ConflictError(f"the branch and main both {verb} {table.qualified}", hint=HINT)
        if self._prefer == "ours":
            return {}
        found = {k for k, _ in self._head.items(table.file_prefix)}
        found.update(k for k, _ in self._branch.items(table.file_prefix))
        return {k: self._branch.get(k) for k in (*sorted(found), table.state_key)}

    def _settle_rows(self, table: Table, merge: RowMerge) -> None:
        """Let one side's form of a row win where both changed it."""
        lost = merge.follow() | merge.revived(PENDING_VERSION)
        if not lost:
            return
        if self._prefer == "fail":
            count = "a row" if len(lost) == 1 else f"{len(lost)} rows"
            raise ConflictError(
                f"the branch and main both changed {count} of {table.qualified}", hint=HINT
            )
        loser = self._prefer == "ours"
        merge.drop(lost, ours=loser)
        for rule in table.distinct:
            # Deleted and made again under the same key is changed.
            keys = self._keys(table, rule, merge.before(lost))
            if keys.num_rows:
                made = merge.made(ours=loser)
                again = list(same_keys(self._lake, table, rule, [keys], made))
                _refuse_known(table, merge, again, ours=loser)
                merge.kill_at(again)

    def _settle_keys(self, table: Table, merge: RowMerge, rule: Unique) -> None:
        """Let one side's row win where both made one with the same key."""
        loser, winner = (True, False) if self._prefer == "ours" else (False, True)
        made = merge.made(ours=loser)
        made_too = [(entry, kept) for _, entry, kept in merge.made(ours=winner)]
        rivals = [self._keys(table, rule, made_too)]
        if not rivals[0].num_rows:
            return
        found = list(same_keys(self._lake, table, rule, rivals, made))
        if not found:
            return
        if self._prefer == "fail":
            raise ConflictError(
                f"the branch and main both have a new row in {table.qualified} with the same key",
                hint=HINT,
            )
        _refuse_known(table, merge, found, ours=loser)
        merge.kill_at(found)

    def _keys(self, table: Table, rule: Unique, places: list[tuple[FileEntry, Bitmap]]) -> pa.Table:
        names = [c.name for c in table.columns_of(rule.columns)]
        scan = places_of(self._lake, table, places)
        schema = pa.schema([scan.schema.field(name) for name in names])
        return pa.Table.from_batches(scan.batches(names), schema=schema)


def _refuse_known(
    table: Table, merge: RowMerge, places: list[tuple[str, int]], *, ours: bool
) -> None:
    """Refuse when a row that must give way to another one of its key is an old row with a new key.

    Raises: ConflictError, for that row would be lost.
    """
    if places and merge.known_at(places, ours=ours):
        raise ConflictError(
            f"a row of {table.qualified} was given a key that the other side gave as well",
            hint="change one of the two keys, then merge again",
        )


def _told(error: ConflictError) -> ConflictError:
    error.hint = HINT
    return error
