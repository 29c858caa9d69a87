"""Statements about watermarks: how far a consumer has come in a table's changes.

Layer: ``grammar.parser``. Invariant: none of them is known to sqlglot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grammar.nodes import AdvanceWatermark, CreateWatermark, DropWatermark
from grammar.parser.points import point

if TYPE_CHECKING:
    from grammar.nodes import Statement
    from grammar.parser.cursor import Cursor

_NAME = "a watermark's name"


def create_watermark(cursor: Cursor) -> Statement:
    """Read CREATE [OR REPLACE] WATERMARK [IF NOT EXISTS] w ON t [AT x]."""
    cursor.need("CREATE")
    replace = cursor.take("OR", "REPLACE")
    cursor.need("WATERMARK")
    if_not_exists = cursor.take("IF", "NOT", "EXISTS")
    name = cursor.name_or_string(_NAME)
    cursor.need("ON", hint="CREATE WATERMARK name ON table")
    cursor.take("TABLE")
    table = cursor.table()
    when = point(cursor) if cursor.take("AT") else None
    return CreateWatermark(cursor.span, name, table, when, replace, if_not_exists)


def advance_watermark(cursor: Cursor) -> Statement:
    """Read ADVANCE WATERMARK w [TO x]."""
    cursor.need("ADVANCE", "WATERMARK")
    name = cursor.name_or_string(_NAME)
    return AdvanceWatermark(cursor.span, name, point(cursor) if cursor.take("TO") else None)


def drop_watermark(cursor: Cursor) -> Statement:
    """Read DROP WATERMARK [IF EXISTS] w."""
    cursor.need("DROP", "WATERMARK")
    if_exists = cursor.take("IF", "EXISTS")
    return DropWatermark(cursor.span, cursor.name_or_string(_NAME), if_exists)
