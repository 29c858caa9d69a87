"""Points in time at the end of a statement.

Layer: ``grammar.parser``. Invariant: the same points as behind a table's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from grammar.timetravel import Point, bare_point

if TYPE_CHECKING:
    from collections.abc import Collection

    from grammar.parser.cursor import Cursor
    from grammar.timetravel import PointKind

_NAMED: tuple[PointKind, ...] = ("snapshot", "watermark", "branch")
"""The kinds of points that are names."""


def point(cursor: Cursor, stops: Collection[str] = ()) -> Point:
    """Read ``[TIMESTAMP] x``, ``VERSION n``, ``SNAPSHOT s`` or ``WATERMARK w``.

    It ends with the statement, or before one of the words ``stops``.
    """
    for kind in _NAMED:
        if cursor.take(kind.upper()):
            token = cursor.peek()
            name = exp.Literal.string(cursor.name_or_string(f"a {kind}'s name"))
            return Point(kind, name.update_positions(token))
    if cursor.take("VERSION"):
        return Point("version", cursor.expression("a version", stops))
    cursor.take("TIMESTAMP")
    token = cursor.peek()
    text = _head(cursor) or cursor.string()
    if text is not None:
        if not cursor.done and cursor.word() not in stops:
            cursor.fail("expected the end of the statement")
        return Point("timestamp", exp.Literal.string(text).update_positions(token))
    return bare_point(cursor.expression("a point in time", stops))


def _head(cursor: Cursor) -> str | None:
    """Read HEAD or HEAD~2: so many versions before the newest."""
    if not cursor.take("HEAD"):
        return None
    return f"HEAD~{cursor.whole_number('a number')}" if cursor.take("~") else "HEAD"
