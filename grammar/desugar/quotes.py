"""Double quotes where only a value can stand: VALUES rows and column defaults.

Layer: ``grammar``. Invariant: elsewhere a double-quoted word stays a name, and the binder decides.
"""

from __future__ import annotations

from sqlglot.tokenizer_core import Token, TokenType

from grammar.groups import Group, Item, is_paren, kind
from grammar.tokens import is_double_quoted, synthetic, word


def strings_in_value_position(items: list[Item], text: str) -> list[Item]:
    """Make strings of the double-quoted words in this level's VALUES rows and after DEFAULT."""
    rows = False
    for number, item in enumerate(items):
        if rows and is_paren(item) and isinstance(item, Group):
            item.items = _values(item.items, text)
            continue
        rows = word(item) == "VALUES" or (rows and kind(item) is TokenType.COMMA)
        if number and word(items[number - 1]) == "DEFAULT":
            items[number] = _values([item], text)[0]
    return items


def _values(items: list[Item], text: str) -> list[Item]:
    if items and word(items[0]) in {"SELECT", "FROM", "WITH", "VALUES"}:
        return items
    out: list[Item] = []
    for number, item in enumerate(items):
        if isinstance(item, Group):
            item.items = _values(item.items, text)
            out.append(item)
        elif _is_part_of_name(items, number):
            out.append(item)
        else:
            out.append(_string(item, text))
    return out


def _is_part_of_name(items: list[Item], number: int) -> bool:
    before = items[number - 1] if number else None
    after = items[number + 1] if number + 1 < len(items) else None
    if kind(before) is TokenType.DOT or word(before) in {"AS", "::"}:
        return True
    return kind(after) in {TokenType.DOT, TokenType.COLON} or is_paren(after)


def _string(token: Token, text: str) -> Token:
    if not is_double_quoted(token, text):
        return token
    return synthetic(TokenType.STRING, token.text, token)
