"""Statements that change the lakehouse, each as an action on a workspace.

Layer: ``session``. Invariant: an action may run several times, each time on a fresh workspace.
"""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from engine.catalog import FileEntry, Snapshot, Table
from engine.errors import BindError, IoError, UnsupportedError
from engine.execute import CROWD, READERS, suffix_of
from engine.plan import Export, RowWrite, Select
from engine.session.result import Result, rows
from grammar import nodes, parse, span_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.execute import Parameters, Workspace
    from engine.session.frame import Frame

MESSAGE_LENGTH = 120


def operation(workspace: Workspace) -> str:
    """Return the word a commit's leaf records for what it does."""
    changes, base = workspace.changes, workspace.base
    files = {k: v for k, v in changes.items() if k.startswith("f/")}
    dropped = any(v is None and k[:2] in ("t/", "v/", "s/") for k, v in changes.items())
    if files and not dropped:
        added = any(base.get(k) is None for k in files)
        touched = any(base.get(k) is not None for k in files)
        return "overwrite" if added and touched else "append" if added else "delete"
    return "snapshot" if all(k.startswith("ref/") for k in changes) else "schema"


def meta(workspace: Workspace, written: str) -> dict[str, str]:
    """Return who made a commit, with which words, and what it touched."""
    ids = {k.split("/")[1] for k in workspace.changes if k[:2] in ("t/", "f/")}
    names = set()
    for table_id in ids:
        data = workspace.get(f"t/{table_id}") or workspace.base.get(f"t/{table_id}")
        if data is not None:
            names.add(Table.decode(table_id, data).qualified)
    line = " ".join(written.split())
    if len(line) > MESSAGE_LENGTH:
        line = line[: MESSAGE_LENGTH - 1] + "…"
    found = {"author": _author(), "message": line, "tables": ", ".join(sorted(names))}
    return {k: v for k, v in found.items() if v}


def crowded(workspace: Workspace) -> set[str]:
    """Return the ids of the tables this workspace wrote to that have too many files."""
    ids = {k.split("/")[1] for k in workspace.changes if k.startswith("f/")}
    return {i for i in ids if sum(1 for _ in workspace.items(f"f/{i}/")) >= CROWD}


def action(
    frame: Frame, text: str, node: nodes.Statement, params: Parameters
) -> Callable[[Workspace], Result]:
    """Return what a statement does to a workspace.

    Raises: UnsupportedError for a statement that is not offered.
    """
    match node:
        case nodes.Copy():
            return lambda w: _import(frame, node, w)
        case nodes.Restore():
            return lambda w: _restore(frame, text, node, w)
        case nodes.CreateSnapshot():
            return lambda w: _create_snapshot(frame, node, w)
        case nodes.DropSnapshot():
            return lambda w: _drop_snapshot(node, w)
        case nodes.Compact():
            return lambda w: _compact(frame, text, node, w)
        case nodes.Write() | nodes.Upsert() | nodes.Define():
            return lambda w: _planned(frame, text, node, w, params)
        case _:
            raise UnsupportedError("this statement is not offered yet", span=node.span)


def _planned(
    frame: Frame, text: str, node: nodes.Statement, workspace: Workspace, params: Parameters
) -> Result:
    plan = frame.planner(text, workspace, params).plan(node)
    if isinstance(plan, RowWrite):
        outcome = frame.executor.write(plan, workspace, params)
        result = Result(plan.verb, count=outcome.count)
        if outcome.returned is not None:
            result = rows(outcome.returned, plan.verb, list(outcome.types))
            result.count = outcome.count
        return result
    if isinstance(plan, (Select, Export)):
        raise UnsupportedError("a query changes nothing", span=node.span)
    count = frame.executor.define(plan, workspace, params)
    words = text[node.span.start : node.span.end].split(None, 1)
    return Result(words[0].upper(), count=count)


def _import(frame: Frame, node: nodes.Copy, workspace: Workspace) -> Result:
    path = str(node.source)
    form = node.options.get("format")
    reader = READERS.get(f".{form.lower()}" if form else suffix_of(path))
    if reader is None:
        raise IoError(
            f"the format of {path} is not known",
            subject=path,
            hint=f"name it: COPY '{path}' TO t (FORMAT csv); known: "
            + ", ".join(sorted(s[1:] for s in READERS)),
        )
    function = {"orc": "read_orc", "arrow": "read_arrow"}.get(reader, reader)
    planner = frame.planner("", workspace)
    options = planner.copy_options(node)
    if reader == "read_csv" and not node.columns:
        columns = frame.executor.columns_of(path, reader, options)
        options = {**planner.typed_option(node, columns), **options}
    text = planner.import_text(node, function, options)
    (statement,) = parse(text)
    result = _planned(frame, text, statement, workspace, None)
    return Result("COPY", count=result.count)


def _restore(frame: Frame, text: str, node: nodes.Restore, workspace: Workspace) -> Result:
    planner = frame.planner(text, workspace)
    schema, name = planner.binder.qualify(node.table)
    around = frame.executor.around(workspace, frame.schema)
    then = around.catalog_at(node.point)
    old = then.table(schema, name)
    if old is None:
        raise BindError(f"there was no table '{name}' at that point", span=span_of(node.table))
    now = workspace.catalog.table(schema, name)
    for table in {t.id: t for t in (old, now) if t is not None}.values():
        for key, _ in list(workspace.items(table.file_prefix)):
            workspace.put(key, None)
    if now is not None and now.id != old.id:
        workspace.put(now.state_key, None)
    workspace.put(old.state_key, old.encode())
    count = 0
    for key, value in then.state.items(old.file_prefix):
        workspace.put(key, value)
        count += FileEntry.decode(key, value).live
    return Result("RESTORE", count=count)


def _create_snapshot(frame: Frame, node: nodes.CreateSnapshot, workspace: Workspace) -> Result:
    catalog = workspace.catalog
    if catalog.snapshot(node.name) is not None and not node.replace:
        if node.if_not_exists:
            return Result("CREATE SNAPSHOT")
        raise BindError(
            f"there is already a snapshot '{node.name}'",
            span=node.span,
            hint="CREATE OR REPLACE SNAPSHOT moves it",
            code="SEMANTIC_011",
        )
    version = workspace.version
    if node.point is not None:
        version = frame.executor.around(workspace, frame.schema).version_of(node.point)
        if version > workspace.version:
            raise BindError(f"there is no version {version} yet", span=node.span, code="TIME_001")
    ts = frame.timeline.commit_at(version).ts
    snapshot = Snapshot(node.name, version, ts)
    workspace.put(snapshot.state_key, snapshot.encode())
    result = Result("CREATE SNAPSHOT")
    result.notes.append(f"snapshot '{node.name}' is version {version}")
    return result


def _drop_snapshot(node: nodes.DropSnapshot, workspace: Workspace) -> Result:
    snapshot = workspace.catalog.snapshot(node.name)
    if snapshot is None:
        if node.if_exists:
            return Result("DROP SNAPSHOT")
        raise BindError(f"there is no snapshot '{node.name}'", span=node.span, code="TIME_002")
    workspace.put(snapshot.state_key, None)
    return Result("DROP SNAPSHOT")


def _compact(frame: Frame, text: str, node: nodes.Compact, workspace: Workspace) -> Result:
    tables = workspace.catalog.tables()
    if node.table is not None:
        tables = [frame.planner(text, workspace).binder.table(node.table)]
    gone = frame.executor.compact(workspace, tables)
    result = Result("COMPACT")
    result.notes.append(f"{gone} files merged away")
    return result


def _author() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
