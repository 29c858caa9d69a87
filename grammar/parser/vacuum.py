"""VACUUM and UNVACUUM.

Layer: ``grammar.parser``. Invariant: without RUN or PURGE nothing is to be moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot.tokenizer_core import TokenType

from grammar.nodes import Unvacuum, Vacuum

if TYPE_CHECKING:
    from grammar.nodes import Statement
    from grammar.parser.cursor import Cursor

_OWN = frozenset({"RETAIN", "DRY", "RUN", "PURGE"})
_UNITS = frozenset({"VERSION", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK"})
_HINT = "RETAIN 7 DAYS, or RETAIN 100 VERSIONS"


def vacuum(cursor: Cursor) -> Statement:
    """Read VACUUM [[TABLE] t] [RETAIN n DAYS|VERSIONS] [DRY RUN|RUN], or VACUUM PURGE [RETAIN …].

    Raises: ParseError.
    """
    cursor.need("VACUUM")
    if cursor.take("PURGE"):
        return Vacuum(cursor.span, None, _retain(cursor), "purge")
    named = cursor.take("TABLE")
    table = cursor.table() if named or not (cursor.done or cursor.word() in _OWN) else None
    retain = _retain(cursor)
    action = "run" if not cursor.take("DRY", "RUN") and cursor.take("RUN") else "dry"
    return Vacuum(cursor.span, table, retain, action)


def unvacuum(cursor: Cursor) -> Statement:
    """Read UNVACUUM."""
    cursor.need("UNVACUUM")
    return Unvacuum(cursor.span)


def _retain(cursor: Cursor) -> tuple[int, str] | None:
    if not cursor.take("RETAIN"):
        return None
    token = cursor.peek()
    if token is None or token.token_type is not TokenType.NUMBER or not token.text.isdecimal():
        cursor.fail("expected a whole number", hint=_HINT)
    cursor.at += 1
    unit = cursor.word().removesuffix("S")
    if unit not in _UNITS:
        cursor.fail("expected DAYS or VERSIONS", hint=_HINT)
    cursor.at += 1
    return int(token.text), unit
