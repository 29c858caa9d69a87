"""The root of the one error tree, and the spans its members point with.

Layer: bottom of ``grammar``; ``engine.errors`` grows the rest of the tree from here.
Invariant: an error is data. It never renders itself; ``grizzly_cli.diagnostics`` does.

    GrizzlyError
    └ LanguageError      ParseError 42601  (bind, type and support errors: engine.errors)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of character offsets into the source text."""

    start: int
    end: int


class GrizzlyError(Exception):
    """Anything this system refuses or fails to do, with all a reader needs to act on it.

    ``code`` is the stable short name (``SYNTAX_001``), ``sqlstate`` the SQL standard's, ``hint`` one
    sentence that says what to do next, ``subject`` the object that is at fault (a table, a file).
    """

    code = "RUNTIME_000"
    sqlstate = "XX000"
    retryable = False

    def __init__(
        self,
        message: str,
        *,
        span: Span | None = None,
        hint: str | None = None,
        subject: str | None = None,
        code: str | None = None,
    ) -> None:
        """Keep the message and its particulars; nothing is formatted here."""
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint
        self.subject = subject
        if code is not None:
            self.code = code


class LanguageError(GrizzlyError):
    """The text cannot be understood; the span says where."""

    code = "SYNTAX_000"
    sqlstate = "42000"


class ParseError(LanguageError):
    """The text is not a statement of the language."""

    code = "SYNTAX_001"
    sqlstate = "42601"
