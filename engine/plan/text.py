"""Small pieces of SQL text.

Layer: ``plan``. Invariant: whatever goes through here comes out quoted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def ident(name: str) -> str:
    """Return ``name`` as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return ``text`` as a string."""
    return "'" + text.replace("'", "''") + "'"


def comma(parts: Iterable[str]) -> str:
    """Join with commas."""
    return ", ".join(parts)
