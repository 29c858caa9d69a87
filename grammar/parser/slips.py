"""Why a statement was refused, in words that help.

Layer: ``grammar.parser``. Invariant: the span is that of a token of the source text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot.tokenizer_core import TokenType

from grammar.errors import ParseError
from grammar.keywords import CLAUSE_WORDS
from grammar.spans import token_span
from grammar.suggestion import suggest
from grammar.tokens import word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlglot.errors import ParseError as SqlglotError
    from sqlglot.tokenizer_core import Token

_VALUE_ENDS = frozenset(
    {
        TokenType.VAR,
        TokenType.IDENTIFIER,
        TokenType.NUMBER,
        TokenType.STRING,
        TokenType.R_PAREN,
        TokenType.R_BRACKET,
    }
)


def explain(error: SqlglotError, tokens: Sequence[Token], text: str) -> ParseError:
    """Turn sqlglot's error into one of ours, at the token where it gave up."""
    number = _place(error, tokens)
    token = tokens[number]
    slip = _misspelt(tokens, number)
    if slip is not None:
        token, near = slip
        return ParseError(
            f"'{token.text}' is not expected here",
            span=token_span(token),
            hint=f"did you mean {near}?",
        )
    found = f"'{text[token.start : token.end + 1]}'"
    if _lacks_comma(tokens, number):
        return ParseError(
            f"{found} is not expected here",
            span=token_span(token),
            hint="is a comma or an operator missing before it?",
            code="SYNTAX_002",
        )
    if number == len(tokens) - 1 and not _is_surplus(error):
        return ParseError(
            f"the statement ends too early, after {found}",
            span=token_span(token),
            hint=_hint(error),
        )
    return ParseError(f"{found} is not expected here", span=token_span(token), hint=_hint(error))


def _place(error: SqlglotError, tokens: Sequence[Token]) -> int:
    details = error.errors[0] if error.errors else {}
    line, column = details.get("line"), details.get("col")
    for number, token in enumerate(tokens):
        if token.line == line and token.col == column:
            return number
    return len(tokens) - 1


def _is_surplus(error: SqlglotError) -> bool:
    details = error.errors[0] if error.errors else {}
    return "Unexpected token" in str(details.get("description", ""))


def _hint(error: SqlglotError) -> str | None:
    details = error.errors[0] if error.errors else {}
    description = str(details.get("description", ""))
    if description.startswith("Expecting "):
        return "expected " + description.removeprefix("Expecting ")
    if description.startswith("Expected "):
        return "expected " + description.removeprefix("Expected ")
    return None


def _misspelt(tokens: Sequence[Token], number: int) -> tuple[Token, str] | None:
    """Look for a word near the place that is almost a keyword."""
    for candidate in (number, number - 1, number - 2, number - 3):
        if 0 <= candidate < len(tokens) and tokens[candidate].token_type is TokenType.VAR:
            near = suggest(word(tokens[candidate]), CLAUSE_WORDS)
            if near and word(tokens[candidate]) not in CLAUSE_WORDS:
                return tokens[candidate], near
    return None


def _lacks_comma(tokens: Sequence[Token], number: int) -> bool:
    if not number or tokens[number].token_type not in _VALUE_ENDS - {
        TokenType.R_PAREN,
        TokenType.R_BRACKET,
    }:
        return False
    return tokens[number - 1].token_type in _VALUE_ENDS
