"""A session: text in, results out, one statement after another.

Layer: ``session``, the only orchestrator. Invariant: a statement happens whole or not at all; a
conflict with another writer runs it again, against the newest state, before anyone hears of it.
"""

from __future__ import annotations

import random
import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.analyze import blame, parameters, place_of, quoted_as_text, trees_of
from engine.clock import SystemClock
from engine.errors import (
    ConflictError,
    GrizzlyError,
    LanguageError,
    ReadOnlyError,
    TransactionError,
    UnsupportedError,
    UsageError,
)
from engine.execute import BackendError, Executor
from engine.session import integrity, introspect, moments, places, reading, writing
from engine.session.frame import Frame
from engine.session.parameters import named
from engine.session.result import Result
from engine.session.transaction import Transaction
from grammar import nodes, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from engine.catalog import Catalog
    from engine.clock import Clock
    from engine.execute import Parameters, Workspace
    from engine.session.integrity import Finding
    from engine.timeline import Commit

ATTEMPTS = 100
"""How often a statement outside a transaction is run again after a conflict."""

_OPTIONS = {"double_quotes": ("string", "identifier")}


@dataclass(frozen=True)
class TableInfo:
    """A table or view as completion needs it."""

    schema: str
    name: str
    kind: str
    columns: list[tuple[str, str]]


