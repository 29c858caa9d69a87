"""A workspace becomes a commit: conflicts are found, provisional names become final.

Layer: ``session``. Invariant: what is decided here is decided under the timeline's lock, against the
newest state; nothing is rewritten but references and deletion marks, however far the head has moved.

With what was read checked too, the order of commits is an order in which the transactions could have
run one after the other; without, each one reads one state and no update is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalog import BranchState, branch_in, table_of
from engine.errors import ConflictError
from engine.execute.workspace import is_pending
from engine.session.committing.conflicts import (
    changed_both,
    check_names,
    commutes,
    conflict,
    same_keys,
    was_read,
)
from engine.session.committing.presence import require_objects
from engine.session.committing.rowmerge import RowMerge, alive, entries
from engine.session.committing.settle import Settler
from engine.timeline import Proposal, State, differing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.catalog import Mapping, Table
    from engine.execute import Lake
    from engine.session.committing.conflicts import Made
    from engine.timeline import Commit, Head

Changes = dict[str, bytes | None]


class Transaction:
    """Commits one workspace.

    Raises: ConflictError, from ``commit``, when another writer got in the way.
    """

    def __init__(self, lake: Lake) -> None:
        """Commit the lake's workspace."""
        self._lake = lake
        self._workspace = lake.workspace
        self._objects: dict[str, bytes] = {}

    def commit(self, op: str, meta: dict[str, str]) -> Commit:
        """Append the workspace to the timeline; durable when this returns.

        Cost: one append and its sync, and what others changed meanwhile in the tables written or read.
        Raises: ConflictError, IoError, LakeError when the lock is not to be had.
        """
        return self._workspace.timeline.commit(lambda head, seq: self.proposal(head, seq, op, meta))

    def proposal(self, head: Head, seq: int, op: str, meta: dict[str, str]) -> Proposal:
        """Return what commit ``seq`` is to do, after ``head``.

        Raises: ConflictError.
        """
        changes = self._final(head.state, seq)
        return Proposal(op, changes, list(self._objects.values()), meta)

    def _final(self, state: State, seq: int) -> Changes:
        head = self._line(state)
        settler = Settler(seq, self._workspace.objects)
        merged = self._merged(head)
        final = {settler.key(k): settler.value(k, v) for k, v in merged.items()}
        self._objects = settler.objects
        changes = head.stored(final) if isinstance(head, BranchState) else final
        require_objects(self._workspace, state, changes)
        return changes

    def _line(self, state: State) -> State | BranchState:
        """Return the newest state of the workspace's branch."""
        base = self._workspace.base
        if not isinstance(base, BranchState):
            return state
        if state.get(base.branch.state_key) != base.get(base.branch.state_key):
            raise conflict("merged or dropped the branch")
        now = branch_in(state, base.branch.name)
        return BranchState(self._workspace.timeline.state_at(now.base), state, now)

    def _merged(self, head: State | BranchState) -> Changes:
        """Return our changes as changes of the newest state.

        Raises: ConflictError.
        """
        workspace = self._workspace
        others = _differing(workspace.base, head)
        if not others:
            return dict(workspace.changes)
        check_names(workspace.base, head, workspace.changes)
        changes: Changes = {}
        for key, value in workspace.changes.items():
            if not key.startswith("f/"):
                if key in others:
                    raise changed_both(key)
                changes[key] = value
        for table_id in self._concerned(others):
            changes.update(self._table(table_id, head, others))
        return changes

    def _concerned(self, others: set[str]) -> set[str]:
        """Return the ids of the tables that we wrote to, or that we read and others wrote to."""
        workspace = self._workspace
        ours = {k.split("/")[1] for k in workspace.changes if k[:2] in ("f/", "i/", "t/")}
        theirs = {k.split("/")[1] for k in others if k[:2] in ("f/", "t/")}
        read = set() if workspace.reads is None else set(workspace.reads.conditions)
        return ours | ((read | workspace.claims) & theirs)

    def _table(self, table_id: str, head: Mapping, others: set[str]) -> Changes:
        """Return what becomes of a table's files.

        Raises: ConflictError.
        """
        workspace = self._workspace
        base, key = workspace.base, f"t/{table_id}"
        before, now = base.get(key), head.get(key)
        if before is None:
            return {k: v for k, v in workspace.changes.items() if k.startswith(f"f/{table_id}/")}
        if not commutes(table_id, before, now):
            raise conflict("altered or dropped the table")
        table = table_of(key, before)
        prefix = table.file_prefix
        added = self._added(table, head, others)
        if added is not None:
            return added
        touched = [k for k in (*others, *workspace.changes) if k.startswith(prefix)]
        merge = RowMerge(
            self._lake,
            table,
            entries(base, touched),
            entries(workspace, touched),
            entries(head, touched),
        )
        if merge.follow():
            raise conflict("changed the same rows")
        self._check_judged(table, merge)
        self._check_keys(table, merge.made(ours=False))
        return dict(_changed(merge, head))

    def _check_judged(self, table: Table, merge: RowMerge) -> None:
        """Refuse when what we judged a table by is no longer so: its definition, or what we read."""
        workspace = self._workspace
        if (self._redefined(table) or table.id in workspace.claims) and merge.news():
            raise conflict(f"changed rows of {table.qualified}")
        reads = {} if workspace.reads is None else workspace.reads.conditions
        if table.id in reads and was_read(self._lake, table, reads[table.id], merge):
            raise ConflictError(
                f"another writer changed rows of {table.qualified} that this transaction read",
                hint="nothing of it was kept; run it again, or with ISOLATION LEVEL SNAPSHOT",
            )

    def _redefined(self, table: Table) -> bool:
        """Say whether our definition of a table holds only while nobody changes its rows."""
        key = table.state_key
        return not commutes(table.id, self._workspace.base.get(key), self._workspace.get(key))

    def _added(self, table: Table, head: Mapping, others: set[str]) -> Changes | None:
        """Return what becomes of a table's files where both sides only added some; None elsewhere.

        Cost: no row of any file is looked at, but for its key.
        Raises: ConflictError.
        """
        workspace, prefix = self._workspace, table.file_prefix
        base = workspace.base
        ours = {k: v for k, v in workspace.changes.items() if k.startswith(prefix)}
        reads = () if workspace.reads is None else workspace.reads.conditions
        if table.id in workspace.claims or table.id in reads or self._redefined(table):
            return None
        if any(v is None or not _is_new(k) for k, v in ours.items()):
            return None
        theirs = [k for k in others if k.startswith(prefix)]
        if workspace.keys.get(table.id):
            if any(base.get(k) is not None and head.get(k) is not None for k in theirs):
                return None
            fresh = sorted(entries(head, theirs).items())
            self._check_keys(table, [(k, entry, alive(self._lake, entry)) for k, entry in fresh])
        return ours

    def _check_keys(self, table: Table, theirs: Made) -> None:
        """Keys that were new when they were added must still be new among the others' new rows."""
        ours = self._workspace.keys.get(table.id)
        if not ours or self._redefined(table):
            return
        for rule in table.distinct:
            if any(same_keys(self._lake, table, rule, ours, theirs)):
                raise conflict("added the same key")


def _is_new(key: str) -> bool:
    """Say whether a data file comes into being with this commit."""
    return is_pending(int(key.rsplit("/", 1)[1], 16))


def _differing(base: Mapping, head: State | BranchState) -> set[str]:
    """Return the keys at which two states of one line differ."""
    if isinstance(head, BranchState) and isinstance(base, BranchState):
        return base.differing(head)
    if isinstance(head, State) and isinstance(base, State):
        if head.root == base.root:
            return set()
        gone, come = differing(base, head)
        return {*gone, *come}
    raise TypeError("two states of different branches")


def _changed(merge: RowMerge, head: Mapping) -> Iterator[tuple[str, bytes | None]]:
    """Yield what differs from the newest state in a table's files."""
    for key, entry in merge.result():
        value = None if entry is None else entry.encode()
        if head.get(key) != value:
            yield key, value
