"""The man pages that follow from code: grizzly(1) and grizzly-errors(7).

Layer: top of ``grizzly_cli``. Invariant: the same code gives the same bytes; ``--check`` writes
nothing and fails when a page on disk is another.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import errors
from grizzly_cli import __version__
from grizzly_cli.app import EPILOG, tree
from grizzly_cli.diagnostics import exit_code
from grizzly_cli.options import GLOBALS
from grizzly_cli.repl.meta import COMMANDS, KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLDER = Path(__file__).resolve().parent.parent / "man"

EXIT_STATUS = (
    ("0", "Done."),
    ("1", "A statement failed."),
    ("2", "Wrong usage or settings; nothing was run."),
    ("3", "Something could not be opened, read or written, or is locked; trying again may help."),
    ("4", "--timeout ran out."),
    ("5", "A verification failed: bytes, a signature or a proof are not what they should be."),
    ("6", "Differences were found, and --exit-code asked to be told."),
    ("70", "A fault of this program."),
    ("130", "Stopped by Ctrl-C."),
    ("141", "The reader of standard output went away."),
)
ENVIRONMENT = (
    ("GRIZZLY_DB", "The lakehouse to use where -d names none."),
    ("GRIZZLY_KEY", "The file of the key that signs commits."),
    ("GRIZZLY_DEBUG", "If 1, a fault of this program is shown with its traceback."),
    ("NO_COLOR, CLICOLOR_FORCE, TERM", "Whether output is coloured."),
    ("VISUAL, EDITOR", "The editor that Ctrl-X Ctrl-E opens."),
)
FILES = (
    (".grizzly/", "What makes a folder a lakehouse; see grizzly-lake(5)."),
    ("$XDG_CONFIG_HOME/pl-grizzly/signing.key", "The key that signs commits. Keep a copy of it."),
    ("$XDG_STATE_HOME/pl-grizzly/history.db", "What was typed in the shell: an SQLite file."),
)
EXAMPLES = (
    ("Make a lakehouse and fill a table.", "grizzly init shop"),
    ("", "grizzly -d shop import flights.csv --table flights"),
    ("Ask, now and of the past.", 'grizzly -d shop query -F json "SELECT * FROM flights LIMIT 3"'),
    ("", 'grizzly -d shop query "SELECT count(*) FROM flights AS OF VERSION 3"'),
    ("See what changed.", "grizzly -d shop changes flights --since 3"),
    ("Check everything, and prove a commit to someone who has nothing else.", ""),
    ("", "grizzly -d shop verify"),
    ("", "grizzly -d shop prove --commit 3 -o p.json && grizzly verify p.json"),
    ("Put it all into one file, and ask that file.", "grizzly pack shop -o shop.gobi"),
    ("", 'grizzly -d shop.gobi query "FROM flights LIMIT 3"'),
)
SYNOPSIS = """\
.SH NAME
grizzly \\- an embedded, verifiable lakehouse in a terminal
.SH SYNOPSIS
.B grizzly
[OPTIONS] [COMMAND [ARGUMENTS]]
.br
.B grizzly
[OPTIONS] \\-c SQL
.br
.B grizzly
[OPTIONS] \\-f FILE"""
STREAMS = """
Data goes to standard output and all else to standard error. On a terminal a result is a grid of at
most 40 rows, and no more than fit, and what it leaves out is said below it; anywhere else it is all
of the rows, as csv.
"""
SAMPLE = """\
error[SEMANTIC_001]: there is no table 'flihgts'
 --> 1:15
  |
1 | SELECT * FROM flihgts
  |               ^^^^^^^
hint: did you mean 'flights'?"""
CODES = """
The letters of a code name its family, the digits one kind of error in it. The families below are
classes; each is shown with the code and the SQLSTATE it has where nothing more exact is known, and
with the exit status of grizzly(1).
"""
SEE_ALSO = "pl-grizzly(7), grizzly-errors(7), gobi(5), grizzly-lake(5), grizzly-proof(5)"


def roff(text: str) -> str:
    """Return text as roff input that prints as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    for char, name in (("·", "\\(bu"), ("→", "\\(->"), ("↑", "\\(ua"), ("↓", "\\(da")):
        text = text.replace(char, name)
    return re.sub(r"^\.", r"\\&.", text, flags=re.MULTILINE)


def _title(name: str, section: int) -> str:
    return f'.TH {roff(name.upper())} {section} "" "grizzly {__version__}" "PL-GRIZZLY"'


def _tagged(items: Sequence[tuple[str, str]]) -> Iterator[str]:
    for tag, text in items:
        yield f".TP\n.B {roff(tag)}\n{roff(text)}"


