"""CLUSTER BY and PARTITION BY of a table, and OPTIMIZE.

Layer: ``grammar.parser``. Invariant: both become options of the table, which are checked where columns
are known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grammar.nodes import Compact, CreateIndex, DropIndex, Optimize
from grammar.tokens import CLOSING, OPENING

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

    from grammar.nodes import Statement
    from grammar.parser.cursor import Cursor

_INDEX_HINT = "CREATE INDEX name ON table [USING bloom|btree] (column, …)"

CLAUSES = ("CLUSTER BY", "PARTITION BY", "PARTITIONED BY")


def clause(cursor: Cursor) -> tuple[str, str]:
    """Read CLUSTER BY (a, …) [USING ZORDER|SORT], or PARTITION BY (expression, …), as an option.

    Raises: ParseError.
    """
    if cursor.take("CLUSTER BY"):
        return "cluster_by", clustering(cursor)
    cursor.at += 1
    return "partition_by", _inside(cursor)


def clustering(cursor: Cursor) -> str:
    """Read (a, …) [USING ZORDER|SORT]."""
    inner = _inside(cursor)
    if not cursor.take("USING"):
        return inner
    method = cursor.name("ZORDER or SORT").lower()
    if method not in {"zorder", "sort"}:
        cursor.at -= 1
        cursor.fail("expected ZORDER or SORT")
    return f"{method}({inner})"


def optimize(cursor: Cursor) -> Statement:
    """Read OPTIMIZE, which is COMPACT, or OPTIMIZE [TABLE] t [WHERE …] CLUSTER BY (a, …) [USING …].

    Raises: ParseError.
    """
    cursor.at += 1
    cursor.take("TABLE")
    if cursor.done:
        return Compact(cursor.span, None)
    table = cursor.table()
    where = None
    if cursor.take("WHERE"):
        first = cursor.peek()
        cursor.expression("a condition", {"CLUSTER BY"})
        where = _text(cursor, first)
    by = clustering(cursor) if cursor.take("CLUSTER BY") else None
    if where is None and by is None:
        return Compact(cursor.span, table)
    return Optimize(cursor.span, table, where, by)


def create_index(cursor: Cursor) -> Statement:
    """Read CREATE INDEX [IF NOT EXISTS] i ON t [USING bloom|btree] (a, …).

    Raises: ParseError.
    """
    cursor.need("CREATE", "INDEX")
    if_not_exists = cursor.take("IF", "NOT", "EXISTS")
    name = cursor.name("an index's name")
    cursor.need("ON", hint=_INDEX_HINT)
    table = cursor.table()
    kind = "btree"
    if cursor.take("USING"):
        kind = cursor.name("bloom or btree").lower()
        if kind not in {"bloom", "btree"}:
            cursor.at -= 1
            cursor.fail("expected bloom or btree")
    columns = cursor.names("a column's name")
    return CreateIndex(cursor.span, name, table, kind, columns, if_not_exists)


def drop_index(cursor: Cursor) -> Statement:
    """Read DROP INDEX [IF EXISTS] i [ON t]."""
    cursor.need("DROP", "INDEX")
    if_exists = cursor.take("IF", "EXISTS")
    name = cursor.name("an index's name")
    table = cursor.table() if cursor.take("ON") else None
    return DropIndex(cursor.span, name, table, if_exists)


def take_clauses(cursor: Cursor, tokens: list[Token]) -> tuple[list[Token], dict[str, str]]:
    """Return a CREATE TABLE's tokens without these clauses, and the clauses as options."""
    found: dict[str, str] = {}
    depth = at = 0
    while at < len(tokens):
        token = tokens[at]
        depth += (token.token_type in OPENING) - (token.token_type in CLOSING)
        if depth == 0 and token.text.upper() in CLAUSES:
            inner = type(cursor)(tokens[at:], cursor.text)
            name, value = clause(inner)
            found[name] = value
            tokens = [*tokens[:at], *inner.tokens[inner.at :]]
            continue
        if depth == 0 and token.text.upper() == "AS":
            break
        at += 1
    return tokens, found


def _inside(cursor: Cursor) -> str:
    """Return the text between brackets."""
    cursor.need("(")
    first = cursor.peek()
    tokens = cursor.until()
    if not tokens:
        cursor.fail("expected a column's name")
    text = _text(cursor, first)
    cursor.need(")")
    return text


def _text(cursor: Cursor, first: Token | None) -> str:
    last = cursor.tokens[cursor.at - 1]
    return "" if first is None else cursor.text[first.start : last.end + 1]
