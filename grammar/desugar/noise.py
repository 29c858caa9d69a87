"""Words that say what would be so without them, and that the stock parser does not know.

Layer: ``grammar``. Invariant: dropping them changes nothing.
"""

from __future__ import annotations

from grammar.groups import Item, is_paren, words


def drop_defaults(items: list[Item]) -> list[Item]:
    """Drop BY POSITION of INSERT, and VIRTUAL of a generated column."""
    spelled = words(items)
    out: list[Item] = []
    at = 0
    while at < len(items):
        if spelled[at : at + 2] == ["BY", "POSITION"] and at and "INTO" in spelled[:at]:
            at += 2
        elif spelled[at] == "VIRTUAL" and at > 1 and is_paren(items[at - 1]):
            at += 1
        else:
            out.append(items[at])
            at += 1
    return out
