"""Everything that is said on standard error, and what each error means to the calling program.

Layer: bottom of ``grizzly_cli``. Invariant: no other module writes to standard error, and no
traceback leaves this one unless ``GRIZZLY_DEBUG`` asks for it.

    0 done · 1 the statement failed · 2 wrong usage · 3 could not open, read or write · 4 timed out
    5 a verification failed · 6 differences were found · 70 a fault of ours · 130 stopped by Ctrl-C
    141 the reader went away
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from engine.errors import (
    CancelledError,
    CorruptError,
    GrizzlyError,
    StorageError,
    UsageError,
    VerificationError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OK, FAILED, USAGE, UNAVAILABLE, TIMED_OUT, UNTRUE, DIFFERENT = range(7)
INTERNAL, INTERRUPTED, BROKEN_PIPE = 70, 130, 141

EXIT_CODES: tuple[tuple[type[GrizzlyError], int], ...] = (
    (VerificationError, UNTRUE),
    (CorruptError, UNTRUE),
    (StorageError, UNAVAILABLE),
    (UsageError, USAGE),
    (CancelledError, INTERRUPTED),
    (GrizzlyError, FAILED),
)

_MOST = 100
_TAB = "    "
_DAMAGED = "`grizzly verify` finds all that is damaged; `grizzly repair --from COPY` brings it back"


class DeadlineError(CancelledError):
    """The statement was stopped because ``--timeout`` ran out."""

    code = "RUNTIME_005"


@dataclass(frozen=True, slots=True)
class Source:
    """A text that spans point into. ``name`` is its file, ``offset`` where a part of it began."""

    text: str
    name: str = ""
    offset: int = 0


def exit_code(error: GrizzlyError) -> int:
    """Return the exit status that an error ends the program with."""
    if isinstance(error, DeadlineError):
        return TIMED_OUT
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


def wants_color(when: str, stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a stream is to be coloured."""
    if when != "auto":
        return when == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("CLICOLOR_FORCE", "0") not in {"", "0"}:
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def seconds(duration: float) -> str:
    """Return a duration as people read it: ``0.4 ms``, ``12 ms``, ``3.2 s``, ``2 min 5 s``."""
    if duration < 0.01:
        return f"{duration * 1000:.1f} ms"
    if duration < 1:
        return f"{duration * 1000:.0f} ms"
    if duration < 60:
        return f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    return f"{minutes} min {rest} s"


def count(number: int, noun: str) -> str:
    """Return a number and its noun: ``1 row``, ``100 000 rows``."""
    return f"{number:,}".replace(",", " ") + f" {noun}" + ("" if number == 1 else "s")


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth  # noqa: PLC0415  # only text beyond ASCII pays for the tables

    return max(int(wcswidth(text)), 0)


def locate(text: str, offset: int) -> tuple[int, int, str]:
    """Return the line number, the column number, both from 1, and the line itself."""
    offset = min(offset, len(text))
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start : len(text) if end < 0 else end].rstrip("\r")
    return text.count("\n", 0, start) + 1, offset - start + 1, line


def excerpt(line: str, start: int, end: int) -> tuple[str, int, int]:
    """Return the part of a long line around a span, with control characters made visible."""
    shift = max(0, start - _MOST // 2)
    piece = line[shift : shift + _MOST]
    end = max(min(end, shift + len(piece)), start + 1)

    def show(text: str) -> str:
        text = text.replace("\t", _TAB)
        return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)

    left = ("…" if shift else "") + show(piece[: start - shift])
    under = show(piece[start - shift : end - shift])
    right = show(piece[end - shift :]) + ("…" if shift + len(piece) < len(line) else "")
    return left + under + right, _columns(left), max(_columns(under), 1)


class Narrator:
    """The voice on standard error."""

    def __init__(self, *, color: bool, verbosity: int = 0) -> None:
        """Speak on standard error; ``verbosity`` below 0 leaves only errors."""
        self.color = color
        self.verbosity = verbosity

    def paint(self, style: str, text: str) -> str:
        """Return the text in a terminal style, if colours are wanted."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.color else text

    def say(self, text: str) -> None:
        """Write a line, whatever the verbosity."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def note(self, text: str) -> None:
        """Write a line of narration."""
        if self.verbosity >= 0:
            self.say(self.paint("2", text))

    def detail(self, text: str) -> None:
        """Write a line that only ``--verbose`` shows."""
        if self.verbosity > 0:
            self.note(text)

    def warn(self, text: str) -> None:
        """Write a warning."""
        if self.verbosity >= 0:
            self.say(f"{self.paint('33', 'warning')}: {text}")

    def footer(self, parts: Sequence[str]) -> None:
        """Write what a result was, part by part."""
        self.note(" · ".join(part for part in parts if part))

    def error(self, error: GrizzlyError, source: Source | None = None) -> int:
        """Write an error with the place it points to and its hint; return the exit status."""
        label = self.paint("1;31", f"error[{error.code}]")
        self.say(f"{label}: {_message(error)}")
        if error.span is not None and source is not None:
            self._point(source, error.span.start, error.span.end)
        hint = error.hint or (_DAMAGED if isinstance(error, CorruptError) else None)
        if hint:
            self.say(f"{self.paint('36', 'hint')}: {hint}")
        return exit_code(error)

    def _point(self, source: Source, start: int, end: int) -> None:
        number, column, line = locate(source.text, source.offset + start)
        text, left, length = excerpt(line, column - 1, column - 1 + max(end - start, 1))
        where = f"{source.name}:{number}:{column}" if source.name else f"{number}:{column}"
        margin = " " * len(str(number))
        self.say(f"{margin}{self.paint('34', '-->')} {where}")
        self.say(f"{margin} {self.paint('34', '|')}")
        self.say(f"{self.paint('34', f'{number} |')} {text}")
        self.say(f"{margin} {self.paint('34', '|')} {' ' * left}{self.paint('31', '^' * length)}")

    def usage(self, message: str, hint: str | None = None) -> int:
        """Write what is wrong with the command line; return the exit status."""
        return self.error(UsageError(message, hint=hint))

    def internal(self, error: BaseException) -> int:
        """Own up to a fault of this program; return the exit status."""
        if os.environ.get("GRIZZLY_DEBUG") == "1":
            import traceback  # noqa: PLC0415  # only a fault pays for it

            self.say("".join(traceback.format_exception(error)).rstrip())
        summary = " ".join(str(error).split())[:300]
        self.say(
            f"internal error: {type(error).__name__}: {summary} "
            "(please report it; GRIZZLY_DEBUG=1 shows where it happened)"
        )
        return INTERNAL


def _message(error: GrizzlyError) -> str:
    message = "".join(c if c.isprintable() or c == "\n" else "?" for c in error.message)
    if error.subject and error.subject not in error.message:
        return f"{message} ({error.subject})"
    return message
