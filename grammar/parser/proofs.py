"""Statements that make proofs.

Layer: ``grammar.parser``. Invariant: a key is made of literals, as it is written into the proof.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grammar.nodes import ProveCommit, ProveTable
from grammar.parser.points import point

if TYPE_CHECKING:
    from grammar.nodes import Statement
    from grammar.parser.cursor import Cursor


def prove(cursor: Cursor) -> Statement:
    """Read PROVE COMMIT n, or PROVE TABLE t, ROW t KEY (k, ...), ABSENT t KEY (k, ...) [AS OF x]."""
    cursor.need("PROVE")
    if cursor.take("COMMIT"):
        return ProveCommit(cursor.span, cursor.whole_number("a version", hint="PROVE COMMIT 17"))
    if cursor.take("TABLE"):
        table = cursor.table()
        when = point(cursor) if cursor.take("AS", "OF") else None
        return ProveTable(cursor.span, "table", table, (), when)
    absent = cursor.take("ABSENT")
    if not absent and not cursor.take("ROW"):
        cursor.fail("expected COMMIT, TABLE, ROW or ABSENT", hint="PROVE ROW t KEY (42)")
    table = cursor.table()
    cursor.need("KEY", hint="PROVE ROW t KEY (42)")
    key = _key(cursor)
    when = point(cursor) if cursor.take("AS", "OF") else None
    return ProveTable(cursor.span, "absent" if absent else "row", table, key, when)


def _key(cursor: Cursor) -> tuple[str, ...]:
    cursor.need("(")
    found = [_literal(cursor)]
    while cursor.take(","):
        found.append(_literal(cursor))
    cursor.need(")")
    return tuple(found)


def _literal(cursor: Cursor) -> str:
    begin = cursor.peek()
    minus = "-" if cursor.take("-") else ""
    token = cursor.peek()
    if token is None:
        cursor.fail("expected a key's value")
    text = cursor.string()
    if text is not None and not minus:
        return text
    cursor.at += 1
    if token.text.upper() in {"TRUE", "FALSE"} and not minus:
        return token.text.lower()
    if not token.text[:1].isdigit():
        cursor.fail("expected a number, a text, TRUE or FALSE", begin)
    return minus + token.text
