"""A session: text in, results out, one statement after another.

Layer: ``session``, the only orchestrator. Invariant: a statement happens whole or not at all; a
conflict with another writer runs it again, against the newest state, before anyone hears of it.
"""

from __future__ import annotations

import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine import config
from engine.analyze import blame, place_of, quoted_as_text, trees_of
from engine.catalog import MAIN_BRANCH, branch_in
from engine.clock import SystemClock
from engine.errors import (
    GrizzlyError,
    LanguageError,
    ReadOnlyError,
    UnsupportedError,
    UsageError,
)
from engine.execute import BackendError, Executor, Usage
from engine.session import bulk, commits, moments, places, reading, sharing
from engine.session.actions import ACTIONS
from engine.session.blobs import Blobs
from engine.session.control import CONTROLS
from engine.session.frame import Call, Frame
from engine.session.parameters import named
from engine.session.prepared import Texts
from engine.session.proving import integrity, pins
from engine.session.upkeep import Upkeep
from grammar import nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from engine.clock import Clock
    from engine.errors import Span
    from engine.execute import Workspace
    from engine.session.proving.integrity import Finding
    from engine.session.proving.proofs import Proofs
    from engine.session.result import Result


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
        branch: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Open the lakehouse or archive at ``path``.

        Cost: the last segment of the log; the relational engine starts when a statement needs it.
        Raises: LakeError, CorruptError, ArchiveError, UsageError for a bad ``as_of``.
        """
        self.path = path
        self.name = path.resolve().stem if path.is_file() else path.resolve().name
        self.clock = clock or SystemClock()
        self.timeline, writable = places.open_timeline(
            path, read_only=read_only, clock=self.clock, user=self
        )
        self.as_of = as_of
        now = self.clock.now_us()
        pinned = None if as_of is None else moments.resolve(as_of, self.timeline, now)
        self.read_only = not writable or as_of is not None
        lease = places.lease_of(self.timeline)
        usage = None if self.read_only else Usage(self.timeline.store)
        executor = Executor(lease, usage)
        self._upkeep = Upkeep(executor)
        self._frame = Frame(
            executor, self.timeline, self.clock, pinned, upkeep=self._upkeep.compact
        )
        if branch is not None and branch.lower() != MAIN_BRANCH:
            self._frame.branch = branch_in(self.timeline.head.state, branch).name
        self._texts = Texts()
        self._serial = 0
        self._active: weakref.ref[Result] | None = None
        self._closed = False
        self._pins: list[pins.Pin] = []

    # ------------------------------------------------------------------ state

    @property
    def in_transaction(self) -> bool:
        """Whether BEGIN is waiting for its COMMIT or ROLLBACK."""
        return self._frame.transaction is not None

    @property
    def branch(self) -> str | None:
        """The branch that statements read and write, None for main."""
        return self._frame.branch

    @property
    def replayed(self) -> bool:
        """Whether the open transaction was committed before, so that nothing will be written again."""
        return self._frame.replayed is not None

    @property
    def version(self) -> int:
        """The version statements read now."""
        self._upkeep.settle()
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
        self._check_open()
        if not isinstance(text, str):
            raise UsageError(f"statements are text, not {type(text).__name__}")
        prepared = self._texts.read(text)
        values = named(params, prepared.wanted)
        for statement, shape in prepared.statements:
            call = Call(self._frame, text, statement, values, shape)
            yield self._timed(lambda call=call: self._explained(call))  # type: ignore[misc]

    def run_many(self, text: str, rows: Sequence[Sequence[object]]) -> int | None:
        """Run one plain statement that adds rows, once for each of ``rows``, as one statement.

        Shape: how many rows were added; None, and nothing done, when the text is anything else.
        Raises: ParseError, UsageError, IntegrityError.
        """
        self._check_open()
        prepared = self._texts.read(text)
        if len(prepared.statements) != 1 or not rows:
            return None
        ((statement, shape),) = prepared.statements
        if shape is None or not isinstance(statement, nodes.Write | nodes.Upsert):
            return None
        many = [named(row, prepared.wanted) for row in rows]
        call = Call(self._frame, text, statement, many[0], shape, tuple(many))
        frame = self._frame
        direct = frame.executor.direct(shape, frame.workspace(), frame.schema)
        if direct.rows(many) is None:
            return None
        return self._timed(lambda: self._explained(call)).count

    def append(self, table: str, rows: object) -> Result:
        """Add rows to a table, as INSERT does; see ``engine.session.bulk.add`` for their shape."""
        return self._added(table, rows, replace=False)

    def upsert(self, table: str, rows: object) -> Result:
        """Add rows to a table in the place of those with their keys, as UPSERT does."""
        return self._added(table, rows, replace=True)

    def get(self, table: str, key: object) -> dict[str, object] | None:
        """Return the row with a key by column, or None when there is none."""
        self._check_open()
        text, values = bulk.key_query(self._frame, table, key)
        (result,) = self.run(text, values)
        return bulk.first(result)

    def _added(self, table: str, rows: object, *, replace: bool) -> Result:
        self._check_open()
        self._check_writable(None)

        def action(workspace: Workspace) -> Result:
            return bulk.add(self._frame, workspace, table, rows, replace=replace)

        written = f"{'UPSERT' if replace else 'INSERT'} INTO {table}"
        return self._timed(lambda: commits.run(self._frame, written, action))

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError("the session is closed")

    def interrupt(self) -> None:
        """Stop the running statement; it raises CancelledError."""
        self._frame.executor.backend.interrupt()

    def verify(
        self,
        table: str | None = None,
        *,
        deep: bool = False,
        since: int | None = None,
        sample: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[Finding]:
        """Recompute every hash, of all or of a part; yield what was checked, as ``integrity.verify``."""
        return integrity.verify(
            self.timeline, table, deep=deep, since=since, sample=sample, progress=progress
        )

    @property
    def proofs(self) -> Proofs:
        """What proves commits, tables, changes and rows to someone who has nothing else."""
        from engine.session.proving.proofs import Proofs  # noqa: PLC0415 - few sessions prove anything

        return Proofs(self.timeline, self.clock, lambda: self._frame.schema)

    @property
    def blobs(self) -> Blobs:
        """The files kept as blobs, as they are at the moment that is read."""
        return Blobs(self._frame)

    def signers(self) -> list[tuple[int, str]]:
        """Return the keys that sign this lakehouse: since which version, and the verifier key."""
        return integrity.signers(self.timeline)

    def guard(self) -> None:
        """Check that the log is signed with a trusted key, and not less or other than once seen.

        Cost: under a millisecond; two more where the user names keys to trust.
        Raises: VerificationError.
        """
        if config.trust_path().exists():
            from engine.session.proving import keys  # noqa: PLC0415 - few users name keys

            keys.require_trusted(self.timeline)
        if config.policy_path().exists():
            from engine.session.proving import cosigned  # noqa: PLC0415 - few users have a policy

            cosigned.require_own_policy(self.timeline)
        self._pins = pins.check(self.timeline, self.path)

    def close(self) -> None:
        """Close the session; an open transaction is dropped."""
        self._frame.transaction = None
        self._upkeep.close()
        for pin in self._pins:
            pin.advance(self.timeline)
        self._closed = True
        sharing.leave(self)
        self._frame.executor.close()

    def _timed(self, run: Callable[[], Result]) -> Result:
        active = None if self._active is None else self._active()
        self._active = None
        if active is not None:
            active.spool()
        started = time.perf_counter()
        self._serial += 1
        self._frame.hold()
        unread = False
        try:
            result = run()
            unread = result.kind == "rows"
        finally:
            if not unread:
                self._frame.let_go()
        result.seconds = time.perf_counter() - started
        if unread:
            self._active = weakref.ref(result)
        return result

    def _explained(self, call: Call[nodes.Statement]) -> Result:
        """Run a statement; the backend's complaints become ours, with a place in the text."""
        statement = call.node
        trees = trees_of(statement)
        notes: list[str] = []
        while True:
            try:
                result = self._dispatch(call)
                if result.read is not None:
                    result.read = self._translating(result.read, statement)
                result.notes[:0] = notes
                return result
            except BackendError as error:
                name = error.names[0] if error.kind == "bind" and error.names else None
                loose = self.options["double_quotes"] == "string"
                if name and loose and quoted_as_text(trees, name):
                    self._texts.forget(call.text)
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
        serial = self._serial

        def batches() -> Iterator[object]:
            try:
                yield from read()
            except BackendError as error:
                raise self._blamed(error, statement) from None
            finally:
                if serial == self._serial:
                    self._frame.let_go()

        return batches

    def _blamed(self, error: BackendError, statement: nodes.Statement) -> Exception:
        return blame(
            error.kind,
            error.message,
            trees_of(statement),
            statement.span,
            self._frame.executor.backend.functions,
        )

    def _dispatch(self, call: Call[nodes.Statement]) -> Result:
        statement, kind = call.node, type(call.node)
        if call.shape is None:
            self._upkeep.settle()
        control = CONTROLS.get(kind)
        if control is not None:
            return control(self._frame, statement)
        read = reading.reader_of(statement)
        if read is not None:
            return read(call)
        action = ACTIONS.get(kind)
        if action is None:
            raise UnsupportedError("this statement is not offered yet", span=statement.span)
        self._check_writable(statement.span)
        return commits.run(self._frame, call.written, lambda workspace: action(call, workspace))

    def _check_writable(self, span: Span | None) -> None:
        if self.read_only:
            why = f"as of {self.as_of}" if self.as_of else "read-only"
            raise ReadOnlyError(
                f"{self.name} is open {why}; nothing can be changed",
                span=span,
                hint=places.way_out(self.path),
            )