class Session:
    """One user's conversation with one lakehouse; only ``interrupt`` may come from another thread."""

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool = False,
        as_of: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Open the lakehouse or archive at ``path``.

        Cost: some 40 ms for the relational engine, and the last segment of the log.
        Raises: LakeError, CorruptError, ArchiveError, UsageError for a bad ``as_of``.
        """
        self.path = path
        self.name = path.resolve().stem if path.is_file() else path.resolve().name
        self.clock = clock or SystemClock()
        self.timeline, writable = places.open_timeline(path, read_only=read_only, clock=self.clock)
        self.as_of = as_of
        now = self.clock.now_us()
        pinned = None if as_of is None else moments.resolve(as_of, self.timeline, now)
        self.read_only = not writable or as_of is not None
        self._frame = Frame(Executor(), self.timeline, self.clock, pinned)
        self._active: weakref.ref[Result] | None = None
        self._closed = False

    # ------------------------------------------------------------------ state

    @property
    def in_transaction(self) -> bool:
        """Whether BEGIN is waiting for its COMMIT or ROLLBACK."""
        return self._frame.transaction is not None

    @property
    def version(self) -> int:
        """The version statements read now."""
        return self._frame.version

    @property
    def options(self) -> dict[str, str]:
        """The settings that SET changes."""
        return self._frame.options

    def tables(self) -> list[TableInfo]:
        """Return all tables and views, for completion."""
        catalog = self._frame.workspace().catalog
        tables = [
            TableInfo(t.schema, t.name, "table", [(c.name, c.type) for c in t.columns])
            for t in catalog.tables()
        ]
        return tables + [TableInfo(v.schema, v.name, "view", []) for v in catalog.views()]

    def functions(self) -> list[str]:
        """Return the names of all functions, for completion."""
        return self._frame.executor.backend.functions()

    def snapshots(self) -> list[str]:
        """Return the names of all snapshots, for completion."""
        return [s.name for s in self._frame.workspace().catalog.snapshots()]

    # ------------------------------------------------------------------ statements

    def run(
        self, text: str, params: Sequence[object] | Mapping[str, object] | None = None
    ) -> Iterator[Result]:
        """Run the statements of ``text``; each runs when its result is asked for.

        Raises: ParseError before anything runs; then whatever the statement raises.
        """
        if self._closed:
            raise UsageError("the session is closed")
        if not isinstance(text, str):
            raise UsageError(f"statements are text, not {type(text).__name__}")
        statements = parse(text)
        values = named(params, parameters([t for s in statements for t in trees_of(s)]))
        for statement in statements:
            yield self._timed(text, statement, values)

    def interrupt(self) -> None:
        """Stop the running statement; it raises CancelledError."""
        self._frame.executor.backend.interrupt()

    def verify(self, table: str | None = None) -> Iterator[Finding]:
        """Recompute every hash, of all or of what one table needs; yield what was checked."""
        return integrity.verify(self.timeline, table)

    def prove(self, version: int) -> bytes:
        """Return a bundle that proves a commit to someone who has nothing else.

        Raises: UsageError when there is no such version.
        """
        return integrity.prove(self.timeline, version)

    def signers(self) -> list[tuple[int, str]]:
        """Return the keys that sign this lakehouse: since which version, and the verifier key."""
        return integrity.signers(self.timeline)

    def close(self) -> None:
        """Close the session; an open transaction is dropped."""
        self._frame.transaction = None
        self._closed = True
        self._frame.executor.close()

    def _timed(self, text: str, statement: nodes.Statement, params: Parameters) -> Result:
        active = None if self._active is None else self._active()
        self._active = None
        if active is not None:
            active.spool()
        started = time.perf_counter()
        result = self._explained(text, statement, params)
        result.seconds = time.perf_counter() - started
        if result.kind == "rows":
            self._active = weakref.ref(result)
        return result

    def _explained(self, text: str, statement: nodes.Statement, params: Parameters) -> Result:
        """Run a statement; the backend's complaints become ours, with a place in the text."""
        trees = trees_of(statement)
        notes: list[str] = []
        while True:
            try:
                result = self._dispatch(text, statement, params)
                if result.read is not None:
                    result.read = self._translating(result.read, statement)
                result.notes[:0] = notes
                return result
            except BackendError as error:
                name = error.names[0] if error.kind == "bind" and error.names else None
                loose = self.options["double_quotes"] == "string"
                if name and loose and quoted_as_text(trees, name):
                    notes.append(f'no column is called {name}: "{name}" was read as text')
                    continue
                raise self._blamed(error, statement) from None
            except GrizzlyError as error:
                if error.span is None and error.subject is not None:
                    error.span = place_of(trees, error.subject)
                if error.span is None and isinstance(error, LanguageError):
                    error.span = statement.span
                raise

    def _translating(
        self, read: Callable[[], Iterator[object]], statement: nodes.Statement
    ) -> Callable[[], Iterator[object]]:
        def batches() -> Iterator[object]:
            try:
                yield from read()
            except BackendError as error:
                raise self._blamed(error, statement) from None

        return batches

    def _blamed(self, error: BackendError, statement: nodes.Statement) -> Exception:
        return blame(
            error.kind,
            error.message,
            trees_of(statement),
            statement.span,
            self._frame.executor.backend.functions,
        )

    def _dispatch(self, text: str, statement: nodes.Statement, params: Parameters) -> Result:  # noqa: C901, PLR0911, PLR0912 - one line for each kind of statement
        match statement:
            case nodes.Query():
                return reading.query(self._frame, text, statement, params)
            case nodes.Begin():
                return self._begin()
            case nodes.Commit():
                return self._commit()
            case nodes.Rollback():
                return self._rollback()
            case nodes.Explain():
                return reading.explain(self._frame, text, statement, params)
            case nodes.Describe():
                return reading.describe(self._frame, text, statement)
            case nodes.Summarize():
                return reading.summarize(self._frame, text, statement)
            case nodes.Show(table=table) if table is not None:
                return reading.describe(self._frame, text, nodes.Describe(statement.span, table))
            case nodes.Show():
                return self._inner(introspect.show_query(statement), "SHOW")
            case nodes.SetOption(name=name, value=value):
                return self._set(name, value, statement)
            case nodes.ResetOption(name=name):
                return self._set(name, _OPTIONS.get(name, ("",))[0], statement)
            case nodes.Use(schema=schema):
                return self._use(schema, statement)
            case nodes.VerifyTimeline() | nodes.VerifyTable():
                return reading.verify(self._frame, statement)
            case nodes.Copy(target=target) if isinstance(target, str):
                return reading.export(self._frame, text, statement, params)
            case _:
                action = writing.action(self._frame, text, statement, params)
                return self._change(text, statement, action)

    def _inner(self, sql: str, tag: str) -> Result:
        (statement,) = parse(sql)
        result = self._dispatch(sql, statement, None)
        result.tag = tag
        return result

    # ------------------------------------------------------------------ changes

    def _change(
        self, text: str, statement: nodes.Statement, action: Callable[[Workspace], Result]
    ) -> Result:
        if self.read_only:
            why = f"as of {self.as_of}" if self.as_of else "read-only"
            raise ReadOnlyError(
                f"{self.name} is open {why}; nothing can be changed",
                span=statement.span,
                hint="unpack the archive to change it" if self.path.is_file() else None,
            )
        if self._frame.transaction is not None:
            return _undone_on_error(self._frame.transaction, action)
        for attempt in range(ATTEMPTS):
            workspace = self._frame.workspace()
            result = action(workspace)
            if not workspace.dirty:
                return result
            try:
                written = text[statement.span.start : statement.span.end]
                commit = self._append(workspace, result.tag, written)
            except ConflictError:
                time.sleep(random.uniform(0, 0.002) * min(attempt, 10))  # noqa: S311 - spreads writers
                continue
            result.version = commit.seq
            self._tidy(workspace)
            return result
        raise ConflictError(
            f"other writers were faster {ATTEMPTS} times in a row",
            hint="nothing was changed; run the statement again",
        )

    def _append(self, workspace: Workspace, tag: str, written: str) -> Commit:
        lake = self._frame.executor.lake(workspace)
        meta = writing.meta(workspace, written)
        word = "compact" if tag == "COMPACT" else writing.operation(workspace)
        return Transaction(lake).commit(word, meta)

    def _tidy(self, workspace: Workspace) -> None:
        """Compact tables that many small commits have crowded; losing a race costs nothing."""
        crowded = writing.crowded(workspace)
        if not crowded:
            return
        fresh = self._frame.workspace()
        tables = [t for t in fresh.catalog.tables() if t.id in crowded]
        self._frame.executor.compact(fresh, tables)
        if fresh.dirty:
            try:
                self._append(fresh, "COMPACT", "")
            except ConflictError:
                return

    def _begin(self) -> Result:
        if self._frame.transaction is not None:
            raise TransactionError(
                "a transaction is open already", hint="COMMIT or ROLLBACK ends it"
            )
        self._frame.transaction = self._frame.workspace()
        return Result("BEGIN")

    def _commit(self) -> Result:
        if self._frame.transaction is None:
            raise TransactionError("there is no transaction to commit", hint="BEGIN starts one")
        workspace, self._frame.transaction = self._frame.transaction, None
        if not workspace.dirty:
            return Result("COMMIT")
        commit = self._append(workspace, "COMMIT", "transaction")
        self._tidy(workspace)
        return Result("COMMIT", version=commit.seq)

    def _rollback(self) -> Result:
        if self._frame.transaction is None:
            raise TransactionError("there is no transaction to roll back", hint="BEGIN starts one")
        self._frame.transaction = None
        return Result("ROLLBACK")

    # ------------------------------------------------------------------ settings

    def _set(self, name: str, value: str, statement: nodes.Statement) -> Result:
        allowed = _OPTIONS.get(name.lower())
        if allowed is None:
            raise UnsupportedError(
                f"there is no setting '{name}'",
                span=statement.span,
                hint=f"the settings are: {', '.join(_OPTIONS)}",
            )
        if value.lower() not in allowed:
            raise UsageError(f"{name} cannot be '{value}'", hint=f"one of: {', '.join(allowed)}")
        self.options[name.lower()] = value.lower()
        return Result("SET")

    def _use(self, schema: str, statement: nodes.Statement) -> Result:
        catalog: Catalog = self._frame.workspace().catalog
        if schema.lower() not in (s.lower() for s in catalog.schemas()):
            raise UnsupportedError(
                f"there is no schema '{schema}'",
                span=statement.span,
                hint=f"the schemas are: {', '.join(catalog.schemas())}",
            )
        self._frame.schema = schema.lower()
        return Result("USE")


def _undone_on_error(workspace: Workspace, action: Callable[[Workspace], Result]) -> Result:
    """Run one statement of a transaction; a failure undoes that statement and no other."""
    point = workspace.savepoint()
    try:
        return action(workspace)
    except BaseException:
        workspace.undo_to(point)
        raise
