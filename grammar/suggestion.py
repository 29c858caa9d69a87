"""Did you mean: the nearest of some words.

Layer: ``grammar``. Invariant: nothing is suggested that differs by more than a typing slip or two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORT = 7


def distance(a: str, b: str) -> int:
    """Count the slips between two words: drop, add, swap or change a letter.

    Source: optimal string alignment. Cost: product of the lengths.
    """
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row = row, [i, *([0] * len(b))]
        for j, y in enumerate(b, 1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                row[j] = min(row[j], before[j - 2] + 1)
        before = above
    return row[-1]


def suggest(word: str, candidates: Iterable[str]) -> str | None:
    """Give the candidate a slip away from the word, or nothing; case does not matter."""
    wanted = word.casefold()
    if len(wanted) < 2:
        return None
    allowed = 1 if len(wanted) < _SHORT else 2
    best: tuple[int, int, str] | None = None
    for candidate in candidates:
        other = candidate.casefold()
        gap = abs(len(other) - len(wanted))
        if other == wanted or gap > allowed:
            continue
        rank = (distance(wanted, other), gap, candidate)
        if rank[0] <= allowed and (best is None or rank < best):
            best = rank
    return best[2] if best else None
