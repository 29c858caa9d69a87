"""Lists where sqlglot takes them for something else.

Layer: ``grammar``. Invariant: ``x IN [a, b]`` asks a list and not a row of values, which differs
where an element is NULL; ``T ARRAY`` is ``T[]`` and not a value with an alias.
"""

from __future__ import annotations

from sqlglot.parsers.duckdb import DuckDBParser
from sqlglot.tokenizer_core import Token, TokenType

from grammar.desugar.functions import KEPT_NAME
from grammar.groups import Group, Item, call, commas, kind, words
from grammar.tokens import synthetic, word


def settle_lists(items: list[Item]) -> list[Item]:
    """Write the list behind IN as a call, and the word ARRAY behind a type as brackets."""
    out: list[Item] = []
    for number, item in enumerate(items):
        behind_in = words(out[-1:]) == ["IN"]
        if isinstance(item, Group) and behind_in and _is_plain_list(item):
            out += call(KEPT_NAME + "list_value", commas(item.items), item.opener)
        elif isinstance(item, Token) and word(item) == "ARRAY" and _ends_type(out):
            if not _is_bracket(items[number + 1 : number + 2]):
                out.append(_empty_brackets(item))
        else:
            if number and isinstance(item, Group):
                _open_slice(item)
            out.append(item)
    return out


def _open_slice(group: Group) -> None:
    """Write ``[:j]`` as ``[0:j]``; sqlglot would read ``:j`` as a parameter."""
    if _is_bracket([group]) and group.items and kind(group.items[0]) is TokenType.COLON:
        group.items.insert(0, synthetic(TokenType.NUMBER, "0", group.opener))


def _is_plain_list(group: Group) -> bool:
    return _is_bracket([group]) and "FOR" not in words(group.items)


def _is_bracket(items: list[Item]) -> bool:
    return any(
        isinstance(item, Group) and item.opener.token_type is TokenType.L_BRACKET for item in items
    )


def _ends_type(items: list[Item]) -> bool:
    return kind(items[-1] if items else None) in DuckDBParser.TYPE_TOKENS


def _empty_brackets(like: Token) -> Group:
    opener = synthetic(TokenType.L_BRACKET, "[", like)
    return Group(opener, [], synthetic(TokenType.R_BRACKET, "]", like))
