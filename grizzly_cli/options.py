"""The options every command shares, accepted in any order, before or after the command's name.

Layer: bottom of ``grizzly_cli``. Invariant: ``GLOBALS`` is the one table: parsing, help, completion
and the man page all read it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TEXT_FORMATS = ("box", "csv", "json", "jsonl", "markdown", "table")
BINARY_FORMATS = ("arrow", "orc", "parquet")
FORMATS = tuple(sorted(TEXT_FORMATS + BINARY_FORMATS))
COLORS = ("always", "auto", "never")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the shared options of one invocation say."""

    db: str | None = None
    as_of: str | None = None
    branch: str | None = None
    read_only: bool = False
    format: str | None = None
    out: str | None = None
    limit: int | None = None
    timeout: float | None = None
    params: dict[str, object] = field(default_factory=dict)
    no_input: bool = False
    color: str = "auto"
    verbosity: int = 0

    @property
    def out_path(self) -> str | None:
        """Return the file to write to, or None for standard output."""
        return None if self.out in {None, "-"} else self.out


@dataclass(frozen=True, slots=True)
class Flag:
    """One shared option: its spellings, what it takes, and how it changes the settings."""

    names: tuple[str, ...]
    metavar: str | None
    help: str
    apply: Callable[[Settings, str], Settings]


def scalar(text: str) -> object:
    """Read a parameter's value: a JSON number, true, false, null or string; anything else is text."""
    try:
        value = json.loads(text, parse_constant=lambda _: text)
    except ValueError:
        return text
    return text if isinstance(value, (dict, list)) else value


def _param(settings: Settings, text: str) -> Settings:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--param takes name=value, not '{text}'", hint="--param min=100")
    return replace(settings, params={**settings.params, name.lstrip("$"): scalar(value)})


def _choice(settings: Settings, name: str, text: str, allowed: Sequence[str]) -> Settings:
    if text not in allowed:
        from grammar import suggest  # noqa: PLC0415  # only a slip pays for it

        near = suggest(text, allowed)
        raise UsageError(
            f"--{name} cannot be '{text}'",
            hint=f"did you mean {near}?" if near else f"one of {', '.join(allowed)}",
        )
    return replace(settings, **{name: text})  # type: ignore[arg-type]  # a choice is always text


def _limit(settings: Settings, text: str) -> Settings:
    if not text.isdecimal():
        raise UsageError(f"--limit takes a number of rows, not '{text}'")
    return replace(settings, limit=int(text))


def _timeout(settings: Settings, text: str) -> Settings:
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise UsageError(f"--timeout takes seconds, not '{text}'")
    return replace(settings, timeout=seconds)


GLOBALS: tuple[Flag, ...] = (
    Flag(
        ("-d", "--db"),
        "PATH",
        "The lakehouse, or a .gobi file. Default: $GRIZZLY_DB, else the nearest one upward.",
        lambda s, v: replace(s, db=v),
    ),
    Flag(
        ("--as-of",),
        "REF",
        "Read the lakehouse as it was: a version, a snapshot's name or a timestamp.",
        lambda s, v: replace(s, as_of=v),
    ),
    Flag(
        ("--branch",),
        "NAME",
        "Read and write a branch instead of main.",
        lambda s, v: replace(s, branch=v),
    ),
    Flag(("--read-only",), None, "Refuse to write.", lambda s, _: replace(s, read_only=True)),
    Flag(
        ("-F", "--format"),
        "FORMAT",
        f"Output format: {', '.join(FORMATS)}. Default: box on a terminal, else csv.",
        lambda s, v: _choice(s, "format", v, FORMATS),
    ),
    Flag(("--json",), None, "Same as --format json.", lambda s, _: replace(s, format="json")),
    Flag(
        ("-o", "--out"),
        "FILE",
        "Write the data to FILE; its suffix chooses the format. '-' is standard output.",
        lambda s, v: replace(s, out=v),
    ),
    Flag(("--limit",), "N", "Write at most N rows of each result, and say so.", _limit),
    Flag(("--timeout",), "SECONDS", "Stop after SECONDS, with exit status 4.", _timeout),
    Flag(("--param",), "NAME=VALUE", "Bind $NAME in the statements; may be repeated.", _param),
    Flag(
        ("--no-input",),
        None,
        "Never ask; do what needs no answer, or fail.",
        lambda s, _: replace(s, no_input=True),
    ),
    Flag(
        ("--color",),
        "WHEN",
        "Colour: always, auto or never. NO_COLOR is honoured.",
        lambda s, v: _choice(s, "color", v, COLORS),
    ),
    Flag(
        ("-q", "--quiet"),
        None,
        "Say nothing on standard error but errors.",
        lambda s, _: replace(s, verbosity=-1),
    ),
    Flag(
        ("-v", "--verbose"),
        None,
        "Say more on standard error.",
        lambda s, _: replace(s, verbosity=s.verbosity + 1),
    ),
)

_BY_NAME = {name: flag for flag in GLOBALS for name in flag.names}


def hoist(argv: Sequence[str]) -> tuple[Settings, list[str]]:
    """Take the shared options out of a command line; return them and what is left, in order.

    Everything after ``--`` is left alone.

    Raises: UsageError for a missing or impossible value.
    """
    settings = Settings()
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            return settings, [*rest, word, *words]
        flag, value = _match(word)
        if flag is None:
            rest.append(word)
        else:
            settings = flag.apply(settings, _value(flag, word, value, words))
    return settings, rest


def _match(word: str) -> tuple[Flag | None, str | None]:
    if word in _BY_NAME:
        return _BY_NAME[word], None
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return (_BY_NAME.get(name), value) if equals else (None, None)
    flag = _BY_NAME.get(word[:2])
    if flag is not None and flag.metavar is not None:
        return flag, word[2:]
    return None, None


def _value(flag: Flag, word: str, value: str | None, words: Iterator[str]) -> str:
    if flag.metavar is None:
        if value is not None:
            raise UsageError(f"{flag.names[-1]} takes no value, and was given '{value}'")
        return ""
    found = value if value is not None else next(words, None)
    if found is None:
        raise UsageError(f"{word} needs a value: {word} {flag.metavar}")
    return found
