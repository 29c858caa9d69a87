"""What sqlglot would pass over in silence, refused.

Layer: ``grammar.parser``. Invariant: a tree that leaves here says all that the text said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.tokens import TokenType

from grammar.errors import ParseError
from grammar.spans import token_span, tokens_span
from grammar.tokens import OPENING, word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlglot.tokens import Token

_CLAUSES = frozenset({"FROM", "WHERE", "HAVING", "LIMIT", "GROUP BY", "ORDER BY"})


def check_tokens(tokens: Sequence[Token]) -> None:
    """Refuse commas with nothing between them.

    Raises: ParseError.
    """
    for before, token in zip(tokens, tokens[1:], strict=False):
        if token.token_type is not TokenType.COMMA:
            continue
        if before.token_type is TokenType.COMMA or before.token_type in OPENING:
            raise ParseError("expected an expression before this comma", span=token_span(token))
        if word(before) in _CLAUSES | {"SELECT", "BY", "VALUES", "SET"}:
            raise ParseError("expected an expression before this comma", span=token_span(token))


def check_tree(tree: exp.Expr, tokens: Sequence[Token]) -> None:
    """Refuse what sqlglot kept as text because it did not understand it.

    Raises: ParseError.
    """
    if tree.find(exp.Command):
        raise ParseError(
            "this form of the statement is not known",
            span=tokens_span(tokens[0], tokens[-1]),
        )
