"""Statement ends in a text, also an unfinished one.

Layer: ``grammar``. Invariant: for a text that parses, ``split`` gives the statements' spans.
"""

from __future__ import annotations

from sqlglot.tokenizer_core import TokenType

from grammar.errors import ParseError, Span
from grammar.parser import parse
from grammar.scan import unclosed
from grammar.spans import tokens_span
from grammar.statements import statement_tokens
from grammar.tokens import CLOSING, OPENING, tokenize


def split(text: str) -> list[Span]:
    """Give the range of each statement, without its semicolon.

    Raises: ParseError for an unclosed quote or comment.
    """
    return [tokens_span(part[0], part[-1]) for part in statement_tokens(tokenize(text))]


def is_complete(text: str) -> bool:
    """Say whether a text is ready to run: it ends with a semicolon and nothing in it is open.

    A single line that parses as it stands is complete too, and so is an empty text.
    """
    if unclosed(text) is not None:
        return False
    try:
        tokens = tokenize(text)
    except ParseError:
        return True
    if not tokens:
        return True
    opened = sum((t.token_type in OPENING) - (t.token_type in CLOSING) for t in tokens)
    if opened:
        return opened < 0
    last = tokens[-1].token_type
    return last is TokenType.SEMICOLON or (last is not TokenType.COMMA and _runs(text))


def _runs(text: str) -> bool:
    try:
        return len(parse(text)) > 0
    except ParseError:
        return False
