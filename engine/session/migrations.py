"""Migrations: a folder of scripts, each applied as one commit, and undone as one.

Layer: ``session``. Invariant: a migration and the note that it was applied are one commit; the folder
must be what was applied, up to the newest migration applied, before anything new is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from engine.analyze import blame, place_of, trees_of
from engine.catalog import Migration, commits_on, key_name
from engine.errors import GrizzlyError, ReadOnlyError, Span, TransactionError, UsageError
from engine.execute import BackendError
from engine.plan import CreateTable, Export, RowWrite, Select, catalog_differences
from engine.session import commits
from engine.session.actions import ACTIONS, restoring
from engine.session.frame import Call
from engine.session.result import Result, rows
from engine.session.scripts import Script, scripts_in
from grammar import nodes, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.execute import Workspace
    from engine.session.frame import Frame


@dataclass(frozen=True)
class Step:
    """A migration where it stands: its script, and with which digest and in which version it was applied."""

    name: str
    script: Script | None
    digest: str | None
    version: int | None
    ts: int | None

    @property
    def state(self) -> str:
        """``pending``, ``applied``, ``changed`` since it was applied, or ``missing`` its file."""
        if self.script is None:
            return "missing"
        if self.digest is None:
            return "pending"
        return "applied" if self.digest == self.script.digest else "changed"


def migrate(frame: Frame, node: nodes.Migrate) -> Result:
    """Plan, apply, undo or list the migrations of a folder.

    Raises: UsageError for a folder that is not in order, IoError, and what the scripts raise.
    """
    scripts = scripts_in(Path(node.folder))
    steps = _steps(frame, scripts)
    if node.to is not None and node.to not in [step.name for step in steps]:
        raise UsageError(f"there is no migration '{node.to}' in {node.folder}", subject=node.to)
    if node.action == "status":
        return _status(steps)
    if node.action == "plan":
        return _plan(frame, _pending(steps, node.to))
    if frame.transaction is not None:
        raise TransactionError(
            "migrations are commits of their own", hint="COMMIT or ROLLBACK first"
        )
    if frame.pinned is not None:
        raise ReadOnlyError("the past cannot be migrated", span=node.span)
    if node.action == "up":
        return _done(
            "up",
            [
                (step.name, _up(frame, step.script))
                for step in _pending(steps, node.to)
                if step.script
            ],
        )
    return _done("down", [(step.name, _down(frame, step)) for step in _newest(steps, node.to)])


def _steps(frame: Frame, scripts: list[Script]) -> list[Step]:
    """Return every migration of the folder and of the state, by number.

    Cost: a walk over all commits, to find when each was applied.
    """
    workspace = frame.workspace()
    applied = {m.name: m.digest for m in workspace.catalog.migrations()}
    prefix = Migration("", "").state_key
    at: dict[str, tuple[int, int]] = {}
    history = commits_on(frame.timeline, -1, workspace.version, workspace.branch)
    for commit, changes in history if applied else ():
        for key in changes:
            if key.startswith(prefix):
                at[key_name(key)] = (commit.seq, commit.ts)
    by_name = {script.name: script for script in scripts}
    names = sorted({*applied, *by_name}, key=lambda name: (int(name.split("_", 1)[0]), name))
    return [
        Step(name, by_name.get(name), applied.get(name), *(at.get(name, (None, None))))
        for name in names
    ]


def _status(steps: list[Step]) -> Result:
    shown = pa.table(
        {
            "migration": pa.array([s.name for s in steps], pa.string()),
            "state": pa.array([s.state for s in steps], pa.string()),
            "version": pa.array([s.version for s in steps], pa.int64()),
            "ts": pa.array([s.ts for s in steps], pa.timestamp("us", tz="UTC")),
        }
    )
    return rows(shown, "MIGRATE", ["VARCHAR", "VARCHAR", "BIGINT", "TIMESTAMP WITH TIME ZONE"])


def _pending(steps: list[Step], to: str | None) -> list[Step]:
    """Return what is still to be applied, up to ``to``, once the folder is in order."""
    waiting = None
    for step in steps:
        if step.state == "pending":
            waiting = waiting or step.name
        elif step.state != "applied":
            why = (
                "was changed after it was applied" if step.script else "was applied and has no file"
            )
            raise UsageError(
                f"the migration {step.name} {why}",
                subject=step.name,
                hint="bring the file back as it was, and write what is new as a new migration",
                code="MIGRATION_001",
            )
        elif waiting is not None:
            raise UsageError(
                f"the migration {waiting} comes before {step.name}, which was applied already",
                subject=waiting,
                hint="give it a number above all that were applied",
                code="MIGRATION_002",
            )
    found = [step for step in steps if step.state == "pending"]
    names = [step.name for step in found]
    return found[: names.index(to) + 1] if to in names else [] if to is not None else found


def _newest(steps: list[Step], to: str | None) -> list[Step]:
    """Return what is to be undone, newest first: the last one, or all after ``to``."""
    applied = [step for step in steps if step.digest is not None]
    if not applied:
        return []
    if to is None:
        return applied[-1:]
    names = [step.name for step in steps]
    return [s for s in reversed(applied) if names.index(s.name) > names.index(to)]


def _up(frame: Frame, script: Script) -> int | None:
    """Apply a migration; return the version, or None when another session did it meanwhile."""
    note = Migration(script.name, script.digest)

    def action(workspace: Workspace) -> Result:
        applied = workspace.get(note.state_key)
        if applied is None:
            _run(frame, script, script.up, workspace)
            workspace.put(note.state_key, note.encode())
        elif applied != note.encode():
            raise UsageError(
                f"the migration {script.name} was applied meanwhile, with another text",
                subject=script.name,
                code="MIGRATION_001",
            )
        return Result("MIGRATE")

    return commits.run(frame, f"MIGRATE UP {script.name}", action).version


def _down(frame: Frame, step: Step) -> int | None:
    """Undo a migration: by its own ``-- down``, or by undoing its commit.

    Shape: the version, or None when another session did it meanwhile.
    """
    script = step.script
    if script is not None and step.state == "changed":
        raise UsageError(
            f"the migration {step.name} was changed after it was applied",
            subject=step.name,
            hint="bring the file back as it was: its down section must be of the same text",
            code="MIGRATION_001",
        )

    def action(workspace: Workspace) -> Result:
        if workspace.get(Migration(step.name, "").state_key) is None:
            return Result("MIGRATE")
        if script is not None and script.down is not None and script.down.strip():
            _run(frame, script, script.down, workspace)
            workspace.put(Migration(step.name, "").state_key, None)
        else:
            if step.version is None:
                raise UsageError(f"no commit of {step.name} is to be found", subject=step.name)
            whole = nodes.Undo(Span(0, 0), step.version)
            restoring.undo(Call(frame, "", whole), workspace)
        return Result("MIGRATE")

    return commits.run(frame, f"MIGRATE DOWN {step.name}", action).version


def _run(frame: Frame, script: Script, text: str, workspace: Workspace) -> None:
    for call in _calls(frame, script, text):
        _explained(script, call, partial(ACTIONS[type(call.node)], call, workspace))


def _calls(frame: Frame, script: Script, text: str) -> Iterator[Call[nodes.Statement]]:
    """Yield the statements of a script; each must be one that can be part of a commit."""
    try:
        found = parse(text)
    except GrizzlyError as error:
        raise _placed(error, script, text) from None
    for node in found:
        call = Call(frame, text, node)
        if type(node) not in ACTIONS:
            word = call.written.split(None, 1)[0].upper()
            refused = UsageError(
                f"{word} cannot be part of a migration",
                span=node.span,
                hint="a migration is one commit: definitions and changes of rows",
            )
            raise _placed(refused, script, text)
        yield call


def _explained(script: Script, call: Call[nodes.Statement], work: Callable[[], object]) -> None:
    """Do what a statement asks; what goes wrong names the file and the line."""
    frame, trees = call.frame, trees_of(call.node)
    try:
        work()
    except BackendError as error:
        functions = frame.executor.backend.functions
        told = blame(error.kind, error.message, trees, call.node.span, functions)
        raise _placed(told, script, call.text) from None
    except GrizzlyError as error:
        if error.retryable:
            raise
        if error.subject is not None and error.span is None:
            error.span = place_of(trees, error.subject)
        error.span = error.span or call.node.span
        raise _placed(error, script, call.text) from None


def _placed(error: GrizzlyError, script: Script, text: str) -> GrizzlyError:
    """Return an error that tells its place in words: its span is of a text nobody sees."""
    if error.span is not None:
        skipped = 0 if text == script.up else script.up.count("\n")
        line = text.count("\n", 0, error.span.start) + 1 + skipped
        error.message = f"{script.file}, line {line}: {error.message}"
        error.args = (error.message,)
    error.span, error.subject = None, script.file
    return error


def _plan(frame: Frame, steps: list[Step]) -> Result:
    """Tell what each statement would do to definitions, tried on tables without rows."""
    workspace = frame.workspace()
    for key, _ in list(workspace.items("f/")):
        workspace.put(key, None)
    listed: list[tuple[str, str, str | None, str]] = []
    for script in (step.script for step in steps if step.script is not None):
        for call in _calls(frame, script, script.up):
            before = workspace.catalog
            before.tables()
            change = "not tried: it changes rows, not definitions"
            if isinstance(call.node, (nodes.Define, nodes.Alter)):
                _explained(script, call, partial(_define, call, workspace))
                change = "no table changes"
            written = " ".join(call.written.split())
            found = catalog_differences(before, workspace.catalog)
            listed += [(script.name, written, t.qualified, d.words) for t, d in found]
            if not found:
                listed.append((script.name, written, None, change))
    names = ("migration", "statement", "table", "change")
    shown = pa.table(
        {n: pa.array([row[i] for row in listed], pa.string()) for i, n in enumerate(names)}
    )
    return rows(shown, "MIGRATE", ["VARCHAR"] * len(names))


def _define(call: Call[nodes.Statement], workspace: Workspace) -> None:
    plan = call.planner(workspace).plan(call.node)
    if isinstance(plan, CreateTable) and plan.query is not None:
        empty = Select(f"SELECT * FROM ({plan.query.sql}) LIMIT 0", plan.query.sources)  # noqa: S608
        plan = replace(plan, query=empty)
    if not isinstance(plan, (Export, RowWrite, Select)):
        call.frame.executor.define(plan, workspace)


def _done(direction: str, tried: list[tuple[str, int | None]]) -> Result:
    done = [(name, version) for name, version in tried if version is not None]
    shown = pa.table(
        {
            "migration": pa.array([name for name, _ in done], pa.string()),
            "direction": pa.array([direction for _ in done], pa.string()),
            "version": pa.array([version for _, version in done], pa.int64()),
        }
    )
    result = rows(shown, "MIGRATE", ["VARCHAR", "VARCHAR", "BIGINT"])
    if done:
        result.version = done[-1][1]
    else:
        result.notes.append("there is nothing to do")
    return result
