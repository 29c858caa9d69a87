"""Going back: a table, all tables, or the changes of one commit.

Layer: ``session``. Invariant: going back is a commit like any other; nothing of history is lost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.catalog import Table, commits_on, overlay_of
from engine.datatypes import parse_type, shape_of
from engine.errors import BindError, TransactionError
from engine.session.committing.conflicts import additive, places_of, same_keys
from engine.session.committing.rowmerge import RowMerge, entries
from engine.session.result import Result
from grammar import nodes, span_of

if TYPE_CHECKING:
    from engine.catalog import Column, Mapping
    from engine.execute import Lake, Workspace
    from engine.session.frame import Call
    from engine.timeline import Commit

_RESTORED = ("f/", "i/", "s/", "t/", "v/")
"""Kinds of keys that make up the database: files, indexes, schemas, tables, views."""
_KEPT = ("b/", "gc/", "key/", "x/", "y/")
"""Kinds of keys that no undoing touches."""


def restore(call: Call[nodes.Restore], workspace: Workspace) -> Result:
    """Make a table what it was at a point in time."""
    frame, node = call.frame, call.node
    schema, name = call.planner(workspace).binder.qualify(node.table)
    then = frame.executor.around(workspace, frame.schema).catalog_at(node.point)
    old = then.table(schema, name)
    if old is None:
        raise BindError(f"there was no table '{name}' at that point", span=span_of(node.table))
    now = workspace.catalog.table(schema, name)
    new = _definition(old.state_key, old.encode(), workspace)
    for table in {t.id: t for t in (old, now) if t is not None}.values():
        workspace.claims.add(table.id)
        for key, _ in list(workspace.items(table.file_prefix)):
            workspace.put(key, None)
    if now is not None and now.id != old.id:
        workspace.put(now.state_key, None)
    workspace.put(old.state_key, new)
    for key, value in then.state.items(old.file_prefix):
        workspace.put(key, value)
    return Result("RESTORE", count=sum(f.live for f in then.files(old)))


def restore_all(call: Call[nodes.RestoreAll], workspace: Workspace) -> Result:
    """Make every table, view and schema what it was at a point in time."""
    frame, node = call.frame, call.node
    then = frame.executor.around(workspace, frame.schema).catalog_at(node.point)
    for kind in _RESTORED:
        now, old = dict(workspace.items(kind)), dict(then.state.items(kind))
        for key in now.keys() | old.keys():
            workspace.put(key, _definition(key, old.get(key), workspace))
            if kind == "t/":
                workspace.claims.add(key[2:])
    tables = then.tables()
    result = Result("RESTORE", count=sum(f.live for t in tables for f in then.files(t)))
    said = "1 table is as it was" if len(tables) == 1 else f"{len(tables)} tables are as they were"
    result.notes.append(said)
    return result


def _definition(key: str, value: bytes | None, workspace: Workspace) -> bytes | None:
    """Return what was true at a key, to be true again; a table never uses an id twice.

    Cost: for a table that is gone, or lacks a column with fields, the whole log.
    """
    if value is None or not key.startswith("t/"):
        return value
    old = Table.decode(key[2:], value)
    now = workspace.get(key)
    known = [] if now is None else [Table.decode(old.id, now)]
    there = {c.id for table in known for c in table.columns}
    if not known or any(c.id not in there and parse_type(c.type).is_nested for c in old.columns):
        changes = commits_on(workspace.timeline, 0, workspace.version, workspace.branch)
        found = [changed[key] for _, changed in changes if key in changed]
        known += [Table.decode(old.id, data) for data in found if data is not None]
    columns = tuple(_with_ids_of(column, known) for column in old.columns)
    used = [table.next_column for table in known]
    return replace(old, columns=columns, next_column=max([old.next_column, *used])).encode()


def _with_ids_of(column: Column, known: list[Table]) -> Column:
    """Return a column whose next field gets an id that no field of it had in these definitions."""
    used = [c.next_part for table in known for c in table.columns if c.id == column.id]
    free = max([column.next_part, *used])
    if free == column.next_part:
        return column
    parts = column.parts or shape_of(parse_type(column.type)).parts()
    return replace(column, parts=parts, next_part=free)


def undo(call: Call[nodes.Undo], workspace: Workspace) -> Result:
    """Take back what one commit changed, and nothing that came after it.

    Cost: the rows of that commit; of later ones, what they changed in the same tables.
    Raises: TransactionError when a later commit changed the same; BindError without such a version.
    """
    commit = _commit(call, workspace)
    lake = call.frame.executor.lake(workspace)
    _Undo(lake, commit).run()
    result = Result("UNDO")
    result.notes.append(f"version {commit.seq} is undone: {commit.meta.get('message', commit.op)}")
    return result


def _commit(call: Call[nodes.Undo], workspace: Workspace) -> Commit:
    version = call.node.version
    if version is None:
        for seq in range(workspace.version, 0, -1):
            commit = workspace.timeline.commit_at(seq)
            if commit.op != "compact" and _changes(commit, workspace.branch):
                return commit
        raise BindError("there is nothing to undo", span=call.node.span, code="TIME_001")
    if not 0 < version <= workspace.version:
        raise BindError(
            f"there is no version {version} to undo; the newest is {workspace.version}",
            span=call.node.span,
            code="TIME_001",
        )
    commit = workspace.timeline.commit_at(version)
    if commit.op == "compact" or not _changes(commit, workspace.branch):
        raise BindError(
            f"version {version} changed nothing that could be undone here",
            span=call.node.span,
            hint="SHOW TIMELINE tells what each version did",
            code="TIME_001",
        )
    return commit


def _changes(commit: Commit, branch: str | None) -> list[str]:
    """Return the keys that a commit changed on a branch, or on main."""
    prefix = "" if branch is None else overlay_of(branch)
    keys = [key[len(prefix) :] for key in commit.changes if key.startswith(prefix)]
    return [key for key in keys if not key.startswith(_KEPT)]


class _Undo:
    """Takes back one commit in a workspace."""

    def __init__(self, lake: Lake, commit: Commit) -> None:
        self._lake = lake
        self._workspace = lake.workspace
        self._seq = commit.seq
        self._keys = _changes(commit, lake.workspace.branch)
        self._after = lake.workspace.state_at(commit.seq)
        self._before = lake.workspace.state_at(commit.seq - 1)

    def run(self) -> None:
        tables = sorted({k.split("/")[1] for k in self._keys if k[:2] in ("f/", "t/")})
        for key in self._keys:
            if key.startswith("f/"):
                continue
            if self._workspace.get(key) != self._after.get(key):
                raise self._refused(f"changed {_title(key, self._after)} again")
        for table_id in tables:
            self._rows(table_id)
        for key in self._keys:
            if not key.startswith("f/"):
                old = _definition(key, self._before.get(key), self._workspace)
                self._workspace.put(key, old)
        self._check_names(tables)

    def _rows(self, table_id: str) -> None:
        workspace, key = self._workspace, f"t/{table_id}"
        prefix = f"f/{table_id}/"
        workspace.claims.add(table_id)
        before, after = self._before.get(key), self._after.get(key)
        now, known = dict(workspace.items(prefix)), dict(self._after.items(prefix))
        touched = {k for k in now.keys() | known.keys() if now.get(k) != known.get(k)}
        if before is None or after is None:
            if touched:
                raise self._refused("wrote to the table")
            for file in now.keys() | {k for k, _ in self._before.items(prefix)}:
                workspace.put(file, self._before.get(file))
            return
        table, old = Table.decode(table_id, after), Table.decode(table_id, before)
        if touched and before != after and not additive(table, old):
            raise self._refused(f"wrote to {table.qualified}")
        mine = [k for k in self._keys if k.startswith(prefix)]
        if not mine:
            return
        merge = RowMerge(
            self._lake,
            table,
            *(entries(s, (*mine, *touched)) for s in (self._after, self._before, workspace)),
        )
        if merge.follow() or merge.revived(self._seq) or self._has_key(table, merge):
            raise self._refused(f"changed the same rows of {table.qualified}")
        for file, entry in merge.result():
            workspace.put(file, None if entry is None else entry.encode())

    def _has_key(self, table: Table, merge: RowMerge) -> bool:
        """Say whether a key that comes back was given to another row since."""
        theirs = merge.made(ours=False)
        for rule in table.distinct if theirs else ():
            names = [c.name for c in table.columns_of(rule.columns)]
            back = places_of(self._lake, table, [(e, kept) for _, e, kept in merge.made(ours=True)])
            rows = [batch for batch in back.batches(names) if batch.num_rows]
            if rows and any(same_keys(self._lake, table, rule, rows, theirs)):
                return True
        return False

    def _check_names(self, tables: list[str]) -> None:
        """A table that comes back must find its name free."""
        seen: dict[tuple[str, str], str] = {}
        for table in (Table.decode(k[2:], v) for k, v in self._workspace.items("t/")):
            name = (table.schema.lower(), table.name.lower())
            if name in seen and {table.id, seen[name]} & set(tables):
                raise self._refused(f"gave the name '{table.qualified}' to another table")
            seen[name] = table.id

    def _refused(self, why: str) -> TransactionError:
        return TransactionError(
            f"version {self._seq} cannot be undone: a later one {why}",
            hint="undo the later one first, or RESTORE TABLE … TO an older version",
        )


def _title(key: str, state: Mapping) -> str:
    table = state.get(key) if key.startswith("t/") else None
    return Table.decode(key[2:], table).qualified if table is not None else f"what {key} names"
