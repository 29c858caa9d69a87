"""Surface forms of PL-GRIZZLY, rewritten into tokens the stock DuckDB parser understands.

Layer: ``grammar``. Invariant: tokens go in and tokens come out; what a form means is decided here
or carried by a marker call that ``grammar.markers`` turns into syntax nodes after parsing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grammar.desugar.functions import keep_calls
from grammar.desugar.linq import reorder_clauses
from grammar.desugar.lists import settle_lists
from grammar.desugar.literals import settle_literals
from grammar.desugar.noise import settle_noise
from grammar.desugar.order import direction_after
from grammar.desugar.pivot import pivot_as_source
from grammar.desugar.quotes import strings_in_value_position
from grammar.desugar.time import changes_to_select, time_to_marker
from grammar.groups import Group, Item, flat, is_paren, tree
from grammar.tokens import word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlglot.tokenizer_core import Token


def desugar(tokens: Sequence[Token], text: str, *, from_clause: bool = False) -> list[Token]:
    """Rewrite one statement or expression.

    ``from_clause`` says that the tokens begin inside a FROM clause. Brackets must pair up.
    """
    return flat(_level(tree(tokens), text, from_clause=from_clause))


def _level(items: list[Item], text: str, *, from_clause: bool) -> list[Item]:
    source = from_clause
    for number, item in enumerate(items):
        if isinstance(item, Group):
            inside = source and is_paren(item) and _is_source(items, number)
            item.items = _level(item.items, text, from_clause=inside)
        else:
            source = _source_after(word(item), source=source)
    items = settle_literals(settle_noise(items))
    items = strings_in_value_position(items, text)
    items = changes_to_select(items)
    items = time_to_marker(items, from_clause=from_clause)
    items = direction_after(items)
    items = pivot_as_source(items)
    items = settle_lists(keep_calls(items))
    return reorder_clauses(items)


def _is_source(items: list[Item], number: int) -> bool:
    return number == 0 or word(items[number - 1]) in {"FROM", "JOIN", "USING", ",", "LATERAL"}


def _source_after(last: str, *, source: bool) -> bool:
    if last in {"FROM", "JOIN", "USING"}:
        return True
    return source and last not in {"SELECT", "WHERE", "GROUP BY", "ORDER BY", "HAVING", "LIMIT"}
