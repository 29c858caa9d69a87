"""Runs golden scripts: statements as a user would type them, and what the engine answered.

A script is blocks parted by blank lines. A block is commands, a line ``---`` and what they
printed; a block without ``---`` is prose. A command is one line, and lines indented below it:

    a:> BEGIN                     session ``a`` runs a statement; sessions share the lakehouse
    a:[plan]> SELECT …            print its plan first
    !> SELECT nope                must fail; the error is printed
    reopen:>                      close every session and open the lakehouse anew

Tags: ``plan`` the EXPLAIN text, ``types`` the columns and their types, ``notes`` what the engine
remarked, ``log`` the commits that appeared. The clock stands at the first minute of 2026 and moves
a minute with each command. Digests and durations are masked; all else is compared byte for byte.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from engine.session import Result, Session

_COMMAND = re.compile(r"^(?:(?P<who>\w+):)?(?:\[(?P<tags>[\w,]+)\])?(?P<fails>!)?>\s*(?P<sql>.*)$")
_TAGS = frozenset({"plan", "types", "notes", "log"})
_MASKS = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "<digest>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|µs)\b"), "<duration>"),
)


class ScriptError(Exception):
    """A script breaks its own rules, or a statement did what it should not."""


@dataclass(frozen=True)
class Command:
    """One statement of a script: who runs it, what to print beside it, whether it must fail."""

    who: str
    tags: frozenset[str]
    fails: bool
    sql: str


@dataclass(frozen=True)
class Block:
    """Commands with what they printed, or prose when ``recorded`` is None."""

    head: str
    recorded: str | None

    def commands(self) -> Iterator[Command]:
        """Read the commands of the block, joining indented lines to the line above."""
        joined: list[str] = []
        for line in self.head.splitlines():
            if line.startswith((" ", "\t")) and joined:
                joined[-1] += "\n" + line
            elif line and not line.startswith("#"):
                joined.append(line)
        for text in joined:
            first, _, rest = text.partition("\n")
            found = _COMMAND.match(first)
            if found is None:
                raise ScriptError(f"not a command: {first!r}")
            tags = frozenset(filter(None, (found["tags"] or "").split(",")))
            if tags - _TAGS:
                raise ScriptError(f"unknown tags {sorted(tags - _TAGS)} in {first!r}")
            sql = found["sql"] + ("\n" + rest if rest else "")
            yield Command(found["who"] or "", tags, found["fails"] is not None, sql)


def blocks(text: str) -> list[Block]:
    """Split a script into its blocks."""
    found = []
    for part in re.split(r"\n{2,}", text.strip("\n")):
        head, mark, recorded = part.partition("\n---")
        found.append(Block(head, recorded.strip("\n") if mark else None))
    return found


def render(script: list[Block]) -> str:
    """Write blocks as a script; the inverse of ``blocks``."""
    parts = [b.head if b.recorded is None else f"{b.head}\n---\n{b.recorded}" for b in script]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def mask(text: str) -> str:
    """Replace whatever differs between two runs."""
    for pattern, name in _MASKS:
        text = pattern.sub(name, text)
    return text


class Minutes:
    """A clock that moves when it is told to, and names that are the same each time."""

    def __init__(self) -> None:
        self._now = 1_767_225_600_000_000
        self._names = 0

    def tick(self) -> None:
        """Let a minute pass."""
        self._now += 60_000_000

    def now_us(self) -> int:
        """Return the time, in microseconds since the Unix epoch."""
        return self._now

    def token(self) -> str:
        """Return the next name."""
        self._names += 1
        return hashlib.sha256(str(self._names).encode()).hexdigest()[:32]


class Players:
    """The sessions of one script, by prefix, over one fresh lakehouse."""

    def __init__(self, folder: Path) -> None:
        from engine.session import create_lake

        self._path = folder / "lake"
        self._sessions: dict[str, Session] = {}
        self._seen = 0
        self._clock = Minutes()
        create_lake(self._path, clock=self._clock)

    def session(self, who: str) -> Session:
        """Open the session of a prefix at its first use."""
        from engine.session import connect

        if who not in self._sessions:
            self._sessions[who] = connect(self._path, clock=self._clock)
        return self._sessions[who]

    def close(self) -> None:
        """Close every session."""
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()

    def __call__(self, command: Command) -> str:
        """Run one command and print what it answered."""
        self._clock.tick()
        if command.who == "reopen":
            self.close()
            return ""
        session = self.session(command.who)
        lines = list(self._plan(session, command))
        for result in session.run(command.sql):
            lines += _answer(result, command.tags)
        if "log" in command.tags:
            lines += self._log(session)
        return "\n".join(lines)

    def _plan(self, session: Session, command: Command) -> Iterator[str]:
        if "plan" in command.tags:
            for result in session.run("EXPLAIN " + command.sql):
                for row in result.table().to_pylist():
                    yield from str(list(row.values())[-1]).rstrip().splitlines()

    def _log(self, session: Session) -> Iterator[str]:
        (result,) = session.run("SELECT version, op FROM grizzly.timeline ORDER BY version")
        for row in result.table().to_pylist():
            if row["version"] > self._seen:
                yield f"commit {row['version']} {row['op']}"
                self._seen = row["version"]


def _answer(result: Result, tags: frozenset[str]) -> Iterator[str]:
    if result.kind == "rows":
        if "types" in tags:
            yield ", ".join(f"{n} {t}" for n, t in zip(result.columns, result.types, strict=True))
        table = result.table()
        columns = [table.column(i).to_pylist() for i in range(table.num_columns)]
        for row in zip(*columns, strict=True):
            yield " | ".join(map(_cell, row))
        if not table.num_rows:
            yield "(no rows)"
    else:
        # Consumed, as any client would: a statement may do its work while its result is read.
        result.table()
        count = "" if result.count is None else f" {result.count}"
        version = "" if result.version is None else f" (version {result.version})"
        yield f"{result.tag}{count}{version}"
    if "notes" in tags:
        yield from (f"note: {note}" for note in result.notes)


def _cell(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("\n", "\\n")


def _error(error: Exception, sql: str) -> str:
    from grammar.errors import GrizzlyError

    if not isinstance(error, GrizzlyError):
        raise error
    lines = [f"{type(error).__name__} {error.code}: {error.message}"]
    if error.span is not None:
        lines.append(f"  at: {sql[error.span.start : error.span.end]}")
    if error.subject is not None:
        lines.append(f"  subject: {error.subject}")
    if error.hint is not None:
        lines.append(f"  hint: {error.hint}")
    return "\n".join(lines)


def perform(command: Command, execute: Callable[[Command], str]) -> str:
    """Run one command; an expected error is its answer, any other outcome is raised."""
    try:
        printed = execute(command)
    except Exception as error:
        if not command.fails:
            raise
        printed = _error(error, command.sql)
    else:
        if command.fails:
            raise ScriptError(f"did not fail: {command.sql!r} answered {printed!r}")
    # A blank line would end the block.
    lines = [mask(line.rstrip()) or "." for line in printed.splitlines()]
    return "\n".join(f"{command.who}: {line}" if command.who else line for line in lines)


def replay(script: list[Block], execute: Callable[[Command], str]) -> list[Block]:
    """Run a script and return it with what was printed this time."""
    played = []
    for block in script:
        if block.recorded is None:
            played.append(block)
            continue
        printed = [perform(command, execute) for command in block.commands()]
        played.append(Block(block.head, "\n".join(filter(None, printed)) or "ok"))
    return played
