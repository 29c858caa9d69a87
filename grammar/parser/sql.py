"""The door to sqlglot's parser: tokens of one query, statement or expression to a tree.

Layer: ``grammar.parser``. Invariant: whatever sqlglot refuses comes out as ParseError with the span
of a source token, and what it would silently pass over is refused before it gets there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sqlglot import exp
from sqlglot.errors import ParseError as SqlglotError

from grammar.desugar import desugar
from grammar.dialect import Grizzly
from grammar.errors import ParseError
from grammar.markers import finish
from grammar.parser.audit import check_nothing_lost
from grammar.parser.refuse import check_tokens, check_tree
from grammar.parser.slips import explain
from grammar.spans import tokens_span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlglot.tokenizer_core import Token

_Node = TypeVar("_Node", bound=exp.Expr)


def parse_sql(tokens: Sequence[Token], text: str) -> exp.Expr:
    """Parse a whole statement that sqlglot knows.

    Raises: ParseError.
    """
    check_tokens(tokens)
    sugared = desugar(tokens, text)
    try:
        trees = Grizzly().parser().parse(sugared, text)
    except SqlglotError as error:
        raise explain(error, tokens, text) from None
    return _one(trees, tokens, sugared, text)


def parse_into(
    kind: type[_Node], tokens: Sequence[Token], text: str, *, from_clause: bool = False
) -> _Node:
    """Parse a part of a statement: a table, an expression.

    Raises: ParseError.
    """
    check_tokens(tokens)
    sugared = desugar(tokens, text, from_clause=from_clause)
    try:
        trees = Grizzly().parser().parse_into(kind, sugared, text)
    except SqlglotError as error:
        raise explain(error, tokens, text) from None
    tree = _one(trees, tokens, sugared, text)
    if not isinstance(tree, kind):
        raise ParseError("this cannot stand here", span=tokens_span(tokens[0], tokens[-1]))
    return tree


def _one(
    trees: Sequence[exp.Expr | None], tokens: Sequence[Token], sugared: Sequence[Token], text: str
) -> exp.Expr:
    found = [tree for tree in trees if tree is not None]
    if len(found) != 1:
        raise ParseError("this is not a statement", span=tokens_span(tokens[0], tokens[-1]))
    check_tree(found[0], tokens)
    check_nothing_lost(found[0], sugared)
    return finish(found[0], text)
