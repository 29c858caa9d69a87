"""Literals that begin with a type: ``DATE '…'``, ``INTERVAL '…'``, and rows of one value.

Layer: ``grammar``. Invariant: a cast or an operator behind such a literal applies to all of it;
sqlglot would take the string alone. ``(x,)`` is a row.
"""

from __future__ import annotations

from sqlglot.parsers.duckdb import DuckDBParser
from sqlglot.tokenizer_core import Token, TokenType

from grammar.groups import Group, Item, commas, first_token, is_paren, kind, paren
from grammar.keywords import INTERVAL_UNITS
from grammar.tokens import is_name, synthetic, word


def settle_literals(items: list[Item]) -> list[Item]:
    """Put literals that begin with a type in brackets, and write ROW before rows of one value."""
    out: list[Item] = []
    at = 0
    while at < len(items):
        item = items[at]
        behind = items[at + 1] if at + 1 < len(items) else None
        if isinstance(item, Token) and kind(behind) is TokenType.STRING and behind is not None:
            width = _literal(items, at, item, first_token(behind), out)
            if width:
                at += width
                continue
        if isinstance(item, Group) and _is_row_of_one(item, out):
            out.append(synthetic(TokenType.STRUCT, "ROW", item.opener))
            item.items.pop()
        out.append(item)
        at += 1
    return out


def _literal(items: list[Item], at: int, head: Token, text: Token, out: list[Item]) -> int:
    after = items[at + 2] if at + 2 < len(items) else None
    if head.token_type is TokenType.INTERVAL:
        if word(after) in INTERVAL_UNITS:
            further = items[at + 3] if at + 3 < len(items) else None
            if kind(further) not in {TokenType.PLUS, TokenType.DASH, TokenType.DCOLON}:
                return 0
            out.append(paren(items[at : at + 3], head))
            return 3
        cast = synthetic(TokenType.DCOLON, "::", head)
        out.append(paren([text, cast, head], head))
        return 2
    if head.token_type in DuckDBParser.TYPE_TOKENS and kind(after) is TokenType.DCOLON:
        out.append(paren(items[at : at + 2], head))
        return 2
    return 0


def _is_row_of_one(group: Group, out: list[Item]) -> bool:
    if not is_paren(group) or len(group.items) < 2:
        return False
    if kind(group.items[-1]) is not TokenType.COMMA or len(commas(group.items)) != 2:
        return False
    before = out[-1] if out else None
    called = isinstance(before, Token) and (
        kind(before) is TokenType.VAR or kind(before) in DuckDBParser.FUNC_TOKENS
    )
    return not called and not (
        is_name(before if isinstance(before, Token) else None)
        and (word(before) in {"IN", "VALUES", "BY", "USING"})
    )
