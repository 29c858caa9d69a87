"""Room for deeply nested text.

Layer: ``grammar``. Invariant: no text, however nested, ends in RecursionError.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from grammar.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grammar.errors import Span

# sqlglot takes about 25 frames for each parenthesis; Python allows 1,000 unless it is told more.
_FRAMES = 6_000


@contextmanager
def deep_recursion(span: Span | None = None) -> Iterator[None]:
    """Allow the block enough frames for a statement, and turn what needs more into an error.

    Raises: ParseError where Python would have raised RecursionError.
    """
    if sys.getrecursionlimit() < _FRAMES:
        sys.setrecursionlimit(_FRAMES)
    try:
        yield
    except RecursionError:
        raise ParseError(
            "nested too deeply", span=span, hint="name parts of it with WITH", code="SYNTAX_003"
        ) from None
