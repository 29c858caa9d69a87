"""Where a column, or a field, goes.

Layer: ``plan``. Invariant: moving changes an order and nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.errors import BindError, UsageError
from grammar import span_of, suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.catalog import Column, Table
    from grammar.alterations import Place


def moved(table: Table, column: Column, place: Place) -> Table:
    """Return the table with one column at its place among the others.

    Raises: BindError for an unknown neighbour, UsageError for a position out of range.
    """
    names = [c.name for c in table.columns]
    order = reordered(names, names.index(column.name), place)
    return replace(table, columns=tuple(table.columns[n] for n in order))


def reordered(names: Sequence[str], at: int, place: Place) -> list[int]:
    """Return the order of all names after the one at ``at`` has moved.

    Raises: BindError for an unknown neighbour, UsageError for a position out of range.
    """
    rest = [n for n in range(len(names)) if n != at]
    to = _target([names[n] for n in rest], place)
    return [*rest[:to], at, *rest[to:]]


def _target(others: list[str], place: Place) -> int:
    if place.where == "FIRST":
        return 0
    if place.where == "LAST":
        return len(others)
    if place.beside is None:
        if not 1 <= place.position <= len(others) + 1:
            raise UsageError(f"there are positions 1 to {len(others) + 1}")
        return place.position - 1
    folded, name = [other.lower() for other in others], place.beside.name
    if name.lower() not in folded:
        best = suggest(name, others)
        raise BindError(
            f"there is no other column '{name}' here",
            span=span_of(place.beside),
            hint=f"did you mean '{best}'?" if best else f"the others are: {', '.join(others)}",
            code="SEMANTIC_004",
        )
    return folded.index(name.lower()) + (place.where == "AFTER")
