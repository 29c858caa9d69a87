"""One statement, told by its first words.

Layer: ``grammar.parser``. Invariant: every statement is read to its last token or refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from sqlglot import exp

from grammar.errors import ParseError
from grammar.keywords import STATEMENT_STARTERS
from grammar.nodes import Define, Describe, Explain, Query, Statement, Summarize, Write
from grammar.parser.alter import alter
from grammar.parser.blobs import drop_blob, put_blob
from grammar.parser.branches import create_branch, drop_branch, merge_branch
from grammar.parser.copy import copy
from grammar.parser.create import create
from grammar.parser.cursor import Cursor, as_query
from grammar.parser.layout import create_index, drop_index, optimize
from grammar.parser.proofs import prove
from grammar.parser.schemas import (
    apply_schema,
    diff_schema,
    migrate,
    show_create,
    show_history,
)
from grammar.parser.session import (
    abort,
    begin,
    commit,
    release,
    reset_option,
    savepoint,
    set_option,
    use,
)
from grammar.parser.show import show
from grammar.parser.timeline import (
    compact,
    create_snapshot,
    drop_snapshot,
    restore,
    rollback,
    undo,
    verify,
)
from grammar.parser.upsert import upsert
from grammar.parser.vacuum import unvacuum, vacuum
from grammar.parser.watermarks import advance_watermark, create_watermark, drop_watermark
from grammar.spans import span_of
from grammar.suggestion import suggest
from grammar.timetravel import time_of

if TYPE_CHECKING:
    from collections.abc import Callable

_DEFINING = (exp.Create, exp.Drop, exp.TruncateTable, exp.Comment)
_WRITING = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
_STOCK_HEADS = frozenset(
    [
        "SELECT",
        "FROM",
        "WITH",
        "VALUES",
        "(",
        "PIVOT",
        "UNPIVOT",
        "PIVOT_WIDER",
        "PIVOT_LONGER",
        "TABLE",
        "CHANGES",
        "GET",
        "INSERT",
        "UPDATE",
        "DELETE",
        "MERGE",
        "DROP",
        "TRUNCATE",
        "COMMENT",
    ]
)
_QUERY_HINT = "a query begins with SELECT, FROM or WITH"


def statement(cursor: Cursor) -> Statement:
    """Read one statement.

    Raises: ParseError.
    """
    for pattern, read in _READERS:
        if all(cursor.word(n) in words for n, words in enumerate(pattern)):
            node = read(cursor)
            cursor.end()
            return node
    if cursor.word() not in _STOCK_HEADS:
        _refuse(cursor)
    return _stock(cursor)


def _refuse(cursor: Cursor) -> NoReturn:
    token = cursor.peek()
    near = suggest(token.text, STATEMENT_STARTERS) if token else None
    cursor.fail("unknown statement", hint=f"did you mean {near}?" if near else _QUERY_HINT)


def _stock(cursor: Cursor) -> Statement:
    span, first = cursor.span, cursor.peek()
    if cursor.take("TABLE"):
        return Query(span, exp.select("*").from_(cursor.table_at_time(), copy=False))
    if cursor.take("CHANGES"):
        listed = cursor.take("FULL") or cursor.take("NET")
        if cursor.word() != "FROM":
            what = "expected FROM" if listed else "expected FROM, FULL or NET"
            cursor.fail(what, hint="CHANGES FROM table SINCE version")
        cursor.at = 0
    tree = cursor.sql("a statement")
    query = as_query(tree)
    if query is not None:
        return Query(span, query)
    if isinstance(tree, _WRITING):
        _check_present(tree)
        return Write(span, tree)
    if isinstance(tree, _DEFINING):
        return Define(span, tree)
    return cursor.fail("this is not a statement", first, _QUERY_HINT)


def _check_present(tree: exp.Insert | exp.Update | exp.Delete | exp.Merge) -> None:
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if isinstance(target, exp.Table) and time_of(target) is not None:
        raise ParseError("the past cannot be changed", span=span_of(target))


def _explain(cursor: Cursor) -> Statement:
    span = cursor.span
    cursor.need("EXPLAIN")
    analyze = cursor.take("ANALYZE") or cursor.take("ANALYSE")
    return Explain(span, _rest(cursor, "a statement to explain"), analyze)


def _describe(cursor: Cursor) -> Statement:
    cursor.at += 1
    return Describe(cursor.span, _target(cursor))


def _summarize(cursor: Cursor) -> Statement:
    cursor.at += 1
    return Summarize(cursor.span, _target(cursor))


def _target(cursor: Cursor) -> exp.Table | Statement:
    if cursor.word() in _STOCK_HEADS - {"TABLE"}:
        return _rest(cursor, "a table or a query")
    cursor.take("TABLE")
    return cursor.table_at_time()


def _rest(cursor: Cursor, what: str) -> Statement:
    rest = cursor.tokens[cursor.at :]
    if not rest:
        cursor.fail(f"expected {what}")
    cursor.at = len(cursor.tokens)
    return statement(Cursor(rest, cursor.text))


def _reader(words: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(word.split("|")) for word in words.split())


_READERS: tuple[tuple[tuple[frozenset[str], ...], Callable[[Cursor], Statement]], ...] = (
    (_reader("CREATE BRANCH"), create_branch),
    (_reader("DROP BRANCH"), drop_branch),
    (_reader("MERGE BRANCH"), merge_branch),
    (_reader("SAVEPOINT"), savepoint),
    (_reader("RELEASE"), release),
    (_reader("UNDO"), undo),
    (_reader("CREATE SNAPSHOT"), create_snapshot),
    (_reader("CREATE OR REPLACE SNAPSHOT"), create_snapshot),
    (_reader("CREATE WATERMARK"), create_watermark),
    (_reader("CREATE OR REPLACE WATERMARK"), create_watermark),
    (_reader("CREATE INDEX"), create_index),
    (_reader("DROP INDEX"), drop_index),
    (_reader("CREATE"), create),
    (_reader("ALTER"), alter),
    (_reader("DROP SNAPSHOT"), drop_snapshot),
    (_reader("DROP WATERMARK"), drop_watermark),
    (_reader("ADVANCE"), advance_watermark),
    (_reader("PUT"), put_blob),
    (_reader("DROP BLOB"), drop_blob),
    (_reader("UPSERT"), upsert),
    (_reader("COPY"), copy),
    (_reader("SHOW CREATE"), show_create),
    (_reader("SHOW SCHEMA HISTORY"), show_history),
    (_reader("SHOW|LIST"), show),
    (_reader("DIFF SCHEMA"), diff_schema),
    (_reader("MIGRATE"), migrate),
    (_reader("APPLY SCHEMA"), apply_schema),
    (_reader("DESCRIBE|DESC"), _describe),
    (_reader("SUMMARIZE"), _summarize),
    (_reader("EXPLAIN"), _explain),
    (_reader("SET"), set_option),
    (_reader("RESET"), reset_option),
    (_reader("USE"), use),
    (_reader("BEGIN"), begin),
    (_reader("START TRANSACTION"), begin),
    (_reader("COMMIT|END"), commit),
    (_reader("ABORT"), abort),
    (_reader("ROLLBACK"), rollback),
    (_reader("RESTORE"), restore),
    (_reader("COMPACT"), compact),
    (_reader("OPTIMIZE"), optimize),
    (_reader("VACUUM"), vacuum),
    (_reader("UNVACUUM"), unvacuum),
    (_reader("VERIFY"), verify),
    (_reader("PROVE"), prove),
)
