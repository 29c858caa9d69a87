"""Statements about branches.

Layer: ``grammar.parser``. Invariant: none of them is known to sqlglot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grammar.nodes import CreateBranch, DropBranch, MergeBranch
from grammar.parser.points import point

if TYPE_CHECKING:
    from grammar.nodes import Statement
    from grammar.parser.cursor import Cursor

_NAME = "a branch's name"


def create_branch(cursor: Cursor) -> Statement:
    """Read CREATE BRANCH [IF NOT EXISTS] b [AS OF x]."""
    cursor.need("CREATE", "BRANCH")
    if_not_exists = cursor.take("IF", "NOT", "EXISTS")
    name = cursor.name_or_string(_NAME)
    when = point(cursor) if cursor.take("AS", "OF") else None
    return CreateBranch(cursor.span, name, when, if_not_exists)


def drop_branch(cursor: Cursor) -> Statement:
    """Read DROP BRANCH [IF EXISTS] b."""
    cursor.need("DROP", "BRANCH")
    if_exists = cursor.take("IF", "EXISTS")
    return DropBranch(cursor.span, cursor.name_or_string(_NAME), if_exists)


def merge_branch(cursor: Cursor) -> Statement:
    """Read MERGE BRANCH b [INTO main] [ON CONFLICT FAIL|OURS|THEIRS]."""
    cursor.need("MERGE", "BRANCH")
    name = cursor.name_or_string(_NAME)
    if cursor.take("INTO") and not cursor.take("MAIN"):
        cursor.fail("expected main", hint="branches are merged into main")
    prefer = "fail"
    if cursor.take("ON", "CONFLICT"):
        prefer = cursor.word().lower()
        if prefer not in {"fail", "ours", "theirs"}:
            cursor.fail("expected FAIL, OURS or THEIRS")
        cursor.at += 1
    return MergeBranch(cursor.span, name, prefer)
