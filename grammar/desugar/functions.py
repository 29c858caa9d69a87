"""Keep function calls as they were written.

Layer: ``grammar``. Invariant: sqlglot knows hundreds of functions and prints some of them as
another one, with other arguments, or without some. A call that means the same to DuckDB as to its
writer must reach DuckDB unchanged, so all but the harmless ones are parsed as unknown functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.parsers.duckdb import DuckDBParser
from sqlglot.tokenizer_core import Token, TokenType

from grammar.groups import Group, Item, commas, first_token, is_paren, join, kind, paren, words
from grammar.tokens import is_name, synthetic

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT_NAME = "__grizzly_fn_"

# Printed exactly as read, and worth their type: aggregates, ranking, choice, unnesting.
_UNDERSTOOD = frozenset(
    [
        "AVG",
        "COALESCE",
        "COUNT",
        "CUME_DIST",
        "DENSE_RANK",
        "FIRST_VALUE",
        "GROUPING",
        "LAG",
        "LAST_VALUE",
        "LEAD",
        "MAX",
        "MIN",
        "NTH_VALUE",
        "NTILE",
        "NULLIF",
        "PERCENT_RANK",
        "PERCENTILE_CONT",
        "PERCENTILE_DISC",
        "RANK",
        "ROW_NUMBER",
        "SUM",
        "UNNEST",
    ]
)
_REWRITTEN = frozenset(DuckDBParser.FUNCTIONS) - _UNDERSTOOD
# These have parsers of their own, which only a changed name escapes.
_RENAMED = frozenset(DuckDBParser.FUNCTION_PARSERS) - frozenset(
    ["CAST", "CHAR", "COLUMNS", "EXTRACT", "MAX", "MIN", "TRY_CAST"]
)
_SPELLED_OUT = frozenset({"FROM", "FOR", "IN", "PLACING", "BOTH", "LEADING", "TRAILING"})
_TAKES_LAMBDA = frozenset(
    [
        "APPLY",
        "ARRAY_APPLY",
        "ARRAY_FILTER",
        "ARRAY_REDUCE",
        "ARRAY_TRANSFORM",
        "COLUMNS",
        "FILTER",
        "LIST_APPLY",
        "LIST_FILTER",
        "LIST_REDUCE",
        "LIST_TRANSFORM",
        "REDUCE",
    ]
)


def keep_calls(items: list[Item]) -> list[Item]:
    """Rewrite and mark the calls of one level whose meaning sqlglot might change."""
    out: list[Item] = []
    for number, item in enumerate(items):
        arguments = items[number + 1] if number + 1 < len(items) else None
        if _is_unpacking(items, number):
            continue
        if isinstance(item, Token) and isinstance(arguments, Group) and is_paren(arguments):
            call = _call(item, arguments, out[-1:])
            if number and _is_unpacking(items, number - 1):
                call = synthetic(TokenType.VAR, KEPT_NAME + "*COLUMNS", item)
            out.append(call)
        else:
            out.append(item)
    return out


def _is_unpacking(items: list[Item], number: int) -> bool:
    """Find the star of ``f(*COLUMNS(…))``, which sqlglot would drop."""
    if kind(items[number]) is not TokenType.STAR or words(items[number + 1 : number + 2]) != [
        "COLUMNS"
    ]:
        return False
    return number == 0 or kind(items[number - 1]) is TokenType.COMMA


def _call(name: Token, arguments: Group, before: Sequence[Item]) -> Token:
    spelled = name.text.upper()
    if not is_name(name):
        return name
    if spelled == "EXTRACT":
        return _date_part(name, arguments)
    if spelled in _TAKES_LAMBDA:
        _short_arrows(arguments)
    else:
        _protect_arrows(arguments)
    if spelled in _REWRITTEN:
        arguments.closer.comments = [exp.SQLGLOT_ANONYMOUS]
    if spelled in _RENAMED and _SPELLED_OUT.isdisjoint(words(arguments.items)):
        return synthetic(TokenType.VAR, KEPT_NAME + name.text, name)
    if spelled == "APPLY" and words(before) not in (["CROSS"], ["OUTER"]):
        return synthetic(TokenType.VAR, name.text, name)
    return name


def _date_part(name: Token, arguments: Group) -> Token:
    items = arguments.items
    if words(items[1:2]) != ["FROM"]:
        return name
    unit = first_token(items[0])
    comma = synthetic(TokenType.COMMA, ",", first_token(items[1]))
    text = synthetic(TokenType.STRING, unit.text, unit)
    arguments.items = [text, comma, *items[2:]]
    arguments.closer.comments = [exp.SQLGLOT_ANONYMOUS]
    return synthetic(TokenType.VAR, "date_part", name)


def _short_arrows(arguments: Group) -> None:
    """Let ``x => e`` be a lambda here, as ``x -> e`` is."""
    for number, item in enumerate(arguments.items):
        if kind(item) is TokenType.FARROW:
            arguments.items[number] = synthetic(TokenType.ARROW, "->", first_token(item))


def _protect_arrows(arguments: Group) -> None:
    """Keep ``j -> 'key'`` the JSON operator: sqlglot takes a name before an arrow for a lambda's."""
    parts = commas(arguments.items)
    changed = False
    for part in parts:
        if len(part) > 2 and kind(part[1]) is TokenType.ARROW and _could_be_parameter(part[0]):
            like = first_token(part[0])
            part[0] = paren([paren([part[0]], like)], like)
            changed = True
    if changed:
        arguments.items = join(parts, arguments.opener)


def _could_be_parameter(item: Item) -> bool:
    if kind(item) in {TokenType.STRING, TokenType.IDENTIFIER} or is_paren(item):
        return True
    return isinstance(item, Token) and is_name(item)
