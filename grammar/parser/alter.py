"""ALTER TABLE.

Layer: ``grammar.parser``. Invariant: each action is read to its last token; columns, types and
expressions are sqlglot's, all else is read here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from grammar.alterations import (
    AddColumn,
    AddConstraint,
    ChangeType,
    DropColumn,
    DropConstraint,
    MoveColumn,
    Place,
    RenameColumn,
    RenameTable,
    ResetOptions,
    SetDefault,
    SetOptions,
    SetRequired,
)
from grammar.nodes import Alter
from grammar.parser.create import options
from grammar.parser.layout import CLAUSES, clause
from grammar.parser.sql import parse_into, parse_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from grammar.alterations import Alteration, Path
    from grammar.parser.cursor import Cursor

_CONSTRAINTS = frozenset({"CONSTRAINT", "CHECK", "UNIQUE", "PRIMARY KEY", "FOREIGN KEY"})
_PLACES = frozenset({"FIRST", "LAST", "BEFORE", "AFTER"})
_PLACE_HINT = "FIRST, LAST, BEFORE column, AFTER column, or SET POSITION n"


def alter(cursor: Cursor) -> Alter:
    """Read ALTER TABLE [IF EXISTS] t action, ….

    Raises: ParseError.
    """
    cursor.need("ALTER")
    cursor.need("TABLE", hint="only tables can be altered")
    if_exists = cursor.take("IF", "EXISTS")
    table = cursor.table()
    actions = [_action(cursor)]
    while cursor.take(","):
        actions.append(_action(cursor))
    return Alter(cursor.span, table, tuple(actions), if_exists)


def _action(cursor: Cursor) -> Alteration:
    if cursor.word() in CLAUSES:
        return SetOptions(dict([clause(cursor)]))
    for word, read in _ACTIONS.items():
        if cursor.take(word):
            return read(cursor)
    return cursor.fail(
        "expected what to alter", hint="ADD, DROP, RENAME, ALTER COLUMN, SET (…) or RESET (…)"
    )


def _add(cursor: Cursor) -> Alteration:
    if cursor.word() in _CONSTRAINTS and cursor.word(1) != ".":
        return AddConstraint(_constraint(cursor))
    cursor.take("COLUMN")
    if_not_exists = cursor.take("IF", "NOT", "EXISTS")
    path = _path(cursor)
    cursor.at -= 1
    tokens = cursor.until({",", *_PLACES})
    definition = parse_into(exp.ColumnDef, tokens, cursor.text)
    place = _place(cursor) if cursor.word() in _PLACES else None
    return AddColumn(path, definition, if_not_exists, place)


def _constraint(cursor: Cursor) -> exp.Expr:
    """Read a constraint as the only part of a table, for sqlglot reads none alone."""
    tokens = cursor.until({","})
    like = tokens[0]

    def made(kind: TokenType, text: str) -> Token:
        return Token(kind, text, like.line, like.col, like.start, like.end)

    head = [made(TokenType.CREATE, "CREATE"), made(TokenType.TABLE, "TABLE")]
    head += [made(TokenType.VAR, "t"), made(TokenType.L_PAREN, "(")]
    tree = parse_sql([*head, *tokens, made(TokenType.R_PAREN, ")")], cursor.text)
    found: exp.Expr = tree.this.expressions[0]
    return found


def _drop(cursor: Cursor) -> Alteration:
    if cursor.take("PRIMARY KEY"):
        return DropConstraint(None)
    if cursor.take("CONSTRAINT"):
        if_exists = cursor.take("IF", "EXISTS")
        return DropConstraint(_identifier(cursor, "a constraint's name"), if_exists)
    cursor.take("COLUMN")
    if_exists = cursor.take("IF", "EXISTS")
    path = _path(cursor)
    if not cursor.take("CASCADE"):
        cursor.take("RESTRICT")
    return DropColumn(path, if_exists)


def _rename(cursor: Cursor) -> Alteration:
    if cursor.take("TO"):
        return RenameTable(_identifier(cursor, "the table's new name"))
    cursor.take("COLUMN")
    path = _path(cursor)
    cursor.need("TO")
    return RenameColumn(path, _identifier(cursor, "the new name"))


def _alter_column(cursor: Cursor) -> Alteration:
    cursor.take("COLUMN")
    path = _path(cursor)
    if cursor.word() in _PLACES:
        return MoveColumn(path, _place(cursor))
    for words, read in _COLUMN_ACTIONS.items():
        if cursor.take(*words):
            return read(cursor, path)
    return cursor.fail(
        "expected what to alter of the column",
        hint=f"TYPE, SET or DROP DEFAULT, SET or DROP NOT NULL; {_PLACE_HINT}",
    )


def _default(cursor: Cursor, path: Path) -> Alteration:
    return SetDefault(path, cursor.expression("a default", {","}))


def _position(cursor: Cursor, path: Path) -> Alteration:
    token = cursor.peek()
    if token is None or not token.text.isdigit():
        cursor.fail("expected a position, counted from 1")
    cursor.at += 1
    return MoveColumn(path, Place("POSITION", position=int(token.text)))


def _type(cursor: Cursor, path: Path) -> Alteration:
    tokens = cursor.until({",", "USING"})
    if not tokens:
        cursor.fail("expected a type")
    kind = parse_into(exp.DataType, tokens, cursor.text)
    using = cursor.expression("an expression", {","}) if cursor.take("USING") else None
    return ChangeType(path, kind, using)


def _place(cursor: Cursor) -> Place:
    if cursor.take("FIRST"):
        return Place("FIRST")
    if cursor.take("LAST"):
        return Place("LAST")
    if cursor.take("BEFORE"):
        return Place("BEFORE", _identifier(cursor, "a column's name"))
    cursor.need("AFTER", hint=_PLACE_HINT)
    return Place("AFTER", _identifier(cursor, "a column's name"))


def _set(cursor: Cursor) -> Alteration:
    return SetOptions(options(cursor))


def _reset(cursor: Cursor) -> Alteration:
    return ResetOptions(tuple(name.lower() for name in cursor.names("an option's name")))


def _path(cursor: Cursor) -> Path:
    parts = [_identifier(cursor, "a column's name")]
    while cursor.take("."):
        parts.append(_identifier(cursor, "a field's name"))
    return tuple(parts)


def _identifier(cursor: Cursor, what: str) -> exp.Identifier:
    token = cursor.peek()
    name = cursor.name(what)
    return exp.Identifier(this=name, quoted=False).update_positions(token)


_ACTIONS: dict[str, Callable[[Cursor], Alteration]] = {
    "ADD": _add,
    "ALTER": _alter_column,
    "DROP": _drop,
    "RENAME": _rename,
    "RESET": _reset,
    "SET": _set,
}

_COLUMN_ACTIONS: dict[tuple[str, ...], Callable[[Cursor, Path], Alteration]] = {
    ("TYPE",): _type,
    ("SET", "DATA", "TYPE"): _type,
    ("SET", "TYPE"): _type,
    ("SET", "NOT", "NULL"): lambda _, path: SetRequired(path, required=True),
    ("DROP", "NOT", "NULL"): lambda _, path: SetRequired(path, required=False),
    ("SET", "DEFAULT"): _default,
    ("DROP", "DEFAULT"): lambda _, path: SetDefault(path, None),
    ("SET", "POSITION"): _position,
}
