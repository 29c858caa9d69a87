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
from grammar.parser.layout import take_clauses
from grammar.tokens import CLOSING, OPENING, word

if TYPE_CHECKING:
    from collections.abc import Sequence


def create(cursor: Cursor) -> Define:
    """Read any CREATE that is stock SQL, and CREATE TABLE … WITH (options).

    Raises: ParseError.
    """
    span = cursor.span
    tokens = cursor.until()
    properties: list[exp.Expr] = []
    if "TABLE" in {word(token) for token in tokens[:5]}:
        tokens, clauses = take_clauses(cursor, tokens)
        properties += [_property(name, value) for name, value in clauses.items()]
    begin = _options_at(tokens)
    if begin is not None:
        inner = Cursor(tokens[begin + 1 :], cursor.text)
        properties += [_property(name, value) for name, value in options(inner).items()]
        tokens = [*tokens[:begin], *inner.tokens[inner.at :]]
    tree = Cursor(tokens, cursor.text).sql("a definition")
    if not isinstance(tree, exp.Create):
        cursor.at = 0
        cursor.fail("this cannot be created")
    if properties:
        tree.set("properties", exp.Properties(expressions=properties))
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


def options(cursor: Cursor) -> dict[str, str | tuple[str, ...]]:
    """Read ``(name = value, …)``: names in lower case; a list of names in brackets is a tuple.

    Raises: ParseError.
    """
    cursor.need("(")
    found: dict[str, str | tuple[str, ...]] = {}
    while not cursor.take(")"):
        name = cursor.name_or_string("an option's name").lower()
        cursor.need("=")
        if cursor.word() == "(":
            found[name] = cursor.names("a column's name")
        else:
            found[name] = cursor.value("a value")
        if cursor.word() != ")":
            cursor.need(",")
    return found


def _property(name: str, value: str | tuple[str, ...]) -> exp.Expr:
    several = [exp.Literal.string(part) for part in value] if isinstance(value, tuple) else None
    given = exp.Tuple(expressions=several) if several else exp.Literal.string(value)
    return exp.Property(this=exp.Literal.string(name), value=given)
