"""Where a syntax node stands in the source text.

Layer: ``grammar``. Invariant: offsets count characters of the text given to ``parse``, half-open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grammar.errors import Span

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token


def token_span(token: Token) -> Span:
    """Give the range of one token."""
    return Span(token.start, token.end + 1)


def tokens_span(first: Token, last: Token) -> Span:
    """Give the range from the first to the last of some tokens."""
    return Span(first.start, last.end + 1)


def span_of(node: exp.Expr) -> Span | None:
    """Give the range of a syntax node: its own position, else the hull of what is below it.

    Cost: walks the node's descendants.
    """
    start: int | None = None
    end = 0
    for part in node.walk():
        begin = part.meta.get("start")
        if begin is None:
            continue
        start = begin if start is None else min(start, begin)
        end = max(end, part.meta["end"] + 1)
    return None if start is None else Span(start, end)
