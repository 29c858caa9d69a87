"""SHOW and its alias LIST.

Layer: ``grammar.parser``. Invariant: what can be shown is listed in the word table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grammar.keywords import SHOWN
from grammar.nodes import Describe, Show
from grammar.suggestion import suggest

if TYPE_CHECKING:
    from grammar.nodes import Statement
    from grammar.parser.cursor import Cursor

_OF_A_TABLE = frozenset({"COLUMNS"})


def show(cursor: Cursor) -> Statement:
    """Read SHOW what [FROM where]; SHOW t of any other word describes a table.

    Raises: ParseError.
    """
    listing = cursor.word() == "LIST"
    cursor.at += 1
    cursor.take("ALL")
    what = cursor.word()
    if what in SHOWN:
        cursor.at += 1
        return _narrowed(cursor, what)
    near = suggest(what, SHOWN)
    hint = f"did you mean {near}?" if near else "one of " + ", ".join(sorted(SHOWN))
    if listing or near or cursor.done:
        cursor.fail("expected what to show", hint=hint)
    return Describe(cursor.span, cursor.table_at_time())


def _narrowed(cursor: Cursor, what: str) -> Show:
    if what in _OF_A_TABLE:
        if not cursor.take("IN"):
            cursor.need("FROM")
        return Show(cursor.span, what, table=cursor.table_at_time())
    schema = like = None
    if cursor.take("FROM") or cursor.take("IN"):
        schema = cursor.name("a schema's name")
    if cursor.take("LIKE"):
        like = cursor.string()
        if like is None:
            cursor.fail("expected a pattern in quotes")
    return Show(cursor.span, what, schema=schema, like=like)
