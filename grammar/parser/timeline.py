"""Statements about the timeline: snapshots, restoring, verifying, compaction.

Layer: ``grammar.parser``. Invariant: none of them is known to sqlglot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grammar.nodes import (
    Compact,
    CreateSnapshot,
    DropSnapshot,
    Restore,
    RestoreAll,
    Rollback,
    RollbackTo,
    Undo,
    VerifyTable,
    VerifyTimeline,
)
from grammar.parser.points import point
from grammar.parser.session import end_of_transaction

if TYPE_CHECKING:
    from grammar.nodes import Statement
    from grammar.parser.cursor import Cursor


def create_snapshot(cursor: Cursor) -> Statement:
    """Read CREATE [OR REPLACE] SNAPSHOT [IF NOT EXISTS] s [AS OF x]."""
    cursor.need("CREATE")
    replace = cursor.take("OR", "REPLACE")
    cursor.need("SNAPSHOT")
    if_not_exists = cursor.take("IF", "NOT", "EXISTS")
    name = cursor.name_or_string("a snapshot's name")
    when = point(cursor) if cursor.take("AS", "OF") else None
    return CreateSnapshot(cursor.span, name, when, replace, if_not_exists)


def drop_snapshot(cursor: Cursor) -> Statement:
    """Read DROP SNAPSHOT [IF EXISTS] s."""
    cursor.need("DROP", "SNAPSHOT")
    if_exists = cursor.take("IF", "EXISTS")
    return DropSnapshot(cursor.span, cursor.name_or_string("a snapshot's name"), if_exists)


def restore(cursor: Cursor) -> Statement:
    """Read RESTORE [TABLE] t TO|AS OF x, or RESTORE DATABASE|LAKEHOUSE TO|AS OF x."""
    cursor.need("RESTORE")
    if cursor.word() in {"DATABASE", "LAKEHOUSE"} and cursor.word(1) in {"TO", "AS"}:
        cursor.at += 1
        if not cursor.take("AS", "OF"):
            cursor.need("TO")
        return RestoreAll(cursor.span, point(cursor))
    cursor.take("TABLE")
    table = cursor.table()
    if not cursor.take("AS", "OF"):
        cursor.need("TO")
    return Restore(cursor.span, table, point(cursor))


def rollback(cursor: Cursor) -> Statement:
    """Read ROLLBACK, of a transaction, ROLLBACK TO s, in one, or ROLLBACK t TO x, of a table."""
    cursor.need("ROLLBACK")
    if cursor.done or cursor.word() in {"TRANSACTION", "WORK"}:
        end_of_transaction(cursor)
        return Rollback(cursor.span)
    if cursor.take("TO"):
        cursor.take("SAVEPOINT")
        return RollbackTo(cursor.span, cursor.name("a savepoint's name"))
    cursor.take("TABLE")
    table = cursor.table()
    cursor.need("TO")
    return Restore(cursor.span, table, point(cursor))


def undo(cursor: Cursor) -> Statement:
    """Read UNDO [VERSION n]."""
    cursor.need("UNDO")
    version = None
    if not cursor.done:
        cursor.take("VERSION")
        version = cursor.whole_number("a version", hint="UNDO VERSION 17")
    return Undo(cursor.span, version)


def compact(cursor: Cursor) -> Statement:
    """Read COMPACT [[TABLE] t]."""
    cursor.at += 1
    cursor.take("TABLE")
    return Compact(cursor.span, None if cursor.done else cursor.table())


def verify(cursor: Cursor) -> Statement:
    """Read VERIFY TIMELINE or VERIFY TABLE t."""
    cursor.need("VERIFY")
    if cursor.take("TIMELINE"):
        return VerifyTimeline(cursor.span)
    if not cursor.take("TABLE"):
        cursor.fail("expected TIMELINE or TABLE")
    return VerifyTable(cursor.span, cursor.table())
