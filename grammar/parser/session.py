"""Statements about the session: settings and transactions.

Layer: ``grammar.parser``. Invariant: a setting's name is lower case, its value text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grammar.nodes import (
    Begin,
    Commit,
    Release,
    ResetOption,
    Rollback,
    Savepoint,
    SetOption,
    Use,
    UseBranch,
)

if TYPE_CHECKING:
    from grammar.nodes import Statement
    from grammar.parser.cursor import Cursor


_LEVELS = {
    ("SERIALIZABLE",): "serializable",
    ("SNAPSHOT",): "snapshot",
    ("REPEATABLE", "READ"): "snapshot",
}
"""Isolation levels by their words; the standard's REPEATABLE READ is less than SNAPSHOT gives."""


def set_option(cursor: Cursor) -> Statement:
    """Read SET name = value, or SET name TO value."""
    cursor.need("SET")
    if not cursor.take("SESSION") and not cursor.take("LOCAL"):
        cursor.take("GLOBAL")
    if cursor.word() == "VARIABLE" and cursor.word(1) not in {"", "=", "TO"}:
        cursor.fail("variables are not offered", hint="SET name = value changes a setting")
    name = _option_name(cursor)
    if not cursor.take("="):
        cursor.need("TO")
    return SetOption(cursor.span, name, cursor.value("a value"))


def reset_option(cursor: Cursor) -> Statement:
    """Read RESET name."""
    cursor.need("RESET")
    return ResetOption(cursor.span, _option_name(cursor))


def _option_name(cursor: Cursor) -> str:
    name = cursor.name("a setting's name")
    while cursor.take("."):
        name += "." + cursor.name("a setting's name")
    return name.lower()


def use(cursor: Cursor) -> Statement:
    """Read USE schema or USE BRANCH branch."""
    cursor.need("USE")
    if cursor.word() == "BRANCH" and cursor.peek(1) is not None:
        cursor.at += 1
        return UseBranch(cursor.span, cursor.name_or_string("a branch's name"))
    cursor.take("SCHEMA")
    return Use(cursor.span, cursor.name("a schema's name"))


def begin(cursor: Cursor) -> Statement:
    """Read BEGIN or START, TRANSACTION, and what kind of transaction, in any order."""
    cursor.at += 1
    end_of_transaction(cursor)
    read_only, isolation, once = False, None, None
    while not cursor.done:
        if cursor.take("ISOLATION", "LEVEL"):
            isolation = _isolation(cursor)
        elif cursor.take("READ", "ONLY"):
            read_only = True
        elif cursor.take("IDEMPOTENT"):
            once = _once(cursor)
        elif not cursor.take("READ", "WRITE") and not cursor.take(","):
            cursor.fail("expected ISOLATION LEVEL, READ ONLY or IDEMPOTENT")
    if read_only and once is not None:
        cursor.fail("a READ ONLY transaction writes nothing, not even once")
    return Begin(cursor.span, read_only, isolation, once)


def _isolation(cursor: Cursor) -> str:
    for words, meaning in _LEVELS.items():
        if cursor.take(*words):
            return meaning
    return cursor.fail("expected SERIALIZABLE or SNAPSHOT")


def _once(cursor: Cursor) -> tuple[str, int]:
    """Read ('application', number)."""
    hint = "IDEMPOTENT ('application', 17)"
    cursor.need("(", hint=hint)
    app = cursor.name_or_string("an application's name")
    cursor.need(",", hint=hint)
    number = cursor.whole_number("a number", hint=hint)
    cursor.need(")", hint=hint)
    return app, number


def savepoint(cursor: Cursor) -> Statement:
    """Read SAVEPOINT name."""
    cursor.need("SAVEPOINT")
    return Savepoint(cursor.span, cursor.name("a savepoint's name"))


def release(cursor: Cursor) -> Statement:
    """Read RELEASE [SAVEPOINT] name."""
    cursor.need("RELEASE")
    cursor.take("SAVEPOINT")
    return Release(cursor.span, cursor.name("a savepoint's name"))


def commit(cursor: Cursor) -> Statement:
    """Read COMMIT or END."""
    cursor.at += 1
    end_of_transaction(cursor)
    return Commit(cursor.span)


def abort(cursor: Cursor) -> Statement:
    """Read ABORT."""
    cursor.at += 1
    end_of_transaction(cursor)
    return Rollback(cursor.span)


def end_of_transaction(cursor: Cursor) -> None:
    """Read the word that may follow, which says nothing."""
    if not cursor.take("TRANSACTION"):
        cursor.take("WORK")
