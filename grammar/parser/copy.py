"""COPY in both directions.

Layer: ``grammar.parser``. Invariant: exactly one side is a path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from grammar.nodes import Copy
from grammar.tokens import is_name

if TYPE_CHECKING:
    from grammar.parser.cursor import Cursor

_BARE_OPTIONS = frozenset({"HEADER", "AUTO_DETECT", "IGNORE_ERRORS", "OVERWRITE", "APPEND"})


def copy(cursor: Cursor) -> Copy:
    """Read COPY table|(query)|'path' TO|FROM table|'path' [(options)].

    Raises: ParseError.
    """
    cursor.need("COPY")
    path = cursor.string()
    if path is not None:
        cursor.need("TO", hint="COPY 'file' TO table, or COPY table FROM 'file'")
        table, columns = _table(cursor)
        return Copy(cursor.span, path, table, _options(cursor), columns)
    if cursor.word() == "(":
        cursor.need("(")
        query = cursor.query("a query")
        cursor.need(")")
        cursor.need("TO")
        return Copy(cursor.span, query, _path(cursor), _options(cursor))
    table, columns = _table(cursor)
    if cursor.take("FROM"):
        return Copy(cursor.span, _path(cursor), table, _options(cursor), columns)
    table = cursor.time_behind(table, {"TO"})
    if not cursor.take("TO"):
        cursor.fail("expected TO or FROM")
    return Copy(cursor.span, _exported(table, columns), _path(cursor), _options(cursor))


def _exported(table: exp.Table, columns: tuple[str, ...]) -> exp.Table | exp.Query:
    if not columns:
        return table
    wanted = [exp.column(exp.to_identifier(name, quoted=True)) for name in columns]
    return exp.select(*wanted).from_(table, copy=False)


def _table(cursor: Cursor) -> tuple[exp.Table, tuple[str, ...]]:
    table = cursor.table()
    return table, cursor.names("a column's name") if _columns_follow(cursor) else ()


def _columns_follow(cursor: Cursor) -> bool:
    """Tell ``(a, b)`` from ``(FORMAT csv, HEADER)``."""
    if cursor.word() != "(":
        return False
    ahead = 1
    while is_name(cursor.peek(ahead)) and cursor.word(ahead) not in _BARE_OPTIONS:
        if cursor.word(ahead + 1) == ")":
            return True
        if cursor.word(ahead + 1) != ",":
            return False
        ahead += 2
    return False


def _path(cursor: Cursor) -> str:
    path = cursor.string()
    if path is None:
        cursor.fail("expected a file's path", hint="write it in quotes")
    return path


def _options(cursor: Cursor) -> dict[str, str]:
    explicit = cursor.take("WITH")
    if not explicit and cursor.word() != "(":
        return {}
    cursor.need("(")
    options: dict[str, str] = {}
    while not cursor.take(")"):
        name = cursor.name("an option's name").lower()
        cursor.take("=")
        options[name] = "true" if cursor.word() in {",", ")"} else cursor.value("a value")
        if cursor.word() != ")":
            cursor.need(",")
    return options
