"""A text while it is being typed: whether Enter runs it, and what in it is open.

Layer: ``grizzly_cli.repl``. Invariant: what could be the first half of a statement is never finished.
"""

from __future__ import annotations

import re

from grammar import ParseError, is_complete
from grammar.keywords import STATEMENT_STARTERS
from grammar.scan import regions
from grammar.tokens import tokenize

ALIASES = {"exit": ".quit", "quit": ".quit", "help": ".help", "?": ".help"}

_FIRST_WORD = re.compile(r"[^\W\d]\w*")
_DOT_LINES = re.compile(r"\A(?:\s*[.\\][^\n]*(?:\n|\Z))+")
_OPENED = {"(": "a bracket", "[": "a bracket", "{": "a bracket", "*": "a comment"}


def alias(text: str) -> str:
    """Return the dot command that a bare word stands for, or the text as it is."""
    return ALIASES.get(text.strip().rstrip(";").strip().lower(), text)


def finished(text: str) -> bool:
    """Return whether Enter at the end of a text runs it.

    A semicolon ends a statement, and so does an empty line, so that nobody is caught in one that
    seems to be open. What cannot begin a statement runs at once, to be told so.
    """
    if alias(text) is not text or blank_last_line(text):
        return True
    rest = _DOT_LINES.sub("", text).strip()
    if not rest:
        return True
    word = _FIRST_WORD.match(rest)
    if word is not None and word[0].upper() not in STATEMENT_STARTERS:
        return True
    return _ended(rest)


def blank_last_line(text: str) -> bool:
    """Return whether a text has several lines and nothing in the last one."""
    return "\n" in text and bool(text.strip()) and not text.rpartition("\n")[2].strip()


def _ended(text: str) -> bool:
    if not is_complete(text):
        return False
    try:
        tokens = tokenize(text)
    except ParseError:
        return text.endswith(";")
    return bool(tokens) and tokens[-1].text == ";"


def openers(text: str) -> tuple[str, ...]:
    """Return for each line the quote or bracket in which it begins, empty where there is none.

    Cost: linear in the text.
    """
    lines, stack, at = [""], list[str](), 0
    for region in regions(text):
        _brackets(text[at : region.start], lines, stack)
        lines += [region.opener[-1]] * text.count("\n", region.start, region.end)
        at = region.end
    _brackets(text[at:], lines, stack)
    return tuple(lines)


def _brackets(code: str, lines: list[str], stack: list[str]) -> None:
    for char in code:
        if char == "\n":
            lines.append(stack[-1] if stack else "")
        elif char in "([{":
            stack.append(char)
        elif char in ")]}" and stack:
            stack.pop()


def advice(text: str) -> str:
    """Return what to say on an empty last line."""
    opener = openers(text)[-1]
    if opener:
        return f"{_OPENED.get(opener, 'a quote')} is open"
    return "; or an empty line runs it"
