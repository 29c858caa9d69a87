"""What the shell remembers between statements, and how it runs one.

Layer: ``grizzly_cli.repl``. Invariant: a failed statement ends a script, never the shell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engine.errors import GrizzlyError, ReadOnlyError, Span, UsageError
from grizzly_cli.diagnostics import OK
from grizzly_cli.repl.meta import COMMANDS, find

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.session import Result, Session, TableInfo
    from grizzly_cli.context import Context
    from grizzly_cli.render.listing import Listing

_DOT_LINE = re.compile(r"^[.\\][A-Za-z?]\w*[^\n]*$", re.MULTILINE)
_TAKES_LINES = re.compile(r"[.\\]explain\b", re.IGNORECASE)
_KEPT_BYTES = 64 << 20


class Names:
    """The names that completion offers, as of the last statement."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.tables: list[TableInfo] = []
        self.functions: list[str] = []
        self.snapshots: list[str] = []

    def refresh(self, session: Session) -> None:
        """Ask the session for its names.

        Raises: GrizzlyError.
        """
        self.tables = session.tables()
        self.snapshots = session.snapshots()
        if not self.functions:
            self.functions = session.functions()


class Recorded:
    """A result that keeps what passes through it, as long as that is small."""

    def __init__(self, result: Result) -> None:
        """Wrap a result before it is read."""
        self._result = result
        self._kept: list[Any] | None = []
        self.columns = result.columns
        self.types = result.types

    @property
    def schema(self) -> Any:
        """Return the Arrow schema."""
        return self._result.schema

    def batches(self) -> Iterator[Any]:
        """Yield the rows, keeping them."""
        size = 0
        for batch in self._result.batches():
            size += batch.nbytes
            if self._kept is not None:
                self._kept.append(batch)
            if size > _KEPT_BYTES:
                self._kept = None
            yield batch

    def listing(self) -> Listing | None:
        """Return the rows to be shown again, or None if they were too many to keep."""
        import pyarrow as pa  # noqa: PLC0415  # loaded with the first result

        from grizzly_cli.render.listing import Listing  # noqa: PLC0415

        if self._kept is None:
            return None
        table = pa.Table.from_batches(self._kept, schema=self.schema)
        return Listing.of_table(table, self.types)


class Shell:
    """One run of the shell."""

    def __init__(self, context: Context) -> None:
        """Start with an empty memory."""
        self.context = context
        self.names = Names()
        self.last: Recorded | None = None
        self.leaving = False
        self.name = "grizzly"
        context.record = self._record

    def _record(self, result: Result) -> Recorded:
        self.last = Recorded(result)
        return self.last

    def execute(self, text: str, name: str = "") -> None:
        """Run one input: a dot command, or statements.

        Raises: GrizzlyError.
        """
        stripped = text.strip()
        if stripped[:1] not in {".", "\\"}:
            self._part(text, name, Span(0, len(text)))
        elif "\n" in stripped and not _TAKES_LINES.match(stripped):
            self.script(text, name)
        else:
            self._command(stripped)

    def _command(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        command = find(word)
        if command is None:
            from grammar import suggest  # noqa: PLC0415  # only a slip pays for it

            near = suggest(word[1:], [c.name for c in COMMANDS])
            hint = f"did you mean .{near}?" if near else ".help lists them"
            raise UsageError(f"there is no command '{word}'", hint=hint)
        self.context.source = None
        command.run(self, rest.strip().removesuffix(";").strip())

    def script(self, text: str, name: str) -> int:
        """Run a whole text, dot commands between the statements included; stop at an error.

        Raises: GrizzlyError.
        """
        start = 0
        for match in _DOT_LINE.finditer(text):
            if match.start() < start or not _stands_alone(text[start : match.start()]):
                continue
            self._part(text, name, Span(start, match.start()))
            self.execute(match[0])
            start = match.end()
            if self.leaving:
                return OK
        self._part(text, name, Span(start, len(text)))
        return OK

    def _part(self, text: str, name: str, span: Span) -> None:
        if not text[span.start : span.end].strip():
            return
        try:
            self.context.run(text, name=name, span=span)
        except ReadOnlyError as error:
            if self.context.settings.as_of is not None:
                error.hint = ".at now comes back to the present"
            raise

    def refresh(self) -> None:
        """Learn the names that completion offers; not knowing them is no failure."""
        try:
            self.names.refresh(self.context.session())
        except GrizzlyError as error:
            self.context.narrator.detail(f"completion knows no names: {error.message}")


def _stands_alone(text: str) -> bool:
    """Return whether a dot command may follow a text: no statement is open."""
    from grammar import is_complete  # noqa: PLC0415  # only scripts with dot commands need it

    return not text.strip() or is_complete(text)
