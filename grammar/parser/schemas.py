"""Statements about definitions as a whole: their text, their history, their differences, migrations.

Layer: ``grammar.parser``. Invariant: none of them is known to sqlglot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grammar.nodes import ApplySchema, DiffSchema, Migrate, SchemaHistory, ShowCreate
from grammar.parser.points import point
from grammar.suggestion import suggest

if TYPE_CHECKING:
    from grammar.nodes import Statement
    from grammar.parser.cursor import Cursor

_MIGRATE = ("PLAN", "UP", "DOWN", "STATUS")


def show_create(cursor: Cursor) -> Statement:
    """Read SHOW CREATE [TABLE|VIEW] t [AS OF x], or SHOW CREATE ALL."""
    cursor.at += 1
    cursor.need("CREATE")
    if cursor.take("ALL"):
        return ShowCreate(cursor.span, None)
    if not cursor.take("TABLE"):
        cursor.take("VIEW")
    return ShowCreate(cursor.span, cursor.table_at_time())


def show_history(cursor: Cursor) -> Statement:
    """Read SHOW SCHEMA HISTORY [FOR t]."""
    cursor.at += 1
    cursor.need("SCHEMA", "HISTORY")
    return SchemaHistory(cursor.span, cursor.table() if cursor.take("FOR") else None)


def diff_schema(cursor: Cursor) -> Statement:
    """Read DIFF SCHEMA [t] SINCE x [UNTIL y]."""
    cursor.need("DIFF", "SCHEMA")
    table = None if cursor.word() == "SINCE" else cursor.table()
    cursor.need("SINCE")
    since = point(cursor, {"UNTIL"})
    return DiffSchema(cursor.span, table, since, point(cursor) if cursor.take("UNTIL") else None)


def migrate(cursor: Cursor) -> Statement:
    """Read MIGRATE PLAN|UP|DOWN|STATUS 'folder' [TO 'name']."""
    cursor.need("MIGRATE")
    word = cursor.word()
    if word not in _MIGRATE:
        near = suggest(word, _MIGRATE)
        hint = f"did you mean {near}?" if near else f"one of: {', '.join(_MIGRATE)}"
        cursor.fail("expected what to do with the migrations", hint=hint)
    cursor.at += 1
    folder = _path(cursor, "the folder of the migrations, in quotes")
    to = cursor.name_or_string("a migration's name") if cursor.take("TO") else None
    return Migrate(cursor.span, word.lower(), folder, to)


def apply_schema(cursor: Cursor) -> Statement:
    """Read APPLY SCHEMA 'file' [ALLOW DROP] [DRY RUN]."""
    cursor.need("APPLY", "SCHEMA")
    path = _path(cursor, "a file of definitions, in quotes")
    allow_drop = cursor.take("ALLOW", "DROP")
    return ApplySchema(cursor.span, path, allow_drop, dry_run=cursor.take("DRY", "RUN"))


def _path(cursor: Cursor, what: str) -> str:
    path = cursor.string()
    if path is None:
        cursor.fail(f"expected {what}")
    return path
