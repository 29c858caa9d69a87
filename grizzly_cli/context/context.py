"""The context of one invocation, which every command is given.

Layer: ``grizzly_cli.context``. Invariant: every statement of every command runs through
``Session.run``; nothing here knows what a statement means.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from engine.errors import CancelledError
from grizzly_cli.context.output import Output
from grizzly_cli.context.supervise import AbandonedError, supervise
from grizzly_cli.diagnostics import (
    INTERRUPTED,
    OK,
    DeadlineError,
    Narrator,
    Source,
    count,
    wants_color,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.errors import Span
    from engine.session import Result, Session
    from grizzly_cli.options import Settings
    from grizzly_cli.render import Rows


class Context:
    """Settings, voice, output and session of one invocation."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet."""
        self.settings = settings
        color = wants_color(settings.color, sys.stderr)
        self.narrator = Narrator(color=color, verbosity=settings.verbosity)
        self.output = Output(settings, self.narrator)
        self.source: Source | None = None
        self.record: Callable[[Result], Rows] = lambda result: result
        self.abandoned = False
        self._session: Session | None = None
        self._unwanted = False
        self._committed = False
        self._opening = threading.Lock()
        self._watched = False
        self._stopped = False

    def session(self) -> Session:
        """Return the session on the lakehouse that the settings name, opening it at first use.

        Raises: LakeError when there is none or it cannot be opened.
        """
        with self._opening:
            if self._session is None:
                self._session = self._open()
            if self._unwanted:
                self._unwanted = False
                raise CancelledError("stopped before it began")
            return self._session

    def _open(self) -> Session:
        from engine import session as engine  # noqa: PLC0415  # loads late

        settings = self.settings
        path = engine.find_lake(explicit=settings.db)
        return engine.connect(
            path,
            read_only=settings.read_only,
            as_of=settings.as_of,
            branch=settings.branch,
            guarded=True,
        )

    @property
    def open_session(self) -> Session | None:
        """Return the session if it is open already."""
        return self._session

    def at(self, ref: str) -> Context:
        """Read from now on as of another moment; only possible before the session is opened."""
        self.configure(as_of=ref)
        return self

    def run(self, text: str, *, name: str = "", span: Span | None = None) -> None:
        """Run every statement of a text, or of a part of it, showing each result as it comes."""
        session = self.session()
        self.source = Source(text, name, span.start if span else 0)
        part = text[span.start : span.end] if span else text
        results = session.run(part, self.settings.params or None)
        while True:
            started = perf_counter()
            result = next(results, None)
            if result is None:
                return
            self.show(result, started)

    def show(self, result: Result, started: float) -> None:
        """Show one result: rows as data, anything else as a line of narration."""
        if result.kind == "rows":
            shown = self.output.show(self.record(result))
            self.output.footer(shown, perf_counter() - started, self._moment())
        else:
            self.narrator.footer(
                [
                    result.tag if result.count is None else f"{result.tag} {count_of(result)}",
                    f"v{result.version}" if result.version is not None else "",
                    self.output.lasted(perf_counter() - started),
                ]
            )
        for note in result.notes:
            self.narrator.note(f"note: {note}")
        if result.version is not None and not self._committed:
            self._committed = True
            self._tell_signer(result.version)

    def _tell_signer(self, version: int) -> None:
        """Say so when the first commit of this invocation is also the first of its key."""
        signers = self.session().signers()
        if len(signers) > 1 and signers[-1][0] == version:
            before = signers[-2][1]
            self.narrator.note(f"note: this log was signed by another key until now: {before}")

    def _moment(self) -> str:
        session = self.session()
        return f"as of {session.as_of}" if session.as_of else f"v{session.version}"

    def supervised(self, job: Callable[[], int]) -> int:
        """Run a job that Ctrl-C and ``--timeout`` can stop.

        Raises: whatever the job raises; DeadlineError; CancelledError.
        """
        limit = self.settings.timeout
        try:
            code, late = supervise(job, self._stop, limit)
        except AbandonedError as error:
            self.abandoned = True
            if not error.late:
                return INTERRUPTED
            late, code = True, INTERRUPTED
        if late:
            raise DeadlineError(f"stopped after --timeout {limit:g} s; nothing of it was kept")
        return code

    @contextmanager
    def progress(self, label: str) -> Iterator[Callable[[int, int], None]]:
        """Yield what long work tells how far it is; a person sees a bar, and Ctrl-C stops the work.

        What is yielded raises CancelledError when the work is to stop.
        """
        from grizzly_cli.render.progress import bar  # noqa: PLC0415  # only long work needs it

        def heed(done: int, total: int) -> None:
            if self._stopped:
                raise CancelledError("stopped; what was finished is kept")
            if draw is not None:
                draw(done, total)

        draw: Callable[[int, int], None] | None = None
        self._watched, self._stopped = True, False
        seen = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        try:
            if seen and self.narrator.verbosity >= 0:
                with bar(label, color=self.narrator.color) as draw:
                    yield heed
            else:
                yield heed
        finally:
            self._watched = False

    def _stop(self, presses: int) -> None:
        if self._watched and presses < 2:
            self._stopped = True
            return
        if presses > 1 or (presses and self._session is None):
            raise AbandonedError
        self.interrupt()

    def interrupt(self) -> None:
        """Stop the statement that is running, or the one that waits for the engine."""
        if self._session is not None:
            self._session.interrupt()
        else:
            self._unwanted = True

    def configure(self, **changes: Any) -> None:
        """Change settings for what comes next."""
        self.settings = replace(self.settings, **changes)
        self.output.settings = self.settings

    def move(self, as_of: str | None) -> None:
        """Read as of another moment from now on; where that fails, all stays as it was.

        Raises: GrizzlyError when there is no such moment.
        """
        before = self.settings.as_of
        with self._opening:
            self.configure(as_of=as_of)
            try:
                fresh = self._open()
            except BaseException:
                self.configure(as_of=before)
                raise
            left, self._session = self._session, fresh
        if left is not None:
            left.close()

    def statements(self, *texts: str) -> int:
        """Run some statements that a command stands for."""

        def job() -> int:
            for text in texts:
                self.run(text)
            return OK

        return self.supervised(job)

    def table(self, rows: Rows) -> None:
        """Show rows that no statement made."""
        started = perf_counter()
        self.output.footer(self.output.show(rows), perf_counter() - started, "")

    def finish(self, code: int) -> int:
        """Flush the output and return the exit status."""
        self.output.finish()
        return code

    def close(self) -> None:
        """Close what was opened; keep no half-written file."""
        self.output.abandon()
        if self._session is not None and not self.abandoned:
            self._session.close()
        self._session = None


def count_of(result: Result) -> str:
    """Return how many rows a statement touched, as text."""
    return count(result.count or 0, "row")


def run_texts(context: Context, texts: Sequence[str]) -> int:
    """Run the statements of some texts; ``-`` stands for standard input."""

    def job() -> int:
        for text in texts:
            context.run(sys.stdin.read() if text == "-" else text)
        return OK

    return context.supervised(job)
