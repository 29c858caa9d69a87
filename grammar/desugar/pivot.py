"""PIVOT and UNPIVOT as statements, with ORDER BY and LIMIT behind them.

Layer: ``grammar``. Invariant: a pivot inside FROM is left alone.
"""

from __future__ import annotations

from sqlglot.tokenizer_core import TokenType

from grammar.groups import Item, first_token, paren, words
from grammar.tokens import synthetic

_HEADS = frozenset({"PIVOT", "UNPIVOT", "PIVOT_WIDER", "PIVOT_LONGER"})
_BEHIND = frozenset({"ORDER BY", "LIMIT", "OFFSET"})


def pivot_as_source(items: list[Item]) -> list[Item]:
    """Rewrite ``PIVOT … ORDER BY …`` as ``SELECT * FROM (PIVOT …) ORDER BY …``."""
    spelled = words(items)
    start = next((n for n, name in enumerate(spelled) if name in _HEADS), None)
    if start is None or (start and spelled[0] not in {"WITH", "CREATE", "INSERT"}):
        return items
    if not {"SELECT", "FROM"}.isdisjoint(spelled[:start]):
        return items
    end = next((n for n in range(start, len(items)) if spelled[n] in _BEHIND), None)
    if end is None:
        return items
    head = first_token(items[start])
    select = [
        synthetic(TokenType.SELECT, "SELECT", head),
        synthetic(TokenType.STAR, "*", head),
        synthetic(TokenType.FROM, "FROM", head),
    ]
    return [*items[:start], *select, paren(items[start:end], head), *items[end:]]
