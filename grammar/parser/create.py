"""CREATE, with the options of a lakehouse's table.

Layer: ``grammar.parser``. Invariant: ``WITH (…)`` of CREATE TABLE is read here, as sqlglot would
understand some of its words as something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from grammar.nodes import Define
from grammar.parser.cursor import Cursor
from grammar.tokens import CLOSING, OPENING, word

if TYPE_CHECKING:
    from collections.abc import Sequence


def create(cursor: Cursor) -> Define:
    """Read any CREATE that is stock SQL, and CREATE TABLE … WITH (options).

    Raises: ParseError.
    """
    span = cursor.span
    tokens = cursor.until()
    begin = _options_at(tokens)
    options: list[exp.Expr] = []
    if begin is not None:
        inner = Cursor(tokens[begin:], cursor.text)
        options = _options(inner)
        tokens = [*tokens[:begin], *inner.tokens[inner.at :]]
    tree = Cursor(tokens, cursor.text).sql("a definition")
    if not isinstance(tree, exp.Create):
        cursor.at = 0
        cursor.fail("this cannot be created")
    if options:
        tree.set("properties", exp.Properties(expressions=options))
    return Define(span, tree)


def _options_at(tokens: Sequence[Token]) -> int | None:
    """Find WITH ( outside brackets, before AS, in CREATE TABLE."""
    if "TABLE" not in {word(token) for token in tokens[:5]}:
        return None
    depth = 0
    for number, token in enumerate(tokens[:-1]):
        if token.token_type in OPENING:
            depth += 1
        elif token.token_type in CLOSING:
            depth -= 1
        elif depth == 0 and token.token_type is TokenType.ALIAS:
            return None
        elif depth == 0 and word(token) == "WITH" and word(tokens[number + 1]) == "(":
            return number
    return None


def _options(cursor: Cursor) -> list[exp.Expr]:
    cursor.need("WITH", "(")
    found: list[exp.Expr] = []
    while not cursor.take(")"):
        name = cursor.name_or_string("an option's name").lower()
        cursor.need("=")
        value: exp.Expr
        if cursor.word() == "(":
            names = cursor.names("a column's name")
            value = exp.Tuple(expressions=[exp.Literal.string(name) for name in names])
        else:
            value = exp.Literal.string(cursor.value("a value"))
        found.append(exp.Property(this=exp.Literal.string(name), value=value))
        if cursor.word() != ")":
            cursor.need(",")
    return found
