"""One statement, told by its first words.

Layer: ``grammar.parser``. Invariant: every statement is read to its last token or refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from grammar.errors import ParseError
from grammar.keywords import STATEMENT_STARTERS
from grammar.nodes import (
    Begin,
    Commit,
    Compact,
    CreateSnapshot,
    Define,
    Describe,
    DropSnapshot,
    Explain,
    Query,
    ResetOption,
    Restore,
    Rollback,
    SetOption,
    Statement,
    Summarize,
    Upsert,
    Use,
    VerifyTable,
    VerifyTimeline,
    Write,
)
from grammar.parser.copy import copy
from grammar.parser.create import create
from grammar.parser.cursor import Cursor, as_query
from grammar.parser.points import point
from grammar.parser.show import show
from grammar.spans import span_of
from grammar.suggestion import suggest
from grammar.timetravel import time_of

if TYPE_CHECKING:
    from collections.abc import Callable

_DEFINING = (exp.Create, exp.Drop, exp.Alter, exp.TruncateTable, exp.Comment)
_WRITING = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
_QUERY_HEADS = frozenset({"SELECT", "FROM", "WITH", "VALUES", "(", "PIVOT", "UNPIVOT", "TABLE"})
_STOCK_HEADS = _QUERY_HEADS | {
    "INSERT", "UPDATE", "DELETE", "MERGE", "DROP", "ALTER", "TRUNCATE", "COMMENT", "CHANGES", "GET",
    "PIVOT_WIDER", "PIVOT_LONGER",
}  # fmt: skip


def statement(cursor: Cursor) -> Statement:
    """Read one statement.

    Raises: ParseError.
    """
    for words, read in _READERS:
        if all(cursor.word(n) in wanted.split("|") for n, wanted in enumerate(words.split())):
            node = read(cursor)
            cursor.end()
            return node
    if cursor.word() not in _STOCK_HEADS:
        unknown_statement(cursor)
    if cursor.word() == "CHANGES" and cursor.word(1) != "FROM":
        cursor.at += 1
        cursor.fail("expected FROM", hint="CHANGES FROM table SINCE version")
    return _stock(cursor)


def unknown_statement(cursor: Cursor) -> None:
    """Refuse a first word.

    Raises: ParseError, always.
    """
    token = cursor.peek()
    near = suggest(token.text, STATEMENT_STARTERS) if token else None
    hint = f"did you mean {near}?" if near else "a query begins with SELECT, FROM or WITH"
    cursor.fail("unknown statement", hint=hint)


def _stock(cursor: Cursor) -> Statement:
    span = cursor.span
    if cursor.word() == "TABLE":
        cursor.at += 1
        return Query(span, exp.select("*").from_(cursor.table(), copy=False))
    tree = cursor.sql("a statement")
    query = as_query(tree)
    if query is not None:
        return Query(span, query)
    if isinstance(tree, _WRITING):
        _check_present(tree)
        return Write(span, tree)
    if isinstance(tree, _DEFINING):
        return Define(span, tree)
    cursor.at = 0
    cursor.fail("this is not a statement", hint="a query begins with SELECT, FROM or WITH")


def _check_present(tree: exp.Insert | exp.Update | exp.Delete | exp.Merge) -> None:
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if isinstance(target, exp.Table) and time_of(target) is not None:
        raise ParseError("the past cannot be changed", span=span_of(target))


def _create(cursor: Cursor) -> Statement:
    return create(cursor)


def _create_snapshot(cursor: Cursor) -> Statement:
    cursor.need("CREATE")
    replace = cursor.take("OR", "REPLACE")
    cursor.need("SNAPSHOT")
    if_not_exists = cursor.take("IF", "NOT", "EXISTS")
    name = cursor.name_or_string("a snapshot's name")
    when = None
    if cursor.take("AS", "OF"):
        when = point(cursor)
    return CreateSnapshot(cursor.span, name, when, replace, if_not_exists)


def _drop_snapshot(cursor: Cursor) -> Statement:
    cursor.need("DROP", "SNAPSHOT")
    if_exists = cursor.take("IF", "EXISTS")
    return DropSnapshot(cursor.span, cursor.name_or_string("a snapshot's name"), if_exists)


def _restore(cursor: Cursor) -> Statement:
    cursor.need("RESTORE")
    cursor.take("TABLE")
    table = cursor.table()
    if not cursor.take("AS", "OF"):
        cursor.need("TO")
    return Restore(cursor.span, table, point(cursor))


def _rollback(cursor: Cursor) -> Statement:
    cursor.need("ROLLBACK")
    if cursor.done or cursor.word() in {"TRANSACTION", "WORK"}:
        return _after_transaction(cursor, Rollback(cursor.span))
    cursor.take("TABLE")
    table = cursor.table()
    cursor.need("TO")
    return Restore(cursor.span, table, point(cursor))


def _begin(cursor: Cursor) -> Statement:
    cursor.at += 1
    _noise(cursor)
    read_only = cursor.take("READ", "ONLY")
    if not read_only:
        cursor.take("READ", "WRITE")
    return Begin(cursor.span, read_only)


def _commit(cursor: Cursor) -> Statement:
    cursor.at += 1
    return _after_transaction(cursor, Commit(cursor.span))


def _abort(cursor: Cursor) -> Statement:
    cursor.at += 1
    return _after_transaction(cursor, Rollback(cursor.span))


def _after_transaction(cursor: Cursor, node: Statement) -> Statement:
    _noise(cursor)
    return node


def _noise(cursor: Cursor) -> None:
    if not cursor.take("TRANSACTION"):
        cursor.take("WORK")


def _explain(cursor: Cursor) -> Statement:
    span = cursor.span
    cursor.need("EXPLAIN")
    analyze = cursor.take("ANALYZE") or cursor.take("ANALYSE")
    return Explain(span, _rest(cursor, "a statement to explain"), analyze)


def _rest(cursor: Cursor, what: str) -> Statement:
    rest = cursor.tokens[cursor.at :]
    if not rest:
        cursor.fail(f"expected {what}")
    cursor.at = len(cursor.tokens)
    return statement(Cursor(rest, cursor.text))


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


def _set(cursor: Cursor) -> Statement:
    cursor.need("SET")
    if not cursor.take("SESSION") and not cursor.take("LOCAL"):
        cursor.take("GLOBAL")
    if cursor.word() == "VARIABLE" and cursor.peek(1) is not None and cursor.word(1) != "=":
        cursor.fail("variables are not offered", hint="SET name = value changes a setting")
    name = _option_name(cursor)
    if not cursor.take("="):
        cursor.need("TO")
    return SetOption(cursor.span, name, cursor.value("a value"))


def _reset(cursor: Cursor) -> Statement:
    cursor.need("RESET")
    return ResetOption(cursor.span, _option_name(cursor))


def _option_name(cursor: Cursor) -> str:
    name = cursor.name("a setting's name")
    while cursor.take("."):
        name += "." + cursor.name("a setting's name")
    return name.lower()


def _use(cursor: Cursor) -> Statement:
    cursor.need("USE")
    cursor.take("SCHEMA")
    return Use(cursor.span, cursor.name("a schema's name"))


def _compact(cursor: Cursor) -> Statement:
    cursor.at += 1
    cursor.take("TABLE")
    return Compact(cursor.span, None if cursor.done else cursor.table())


def _verify(cursor: Cursor) -> Statement:
    cursor.need("VERIFY")
    if cursor.take("TIMELINE"):
        return VerifyTimeline(cursor.span)
    if not cursor.take("TABLE"):
        cursor.fail("expected TIMELINE or TABLE")
    return VerifyTable(cursor.span, cursor.table())


def _upsert(cursor: Cursor) -> Statement:
    cursor.need("UPSERT", "INTO")
    table = cursor.table()
    columns: tuple[str, ...] = ()
    if cursor.word() == "(" and cursor.word(1) not in _QUERY_HEADS:
        columns = cursor.names("a column's name")
    by_name = cursor.take("BY", "NAME")
    source = cursor.query("VALUES or a query", {"KEY", "RETURNING"})
    key: tuple[str, ...] = ()
    if cursor.take("KEY"):
        key = cursor.names("a column of the key")
    returning: tuple[exp.Expr, ...] = ()
    if cursor.take("RETURNING"):
        returning = cursor.expressions("what to return")
    return Upsert(cursor.span, table, columns, source, key, returning, by_name)


_READERS: tuple[tuple[str, Callable[[Cursor], Statement]], ...] = (
    ("CREATE SNAPSHOT", _create_snapshot),
    ("CREATE OR REPLACE SNAPSHOT", _create_snapshot),
    ("CREATE", _create),
    ("DROP SNAPSHOT", _drop_snapshot),
    ("UPSERT", _upsert),
    ("COPY", copy),
    ("SHOW|LIST", show),
    ("DESCRIBE|DESC", _describe),
    ("SUMMARIZE", _summarize),
    ("EXPLAIN", _explain),
    ("SET", _set),
    ("RESET", _reset),
    ("USE", _use),
    ("BEGIN", _begin),
    ("START TRANSACTION", _begin),
    ("COMMIT|END", _commit),
    ("ABORT", _abort),
    ("ROLLBACK", _rollback),
    ("RESTORE", _restore),
    ("COMPACT|OPTIMIZE", _compact),
    ("VERIFY", _verify),
)
