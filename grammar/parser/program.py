"""A whole text: its statements, one after the other.

Layer: ``grammar.parser``. Invariant: the statements' spans are those that ``split`` gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grammar.errors import Span
from grammar.parser.cursor import Cursor
from grammar.parser.statement import statement
from grammar.recursion import deep_recursion
from grammar.spans import tokens_span
from grammar.statements import statement_tokens
from grammar.tokens import check_brackets, tokenize

if TYPE_CHECKING:
    from grammar.nodes import Statement


def parse(text: str) -> list[Statement]:
    """Parse a text into its statements; an empty text has none.

    Raises: ParseError with the span of what is wrong, in characters of the text.
    """
    tokens = tokenize(text)
    check_brackets(tokens)
    found: list[Statement] = []
    for part in statement_tokens(tokens):
        with deep_recursion(tokens_span(part[0], part[-1]) if part else Span(0, len(text))):
            found.append(statement(Cursor(part, text)))
    return found
