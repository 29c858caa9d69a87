"""The dot commands: one table, from which help, completion and dispatch are made.

Layer: ``grizzly_cli.repl``. Invariant: a command that reads or writes data does so by a statement.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import IoError, UsageError
from grizzly_cli.context import commits, known, name, tables
from grizzly_cli.options import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    from grizzly_cli.repl.shell import Shell

KEYS = (
    ("Enter", "run what ends with ';', or all at an empty line; else a new line"),
    ("Alt-Enter", "a new line in any case"),
    ("Tab", "complete; again for the next"),
    ("→  Ctrl-→", "take the ghost suggestion, or one word of it"),
    ("↑ ↓", "line by line, then through the history"),
    ("Ctrl-R", "search the history; Enter, Tab or → takes what is found, Esc cancels"),
    ("Ctrl-X Ctrl-E", "edit in $EDITOR"),
    ("Ctrl-C", "drop the text (↑ brings it back), or stop the statement"),
    ("Ctrl-D", "leave"),
)


@dataclass(frozen=True, slots=True)
class Command:
    """One dot command. ``argument`` says what it takes, and what completes there."""

    name: str
    argument: str
    help: str
    run: Callable[[Shell, str], None]


def _help(shell: Shell, word: str) -> None:
    say = shell.context.narrator.say
    if word == "keys":
        for keys, what in KEYS:
            say(f"  {keys:<15}{what}")
        return
    chosen = [c for c in COMMANDS if c.name == word.lstrip(".\\")] if word else list(COMMANDS)
    if not chosen:
        raise UsageError(f"there is no command '{word}'", hint=".help lists them")
    for command in chosen:
        say(f"  {'.' + command.name + ' ' + command.argument:<24}{command.help}")
    if not word:
        say("  A ';' or an empty line runs a statement. .help keys shows the keys.")


def _quit(shell: Shell, _: str) -> None:
    shell.leaving = True


def _tables(shell: Shell, word: str) -> None:
    shell.context.run(tables(word or None))


def _schema(shell: Shell, word: str) -> None:
    shell.context.run(f"DESCRIBE {name(word)}" if word else "SHOW SCHEMAS")


def _mode(shell: Shell, word: str) -> None:
    context = shell.context
    if not word:
        context.narrator.say(context.output.format)
        return
    if word not in FORMATS:
        from grammar import suggest  # noqa: PLC0415  # only a slip pays for it

        near = suggest(word, FORMATS)
        hint = f"did you mean {near}?" if near else f"one of {', '.join(FORMATS)}"
        raise UsageError(f"there is no mode '{word}'", hint=hint)
    context.configure(format=word)


def _timer(shell: Shell, word: str) -> None:
    if word not in {"on", "off", ""}:
        raise UsageError(".timer is on or off")
    output = shell.context.output
    output.timed = not output.timed if not word else word == "on"
    shell.context.narrator.say(f"timer {'on' if output.timed else 'off'}")


def _last(shell: Shell, word: str) -> None:
    if shell.last is None:
        raise UsageError("there is no result to show again")
    listing = shell.last.listing()
    if listing is None:
        raise UsageError("the last result was too large to keep", hint="run it again with -o FILE")
    context = shell.context
    before = context.settings
    form = word if word in FORMATS else None
    path = word if word and form is None else before.out
    context.configure(format=form or (None if word else before.format), out=path)
    try:
        context.table(listing)
        if path != before.out:
            context.output.finish()
    finally:
        context.configure(format=before.format, out=before.out)


def _at(shell: Shell, word: str) -> None:
    context = shell.context
    session = context.session()
    if not word:
        context.narrator.say(session.as_of or f"now (version {session.version})")
        return
    if session.in_transaction:
        raise UsageError("a transaction is open", hint=".commit or .rollback first")
    context.move(None if word.lower() == "now" else word.strip("'\""))


def _statement(text: str) -> Callable[[Shell, str], None]:
    def run(shell: Shell, _: str) -> None:
        shell.context.run(text)

    return run


def _read(shell: Shell, word: str) -> None:
    if not word:
        raise UsageError(".read needs a file")
    path = Path(word.strip("'\"")).expanduser()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise IoError(f"cannot read '{path}': {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise IoError(f"cannot read '{path}': it is not UTF-8 text") from error
    shell.script(text, str(path))


def _out(shell: Shell, word: str) -> None:
    context = shell.context
    context.output.finish()
    context.configure(out=word.strip("'\"") or None)
    context.narrator.note(f"results go to {word or 'the screen'}")


def _explain(shell: Shell, text: str) -> None:
    if not text:
        raise UsageError(".explain needs a statement")
    shell.context.run(f"EXPLAIN {text}")


def _history(shell: Shell, pattern: str) -> None:
    from grizzly_cli.repl.history import Store  # noqa: PLC0415  # opens the history's file

    for text in Store.open(shell.context.narrator).search(pattern, most=50):
        shell.context.output.raw(text.encode("utf-8", "replace") + b"\n")


def _log(shell: Shell, word: str) -> None:
    context = shell.context
    rows = commits([], known(context.session(), word) if word else None)
    context.run(f"{rows} LIMIT 20 SELECT version, ts, op, tables, message")


def _clear(shell: Shell, _: str) -> None:
    if shell.context.output.to_terminal:
        sys.stdout.write("\x1b[2J\x1b[H")
        sys.stdout.flush()


COMMANDS: tuple[Command, ...] = (
    Command("help", "[COMMAND|keys]", "this list", _help),
    Command("quit", "", "leave; Ctrl-D does too", _quit),
    Command("tables", "[SCHEMA]", "list the tables", _tables),
    Command("schema", "[TABLE]", "show a table's columns, or the schemas", _schema),
    Command("mode", "[FORMAT]", "show or set the output format", _mode),
    Command("timer", "[on|off]", "say how long statements take", _timer),
    Command("last", "[FORMAT|FILE]", "show the last result again, without running it", _last),
    Command("at", "[REF|now]", "read as of a version, timestamp or snapshot", _at),
    Command("begin", "", "open a transaction", _statement("BEGIN")),
    Command("commit", "", "keep what it changed", _statement("COMMIT")),
    Command("rollback", "", "forget what it changed", _statement("ROLLBACK")),
    Command("read", "FILE", "run a script", _read),
    Command("out", "[FILE]", "write results to a file, or to the screen again", _out),
    Command("explain", "SQL", "show how a statement would be carried out", _explain),
    Command("history", "[PATTERN]", "list what was typed", _history),
    Command("log", "[TABLE]", "list the newest commits", _log),
    Command("clear", "", "clear the screen", _clear),
)

_SHORT = {"q": "quit", "exit": "quit", "d": "schema", "dt": "tables", "?": "help", "h": "help"}
_BY_NAME = {command.name: command for command in COMMANDS}


def find(word: str) -> Command | None:
    """Return the command that a word names, whichever mark is in front."""
    bare = word[1:].lower()
    return _BY_NAME.get(_SHORT.get(bare, bare))
