"""Tokens as a tree of brackets, which is what desugaring rewrites.

Layer: ``grammar``. Invariant: ``flat(tree(tokens)) == tokens`` for tokens whose brackets pair up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sqlglot.tokenizer_core import Token, TokenType

from grammar.tokens import CLOSING, OPENING, synthetic, word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(slots=True)
class Group:
    """A bracket, what is inside, and the bracket that closes it."""

    opener: Token
    items: list[Item]
    closer: Token


Item: TypeAlias = "Token | Group"


def tree(tokens: Sequence[Token]) -> list[Item]:
    """Nest tokens by their brackets, which must pair up."""
    current: list[Item] = []
    stack: list[tuple[list[Item], Token]] = []
    for token in tokens:
        if token.token_type in OPENING:
            stack.append((current, token))
            current = []
        elif token.token_type in CLOSING:
            outer, opener = stack.pop()
            outer.append(Group(opener, current, token))
            current = outer
        else:
            current.append(token)
    return current


def flat(items: Iterable[Item]) -> list[Token]:
    """Undo ``tree``."""
    out: list[Token] = []
    for item in items:
        if isinstance(item, Group):
            out.append(item.opener)
            out += flat(item.items)
            out.append(item.closer)
        else:
            out.append(item)
    return out


def kind(item: Item | None) -> TokenType | None:
    """Give the type of a token, and nothing for a bracket."""
    return item.token_type if isinstance(item, Token) else None


def is_paren(item: Item | None) -> bool:
    """Say whether an item is a parenthesis."""
    return isinstance(item, Group) and item.opener.token_type is TokenType.L_PAREN


def first_token(item: Item) -> Token:
    """Give the token an item begins with."""
    return item.opener if isinstance(item, Group) else item


def paren(items: Iterable[Item], like: Token) -> Group:
    """Put items in parentheses."""
    return Group(
        synthetic(TokenType.L_PAREN, "(", like),
        list(items),
        synthetic(TokenType.R_PAREN, ")", like),
    )


def call(name: str, args: Sequence[Sequence[Item]], like: Token) -> list[Item]:
    """Write a function call."""
    return [synthetic(TokenType.VAR, name, like), paren(join(args, like), like)]


def join(parts: Sequence[Sequence[Item]], like: Token) -> list[Item]:
    """Put commas between parts."""
    out: list[Item] = []
    for number, part in enumerate(parts):
        if number:
            out.append(synthetic(TokenType.COMMA, ",", like))
        out += part
    return out


def commas(items: Iterable[Item]) -> list[list[Item]]:
    """Split at commas; an empty part stays, so that the parser can point at it."""
    out: list[list[Item]] = [[]]
    for item in items:
        if kind(item) is TokenType.COMMA:
            out.append([])
        else:
            out[-1].append(item)
    return out


def words(items: Iterable[Item]) -> list[str]:
    """Give the upper-case word of each item, empty for what is none."""
    return [word(item) for item in items]
