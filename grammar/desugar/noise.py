"""Words that could as well be missing, or be there.

Layer: ``grammar``. Invariant: dropping or adding them changes nothing but what sqlglot understands.
"""

from __future__ import annotations

from sqlglot.tokenizer_core import TokenType

from grammar.groups import Item, first_token, is_paren, words
from grammar.tokens import synthetic


def settle_noise(items: list[Item]) -> list[Item]:
    """Drop BY POSITION and VIRTUAL, write COLUMN after ALTER TABLE … RENAME."""
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
            out.append(items[at])
            at += 1
            if altering and spelled[at - 1] == "RENAME" and _is_old_name(spelled, at):
                out.append(synthetic(TokenType.COLUMN, "COLUMN", first_token(items[at])))
    return out


def _is_old_name(spelled: list[str], at: int) -> bool:
    return at + 1 < len(spelled) and spelled[at] not in {"TO", "COLUMN"} and spelled[at + 1] == "TO"
