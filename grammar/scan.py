"""The lexical skeleton: where quotes and comments begin and end.

Layer: ``grammar``, below the tokenizer. Invariant: works on any text, also unfinished; it is what
the shell asks while a statement is being typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

RegionKind = Literal["string", "name", "comment"]

_OPENER = re.compile(r"--|/\*|\$[A-Za-z_0-9]*\$|[eE]'|['\"`]")
_NESTING = re.compile(r"/\*|\*/")
_WORDS = {"'": "string", '"': "double quote", "`": "backtick", "/*": "comment"}


@dataclass(frozen=True, slots=True)
class Region:
    """A quoted or commented part of the text; ``end`` is past the closer, if there is one."""

    kind: RegionKind
    start: int
    end: int
    opener: str
    closed: bool


def regions(text: str) -> Iterator[Region]:
    """Give the quoted and commented parts, in order."""
    at = 0
    while match := _OPENER.search(text, at):
        start, opener = match.start(), match.group()
        if opener[0] in "eE$" and start and (text[start - 1].isalnum() or text[start - 1] == "_"):
            at = start + 1
            continue
        region = _region(text, start, opener)
        yield region
        at = region.end


def _region(text: str, start: int, opener: str) -> Region:
    body = start + len(opener)
    if opener == "--":
        end = text.find("\n", body)
        return Region("comment", start, len(text) if end < 0 else end, opener, closed=True)
    if opener == "/*":
        end = _comment_end(text, body)
        return Region("comment", start, len(text) if end < 0 else end, opener, closed=end >= 0)
    if opener[0] == "$":
        found = text.find(opener, body)
        end = len(text) if found < 0 else found + len(opener)
        return Region("string", start, end, opener, closed=found >= 0)
    end = _quote_end(text, body, opener[-1], escapes=opener[0] in "eE")
    kind: RegionKind = "string" if opener[-1] == "'" else "name"
    return Region(kind, start, len(text) if end < 0 else end, opener[-1], closed=end >= 0)


def _comment_end(text: str, at: int) -> int:
    depth = 1
    while match := _NESTING.search(text, at):
        depth += 1 if match.group() == "/*" else -1
        at = match.end()
        if depth == 0:
            return at
    return -1


def _quote_end(text: str, at: int, quote: str, *, escapes: bool) -> int:
    while at < len(text):
        if escapes and text[at] == "\\":
            at += 2
        elif text[at] != quote:
            at += 1
        elif text[at + 1 : at + 2] == quote:
            at += 2
        else:
            return at + 1
    return -1


def unclosed(text: str) -> tuple[str, int, str] | None:
    """Give what was opened last and never closed: its name, its offset and what would close it."""
    for region in regions(text):
        if not region.closed:
            closer = "*/" if region.opener == "/*" else region.opener
            return _WORDS.get(region.opener, "string"), region.start, closer
    return None