def _paragraphs(text: str) -> Iterator[str]:
    """Yield a docstring's paragraphs; an example becomes a line of its own."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        flat = " ".join(paragraph.split())
        if flat.startswith("Example: "):
            yield ".PP\n.EX"
            yield from (roff(line) for line in flat.removeprefix("Example: ").split("; "))
            yield ".EE"
        else:
            yield f".PP\n{roff(flat)}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _placeholder(param: Any) -> str:
    if getattr(param, "is_flag", False):
        return ""
    return f" {param.metavar or '|'.join(getattr(param.type, 'choices', ())) or 'VALUE'}"


def _arguments(command: Any) -> str:
    words = ["[OPTIONS]"]
    for param in command.params:
        if param.param_type_name == "argument":
            word = param.metavar or param.name.upper() + ("..." if param.nargs == -1 else "")
            words.append(word if param.required or word.startswith("[") else f"[{word}]")
    return " ".join(words)


def _leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, sub in command.commands.items():
        if hasattr(sub, "commands"):
            yield from _leaves(sub, f"{path}{name} ")
        else:
            yield f"{path}{name}", sub


def _command(path: str, command: Any) -> Iterator[str]:
    yield f".SS grizzly {roff(path)} {roff(_arguments(command))}".rstrip()
    yield from _paragraphs(command.help or "")
    for param in command.params:
        if param.param_type_name == "option" and param.name != "help":
            names = ", ".join(sorted(param.opts, key=len))
            yield f".TP\n.B {roff(names + _placeholder(param))}\n{roff(param.help)}"
        elif param.param_type_name == "argument" and getattr(param, "help", None):
            yield f".TP\n.I {roff(param.metavar or param.name.upper())}\n{roff(param.help)}"


def grizzly_1() -> str:
    """Return grizzly(1)."""
    root = tree()
    lines = [_title("grizzly", 1), SYNOPSIS, ".SH DESCRIPTION"]
    lines += [*_paragraphs(root.help or ""), *_paragraphs(STREAMS), ".SH OPTIONS"]
    lines += _paragraphs(EPILOG.replace("'grizzly --help' lists", "follow"))
    for flag in GLOBALS:
        tag = ", ".join(flag.names) + (f" {flag.metavar}" if flag.metavar else "")
        lines += _tagged([(tag, flag.help)])
    lines += _tagged([("-h, --help", "Show help."), ("-V, --version", "Show the version.")])
    lines.append(".SH COMMANDS")
    for path, command in _leaves(root, ""):
        lines += _command(path, command)
    lines.append(".SH THE SHELL\n.SS Dot commands")
    lines += _tagged([(f".{c.name} {c.argument}".strip(), _sentence(c.help)) for c in COMMANDS])
    lines.append(".SS Keys")
    lines += _tagged([(keys, _sentence(what)) for keys, what in KEYS])
    for title, items in (
        ("EXIT STATUS", EXIT_STATUS),
        ("ENVIRONMENT", ENVIRONMENT),
        ("FILES", FILES),
    ):
        lines.append(f".SH {title}")
        lines += _tagged(items)
    lines.append(".SH EXAMPLES")
    for text, line in EXAMPLES:
        lines += [f".PP\n{roff(text)}"] if text else []
        lines += [f".PP\n.EX\n{roff(line)}\n.EE"] if line else []
    lines.append(f".SH SEE ALSO\n{roff(SEE_ALSO)}")
    return "\n".join(lines) + "\n"


def _family(kind: type[errors.GrizzlyError], depth: int) -> Iterator[tuple[type[Any], int]]:
    yield kind, depth
    for sub in sorted(kind.__subclasses__(), key=lambda each: each.code):
        if sub.__module__ in {"engine.errors", "grammar.errors"}:
            yield from _family(sub, depth + 1)


def grizzly_errors_7() -> str:
    """Return grizzly-errors(7)."""
    lines = [
        _title("grizzly-errors", 7),
        ".SH NAME\ngrizzly\\-errors \\- what errors of PL\\-GRIZZLY mean",
        ".SH DESCRIPTION",
        *_paragraphs("An error has a code, a message, the place that it is about, and a hint:"),
        f".PP\n.EX\n{roff(SAMPLE)}\n.EE",
        *_paragraphs(CODES),
        ".SH FAMILIES",
    ]
    for kind, depth in _family(errors.GrizzlyError, 0):
        if not depth:
            continue
        retry = " It may be tried again." if kind.retryable else ""
        facts = f"{kind.code}, SQLSTATE {kind.sqlstate}, exit status {exit_code(kind(''))}."
        summary = " ".join((kind.__doc__ or "").strip().split())
        lines.append(
            f".TP\n.B {roff(kind.__name__)}\n{roff(summary)}{roff(retry)}\n.br\n{roff(facts)}"
        )
    lines.append(".SH SEE ALSO\ngrizzly(1), pl\\-grizzly(7)")
    return "\n".join(lines) + "\n"


PAGES = {"grizzly.1": grizzly_1, "grizzly-errors.7": grizzly_errors_7}


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with ``--check`` say which differ; return the exit status."""
    stale = [name for name, page in PAGES.items() if _read(FOLDER / name) != page()]
    if "--check" in arguments:
        for name in stale:
            sys.stderr.write(f"man/{name} is not what the code says: make man\n")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name in stale:
        (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
