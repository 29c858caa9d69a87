"""What sqlglot would pass over in silence, refused.

Layer: ``grammar.parser``. Invariant: a tree that leaves here says all that the text said.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from grammar.errors import ParseError
from grammar.spans import span_of, token_span, tokens_span
from grammar.tokens import OPENING, word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlglot.tokenizer_core import Token

    from grammar.errors import Span

_PROPERTIES = (exp.TemporaryProperty, exp.MaterializedProperty)
_CLAUSES = frozenset({"FROM", "WHERE", "HAVING", "LIMIT", "GROUP BY", "ORDER BY"})


def check_tokens(tokens: Sequence[Token]) -> None:
    """Refuse commas with nothing between them.

    Raises: ParseError.
    """
    for before, token in pairwise(tokens):
        if word(token) == "EXPORT_STATE" and word(before) == ")":
            raise ParseError("EXPORT_STATE is not offered", span=token_span(token))
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
    whole = tokens_span(tokens[0], tokens[-1])
    if tree.find(exp.Command):
        raise ParseError("this form of the statement is not known", span=whole)
    _check_parts(tree, whole)
    missing = _missing(tree)
    if missing:
        raise ParseError(f"expected {missing}", span=whole)
    if isinstance(tree, exp.Create):
        _check_create(tree, whole)
    elif isinstance(tree, exp.Merge):
        _check_merge(tokens)


def _check_parts(tree: exp.Expr, whole: Span) -> None:
    for part in tree.find_all(exp.Pivot, exp.Select):
        if isinstance(part, exp.Pivot) and part.this is not None and not part.expressions:
            raise ParseError("expected ON in PIVOT", span=span_of(part) or whole)
        if isinstance(part, exp.Select) and not part.expressions:
            raise ParseError("expected columns after SELECT", span=span_of(part) or whole)
    for pattern in tree.find_all(exp.RegexpLike, exp.RegexpILike):
        if isinstance(pattern.expression, (exp.Any, exp.All)):
            raise ParseError("a regular expression is compared with one pattern", span=whole)
    for limit in tree.find_all(exp.Limit):
        options = limit.args.get("limit_options")
        if (
            options
            and options.args.get("percent")
            and not isinstance(limit.expression, exp.Literal)
        ):
            raise ParseError("a percentage of rows is a number", span=whole)


def _missing(tree: exp.Expr) -> str | None:
    """Name what a statement cannot do without."""
    if isinstance(tree, exp.Insert):
        given = tree.expression or tree.args.get("default")
        return None if given else "VALUES or a query"
    if isinstance(tree, exp.Update):
        return None if tree.expressions else "SET"
    if isinstance(tree, exp.Create) and tree.kind in {"TABLE", "VIEW"}:
        given = tree.expression or (tree.kind == "TABLE" and isinstance(tree.this, exp.Schema))
        return None if given else "columns or AS and a query"
    return None


def _check_create(tree: exp.Create, whole: Span) -> None:
    if tree.find(exp.LikeProperty):
        raise ParseError("LIKE is not offered for CREATE", span=whole, code="SEMANTIC_003")
    properties = tree.args.get("properties")
    for part in properties.expressions if properties else ():
        if not isinstance(part, _PROPERTIES):
            words_of_it = type(part).__name__.removesuffix("Property")
            raise ParseError(
                f"{words_of_it.upper()} is not offered for CREATE", span=whole, code="SEMANTIC_003"
            )


def _check_merge(tokens: Sequence[Token]) -> None:
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if word(token) == "BY" and word(before) in {"INSERT", "UPDATE"}:
            raise ParseError(
                "BY NAME is not offered in MERGE",
                span=tokens_span(token, after),
                hint="list the columns",
            )
