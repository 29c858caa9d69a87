"""ORDER BY with the direction in front: ``ORDER BY DESC a``, ``ORDER BY DESC``, ``a DSC``.

Layer: ``grammar``. Invariant: an ORDER BY without such a form is left alone.
"""

from __future__ import annotations

from sqlglot.tokenizer_core import TokenType

from grammar.desugar.clauses import CLAUSES, SET_OPERATIONS
from grammar.groups import Item, commas, first_token, join, kind, words
from grammar.tokens import synthetic, word

_DIRECTIONS = {"ASC": TokenType.ASC, "DESC": TokenType.DESC, "DSC": TokenType.DESC}
_ENDS = CLAUSES | SET_OPERATIONS | {"ROWS", "RANGE", "GROUPS", "FOR", "KEY", "RETURNING", "|>"}


def direction_after(items: list[Item]) -> list[Item]:
    """Move each leading direction behind its expression."""
    out: list[Item] = []
    at = 0
    while at < len(items):
        item = items[at]
        out.append(item)
        at += 1
        if word(item) != "ORDER BY":
            continue
        end = at
        while end < len(items) and word(items[end]) not in _ENDS:
            end += 1
        keys = [_key(part) for part in commas(items[at:end])]
        out += join(keys, first_token(item))
        at = end
    return out


def _key(part: list[Item]) -> list[Item]:
    if not part:
        return part
    spelled = words(part)
    nulls = spelled.index("NULLS") if "NULLS" in spelled else len(part)
    if spelled[0] in _DIRECTIONS:
        head = first_token(part[0])
        direction = synthetic(_DIRECTIONS[spelled[0]], spelled[0].replace("DSC", "DESC"), head)
        key = part[1:nulls] or [synthetic(TokenType.ALL, "ALL", head)]
        return [*key, direction, *part[nulls:]]
    last = nulls - 1
    if last > 0 and spelled[last] == "DSC" and kind(part[last - 1]) is not TokenType.DOT:
        part[last] = synthetic(TokenType.DESC, "DESC", first_token(part[last]))
    return part
