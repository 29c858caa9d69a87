"""Completion: what may follow at the cursor, from the grammar and the names of the lakehouse.

Layer: ``grizzly_cli.repl``. Invariant: it reads only names learned earlier; it never asks the engine
while a key waits.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit.completion import Completer, Completion
from typing_extensions import override

from grammar.context import context as context_at
from grammar.keywords import WORDS
from grizzly_cli.options import FORMATS
from grizzly_cli.repl.meta import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

    from engine.session import TableInfo
    from grammar.context import Context
    from grizzly_cli.repl.shell import Names

_FILE_COMMANDS = {"read", "out", "last"}
_TABLE_COMMANDS = {"schema", "d", "log"}


def quoted(name: str) -> str:
    """Return a name as it must be typed."""
    return name if name.isidentifier() else "`" + name.replace("`", "``") + "`"


class GrizzlyCompleter(Completer):
    """Completes statements and dot commands."""

    def __init__(self, names: Names) -> None:
        """Offer the names of a lakehouse."""
        self.names = names

    @override
    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        text = document.text
        if text.lstrip()[:1] in {".", "\\"}:
            yield from self._meta(document.text_before_cursor.lstrip())
            return
        here = context_at(text, document.cursor_position)
        if here.kind == "file":
            yield from _files(here.prefix)
            return
        seen: set[str] = set()
        if here.kind == "none":
            return
        for word, what in self._candidates(here):
            if word.lower().startswith(here.prefix.lower()) and word not in seen:
                seen.add(word)
                yield Completion(word, start_position=-len(here.prefix), display_meta=what)

    def _meta(self, text: str) -> Iterator[Completion]:
        word, blank, rest = text.partition(" ")
        if not blank:
            found = iter([(f"{word[0]}{c.name}", c.help) for c in COMMANDS])
            prefix = word
        else:
            found = self._arguments(word[1:])
            prefix = rest.rsplit(" ", 1)[-1]
        for candidate, what in found:
            if candidate.lower().startswith(prefix.lower()):
                yield Completion(candidate, start_position=-len(prefix), display_meta=what)
        if blank and word[1:] in _FILE_COMMANDS:
            yield from _files(prefix)

    def _arguments(self, command: str) -> Iterator[tuple[str, str]]:
        if command in _TABLE_COMMANDS:
            yield from ((table.name, table.kind) for table in self.names.tables)
        elif command in {"mode", "last"}:
            yield from ((form, "format") for form in FORMATS)
        elif command == "help":
            yield from ((c.name, c.help) for c in COMMANDS)
            yield ("keys", "what the keys do")
        elif command == "at":
            yield ("now", "the newest version")
            yield from ((snapshot, "snapshot") for snapshot in self.names.snapshots)
        elif command == "timer":
            yield from (("on", ""), ("off", ""))

    def _candidates(self, here: Context) -> Iterable[tuple[str, str]]:
        tables = self.names.tables
        match here.kind:
            case "table":
                return self._tables(here)
            case "column":
                return [*self._columns(here), *self._functions(here), *self._keywords(here)]
            case "function":
                return self._functions(here)
            case "snapshot":
                return [(name, "snapshot") for name in self.names.snapshots]
            case "schema":
                return [(name, "schema") for name in sorted({table.schema for table in tables})]
            case _:
                return self._keywords(here)

    def _tables(self, here: Context) -> Iterator[tuple[str, str]]:
        yield from ((name, "with") for name in here.ctes)
        for table in self.names.tables:
            name = quoted(table.name)
            yield (name if table.schema == "main" else f"{quoted(table.schema)}.{name}", table.kind)

    def _in_scope(self, here: Context) -> Iterator[TableInfo]:
        wanted = {name.lower().rpartition(".")[2] for name, _ in here.tables}
        if here.qualifier:
            chosen = here.qualifier.lower()
            wanted = {
                name.lower().rpartition(".")[2]
                for name, alias in here.tables
                if chosen in {(alias or "").lower(), name.lower(), name.lower().rpartition(".")[2]}
            } or {chosen}
        yield from (table for table in self.names.tables if table.name.lower() in wanted)

    def _columns(self, here: Context) -> Iterator[tuple[str, str]]:
        for table in self._in_scope(here):
            for column, kind in table.columns:
                yield quoted(column), f"{table.name}, {kind.lower()}"
        if not here.qualifier:
            yield from ((alias or name, "table") for name, alias in here.tables)

    def _functions(self, here: Context) -> Iterator[tuple[str, str]]:
        if here.prefix and not here.qualifier:
            yield from ((name, "function") for name in self.names.functions)

    def _keywords(self, here: Context) -> Iterator[tuple[str, str]]:
        if here.qualifier:
            return
        only = set(here.keywords)
        lower = here.prefix.islower()
        for word in WORDS:
            if word.text in only or (not only and here.prefix):
                yield (word.text.lower() if lower else word.text, word.help)


def _files(prefix: str) -> Iterator[Completion]:
    folder, _, start = prefix.rpartition("/")
    try:
        base = Path(folder or ("/" if prefix.startswith("/") else ".")).expanduser()
        entries = sorted(os.scandir(base), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(start) and (start or not entry.name.startswith(".")):
            tail = "/" if entry.is_dir() else ""
            yield Completion(entry.name + tail, start_position=-len(start))
