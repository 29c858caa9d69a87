"""Statements about the session: settings and transactions.

Layer: ``grammar.parser``. Invariant: a setting's name is lower case, its value text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grammar.nodes import Begin, Commit, ResetOption, Rollback, SetOption, Use

if TYPE_CHECKING:
    from grammar.nodes import Statement
    from grammar.parser.cursor import Cursor


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
    """Read USE schema."""
    cursor.need("USE")
    cursor.take("SCHEMA")
    return Use(cursor.span, cursor.name("a schema's name"))


def begin(cursor: Cursor) -> Statement:
    """Read BEGIN or START, TRANSACTION, READ ONLY or READ WRITE."""
    cursor.at += 1
    end_of_transaction(cursor)
    read_only = cursor.take("READ", "ONLY")
    if not read_only:
        cursor.take("READ", "WRITE")
    return Begin(cursor.span, read_only)


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
