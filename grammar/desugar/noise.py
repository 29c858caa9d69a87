"""Words that could as well be missing, or be there.

Layer: ``grammar``. Invariant: dropping or adding them changes nothing but what sqlglot understands.
"""

from __future__ import annotations

from sqlglot.parsers.duckdb import DuckDBParser
from sqlglot.tokenizer_core import Token, TokenType

from grammar.groups import Group, Item, first_token, is_paren, kind, words
from grammar.tokens import synthetic, word

_SIMPLE_TYPES = DuckDBParser.TYPE_TOKENS - {
    TokenType.ARRAY,
    TokenType.LIST,
    TokenType.MAP,
    TokenType.STRUCT,
    TokenType.VAR,
    TokenType.IDENTIFIER,
}
_BEFORE_VALUE = frozenset(
    [
        "SELECT",
        "DISTINCT",
        "WHERE",
        "AND",
        "OR",
        "NOT",
        "ON",
        "BY",
        "HAVING",
        "WHEN",
        "THEN",
        "ELSE",
    ]
) | {
    "GROUP BY",
    "ORDER BY",
    "PARTITION BY",
    "=",
    "+",
    "||",
}
_OPENS_TYPE = frozenset(
    {TokenType.ARRAY, TokenType.LIST, TokenType.MAP, TokenType.RANGE, TokenType.STRUCT}
)


def settle_noise(items: list[Item]) -> list[Item]:
    """Drop BY POSITION and VIRTUAL, write COLUMN after ALTER TABLE … RENAME, free some names."""
    spelled = words(items)
    altering = spelled[:1] == ["ALTER"]
    out: list[Item] = []
    at = 0
    while at < len(items):
        if spelled[at : at + 2] == ["BY", "POSITION"] and at and "INTO" in spelled[:at]:
            at += 2
        elif spelled[at] == "VIRTUAL" and at > 1 and is_paren(items[at - 1]):
            at += 1
        else:
            out.append(_plain_name(items, at))
            at += 1
            if altering and spelled[at - 1] == "RENAME" and _is_old_name(spelled, at):
                out.append(synthetic(TokenType.COLUMN, "COLUMN", first_token(items[at])))
    return out


def _is_old_name(spelled: list[str], at: int) -> bool:
    return at + 1 < len(spelled) and spelled[at] not in {"TO", "COLUMN"} and spelled[at + 1] == "TO"


def _plain_name(items: list[Item], at: int) -> Item:
    """Keep ``range < 3`` a comparison and ``text[0]`` an element; sqlglot would read types."""
    item = items[at]
    behind = items[at + 1] if at + 1 < len(items) else None
    if not isinstance(item, Token):
        return item
    if item.token_type in _OPENS_TYPE and kind(behind) is TokenType.LT:
        return synthetic(TokenType.VAR, item.text, item)
    bracket = isinstance(behind, Group) and behind.opener.token_type is TokenType.L_BRACKET
    before = items[at - 1] if at else None
    if bracket and item.token_type in _SIMPLE_TYPES and word(before) in _BEFORE_VALUE:
        return synthetic(TokenType.IDENTIFIER, item.text, item)
    return item
