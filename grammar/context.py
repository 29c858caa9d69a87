"""What may stand at the cursor, for completion.

Layer: ``grammar``; needs neither sqlglot nor a finished text. Invariant: every text and every
cursor gives an answer, and quickly: it is asked at each key press.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from grammar.keywords import KEYWORDS, SHOWN, STATEMENT_STARTERS
from grammar.scan import Region, regions

Kind = Literal[
    "statement", "keyword", "table", "column", "function", "file", "snapshot", "schema", "none"
]

_PIECE = re.compile(r"[^\W\d][\w$]*|\d[\w.]*|\S")
_WORD = re.compile(r"[\w$]*\Z")
_EXPRESSION = frozenset(
    [
        "SELECT",
        "DISTINCT",
        "WHERE",
        "HAVING",
        "QUALIFY",
        "ON",
        "BY",
        "AND",
        "OR",
        "NOT",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "IN",
        "LIKE",
        "ILIKE",
        "BETWEEN",
        "RETURNING",
        "SET",
        "IS",
        "FILTER",
        "ALL",
    ]
)
_RELATION = frozenset(
    ["FROM", "JOIN", "INTO", "UPDATE", "TABLE", "VIEW", "DESCRIBE", "SUMMARIZE", "USING", "PIVOT"]
)
_RELATION |= frozenset(["UNPIVOT", "COPY", "COMPACT", "RESTORE", "TRUNCATE"])
_FROM_ENDS = frozenset(
    [
        "WHERE",
        "GROUP",
        "ORDER",
        "HAVING",
        "LIMIT",
        "OFFSET",
        "QUALIFY",
        "WINDOW",
        "SELECT",
        "SET",
        "VALUES",
        "UNION",
        "EXCEPT",
        "INTERSECT",
        "RETURNING",
        "KEY",
    ]
)
_NO_ALIAS = KEYWORDS | {"SINCE", "UNTIL"}
_NAMED: dict[str, Kind] = {"SNAPSHOT": "snapshot", "USE": "schema", "SCHEMA": "schema"}
_FOLLOWING = {
    "CREATE": ("TABLE", "VIEW", "SCHEMA", "SNAPSHOT", "WATERMARK", "BRANCH", "OR"),
    "DROP": ("TABLE", "VIEW", "SCHEMA", "SNAPSHOT", "WATERMARK", "BLOB", "BRANCH"),
    "ALTER": ("TABLE", "VIEW"),
    "SHOW": tuple(sorted(SHOWN)),
    "LIST": tuple(sorted(SHOWN)),
    "VERIFY": ("TIMELINE", "TABLE"),
    "PROVE": ("COMMIT", "TABLE", "ROW", "ABSENT"),
    "INSERT": ("INTO", "OR"),
    "UPSERT": ("INTO",),
    "MERGE": ("INTO", "BRANCH"),
    "RESTORE": ("TABLE", "DATABASE"),
    "BEGIN": ("TRANSACTION", "ISOLATION", "READ", "IDEMPOTENT"),
    "DELETE": ("FROM",),
    "CHANGES": ("FROM", "FULL", "NET"),
    "PUT": ("BLOB",),
    "ADVANCE": ("WATERMARK",),
    "GROUP": ("BY",),
    "ORDER": ("BY",),
    "PARTITION": ("BY",),
    "OF": ("VERSION", "TIMESTAMP", "SNAPSHOT", "WATERMARK", "BRANCH"),
    "SINCE": ("VERSION", "TIMESTAMP", "SNAPSHOT", "WATERMARK"),
    "UNTIL": ("VERSION", "TIMESTAMP", "SNAPSHOT", "WATERMARK"),
    "PRIMARY": ("KEY",),
    "NULLS": ("FIRST", "LAST"),
    "LEFT": ("JOIN", "OUTER"),
    "RIGHT": ("JOIN", "OUTER"),
    "FULL": ("JOIN", "OUTER"),
    "INNER": ("JOIN",),
    "CROSS": ("JOIN",),
    "ASOF": ("JOIN", "LEFT"),
    "SEMI": ("JOIN",),
    "ANTI": ("JOIN",),
}


@dataclass(frozen=True)
class Context:
    """The place of the cursor.

    ``kind`` says what belongs there: ``column`` is any place of an expression, so functions and
    keywords are welcome too; ``none`` is inside a comment or a plain string. ``prefix`` is what was
    typed of the word, ``qualifier`` the name before a dot. ``tables`` are the sources in scope as
    (name, alias), also those that come after the cursor; a subquery has no name. ``keywords`` are
    the words that may follow, empty when many may.
    """

    kind: Kind
    prefix: str
    qualifier: str = ""
    tables: tuple[tuple[str, str], ...] = ()
    ctes: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


@dataclass
class _Piece:
    text: str
    start: int
    end: int
    word: str = ""


@dataclass
class _Level:
    """The pieces inside one bracket, and the brackets inside it."""

    pieces: list[_Piece] = field(default_factory=list)
    outer: _Level | None = None


def context(text: str, cursor: int) -> Context:
    """Say what may stand at the cursor, an offset into the text."""
    quoted = list(regions(text))
    inside = next((r for r in quoted if r.start < cursor and _holds(r, cursor)), None)
    pieces = _pieces(text, quoted)
    if inside is not None and inside.kind == "comment":
        return Context("none", "")
    if inside is not None and inside.kind == "string":
        before = _before(_statement(pieces, inside.start), inside.start)
        return _in_string(text, cursor, inside, before)
    typed = _WORD.search(text, 0, cursor)
    prefix = typed.group() if typed else ""
    begin = cursor - len(prefix)
    if inside is not None:
        prefix, begin = text[inside.start + 1 : cursor], inside.start
    statement = _statement(pieces, begin)
    before = _before(statement, begin)
    qualifier = ""
    if before and before[-1].text == ".":
        qualifier = before[-2].text.strip('"`') if len(before) > 1 else ""
    others = [piece for piece in statement if not piece.start <= begin < piece.end]
    level = _level_at(others, begin)
    tables = _tables_in_scope(level)
    ctes = _cte_names(statement)
    kind, keywords = _kind(before, qualifier)
    return Context(kind, prefix, qualifier, tables, ctes, keywords)


def _holds(region: Region, cursor: int) -> bool:
    if region.opener == "--":
        return cursor <= region.end
    return cursor < region.end or not region.closed


def _in_string(text: str, cursor: int, inside: Region, before: list[_Piece]) -> Context:
    prefix = text[inside.start + len(inside.opener) : cursor]
    last = before[-1].word if before else ""
    if last == "SNAPSHOT":
        return Context("snapshot", prefix)
    path = last in {"FROM", "JOIN", "COPY", "TO", "ATTACH"} or (
        last == "(" and len(before) > 1 and before[-2].word.startswith("READ_")
    )
    return Context("file" if path else "none", prefix)


def _pieces(text: str, quoted: list[Region]) -> list[_Piece]:
    out: list[_Piece] = []
    at = 0
    for region in [*quoted, None]:
        end = region.start if region else len(text)
        out += [
            _Piece(match.group(), match.start(), match.end(), match.group().upper())
            for match in _PIECE.finditer(text, at, end)
        ]
        if region is None:
            break
        if region.kind != "comment":
            out.append(_Piece(text[region.start : region.end], region.start, region.end))
        at = region.end
    return out


def _statement(pieces: list[_Piece], cursor: int) -> list[_Piece]:
    """Cut out the statement around the cursor, at semicolons."""
    begin = max(
        (n + 1 for n, p in enumerate(pieces) if p.word == ";" and p.end <= cursor), default=0
    )
    end = next(
        (n for n, p in enumerate(pieces) if p.word == ";" and p.start >= cursor), len(pieces)
    )
    return pieces[begin:end]


def _before(statement: list[_Piece], cursor: int) -> list[_Piece]:
    return [piece for piece in statement if piece.end <= cursor]


def _level_at(statement: list[_Piece], cursor: int) -> _Level:
    """Nest the pieces and give the level the cursor is in; what follows in it is in it too."""
    level = _Level()
    found: _Level | None = None
    for piece in statement:
        if found is None and piece.start >= cursor:
            found = level
        if piece.word in {"(", "["}:
            level.pieces.append(piece)
            level = _Level(outer=level)
        elif piece.word in {")", "]"}:
            level = level.outer or level
            level.pieces.append(piece)
        else:
            level.pieces.append(piece)
    return found or level


def _tables_in_scope(level: _Level) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    here: _Level | None = level
    while here is not None:
        found += [table for table in _tables(here.pieces) if table not in found]
        here = here.outer
    return tuple(found)


def _tables(pieces: list[_Piece]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, in_from = 0, False
    while at < len(pieces):
        word = pieces[at].word
        at += 1
        if word in _FROM_ENDS:
            in_from = False
        starts = word in {"FROM", "JOIN", "INTO", "UPDATE"} or (word == "," and in_from)
        if starts and at < len(pieces):
            in_from = word not in {"INTO", "UPDATE"}
            table, at = _table(pieces, at)
            if table is not None:
                found.append(table)
    return found


def _table(pieces: list[_Piece], at: int) -> tuple[tuple[str, str] | None, int]:
    name = ""
    if pieces[at].word == "(":
        at += 2
    elif pieces[at].word in _NO_ALIAS:
        return None, at
    else:
        name, at = _dotted(pieces, at)
    at = _past_time(pieces, at)
    if at < len(pieces) and pieces[at].word == "AS":
        at += 1
    alias = ""
    if at < len(pieces) and _is_alias(pieces[at]):
        alias, at = pieces[at].text.strip('"`'), at + 1
    return ((name, alias) if name or alias else None), at


def _dotted(pieces: list[_Piece], at: int) -> tuple[str, int]:
    name = pieces[at].text.strip('"`')
    at += 1
    while at + 1 < len(pieces) and pieces[at].word == ".":
        name += "." + pieces[at + 1].text.strip('"`')
        at += 2
    return name, at


def _past_time(pieces: list[_Piece], at: int) -> int:
    """Step over AS OF VERSION 3 and SINCE 3 UNTIL 4."""
    words = [piece.word for piece in pieces[at : at + 2]]
    if words == ["AS", "OF"]:
        at += 2
    elif words[:1] in (["SINCE"], ["UNTIL"]):
        at += 1
    else:
        return at
    if at < len(pieces) and pieces[at].word in _FOLLOWING["OF"]:
        at += 1
    return _past_time(pieces, at + 1)


def _is_alias(piece: _Piece) -> bool:
    if piece.text[:1] in {'"', "`"}:
        return True
    return piece.word.isidentifier() and piece.word not in _NO_ALIAS


def _cte_names(statement: list[_Piece]) -> tuple[str, ...]:
    names: list[str] = []
    for number, piece in enumerate(statement):
        before = statement[number - 1].word if number else ""
        if before in {"WITH", "RECURSIVE", ","} and _is_alias(piece):
            after = _past_brackets(statement, number + 1)
            follows = [p.word for p in statement[after : after + 4]]
            if follows[:1] == ["AS"] and "(" in follows:
                names.append(piece.text.strip('"`'))
    return tuple(names)


def _past_brackets(pieces: list[_Piece], at: int) -> int:
    depth = 0
    while at < len(pieces):
        depth += (pieces[at].word == "(") - (pieces[at].word == ")")
        if depth == 0:
            return at + 1 if pieces[at].word == ")" else at
        at += 1
    return at


def _kind(before: list[_Piece], qualifier: str) -> tuple[Kind, tuple[str, ...]]:
    if not before:
        return "statement", tuple(sorted(STATEMENT_STARTERS))
    last, clause = before[-1].word, _clause(before)
    if qualifier:
        return ("table" if clause in _RELATION else "column"), ()
    if last in _FOLLOWING and not (last == "LIST" and len(before) > 1):
        return "keyword", _FOLLOWING[last]
    return _after_word(last, clause, before), ()


def _after_word(last: str, clause: str, before: list[_Piece]) -> Kind:
    if last in _NAMED:
        return _NAMED[last]
    if last in _RELATION:
        return "keyword" if last in {"TABLE", "VIEW"} and _creates(before) else "table"
    if last in _EXPRESSION:
        return "column"
    if last == ",":
        return "table" if clause in {"FROM", "JOIN"} else "column"
    if last == "(":
        opens_query = len(before) > 1 and before[-2].word in {"FROM", "JOIN", "AS"}
        return "keyword" if opens_query else "column"
    ended = not last or last.isidentifier() or last[0].isdigit() or last in {")", "]"}
    return "keyword" if ended else "column"


def _creates(before: list[_Piece]) -> bool:
    return before[0].word == "CREATE"


def _clause(before: list[_Piece]) -> str:
    """Find the word that began the clause, at the cursor's level."""
    depth = 0
    for piece in reversed(before):
        if piece.word in {")", "]"}:
            depth += 1
        elif piece.word in {"(", "["}:
            depth -= 1
        elif depth <= 0 and piece.word in _EXPRESSION | _RELATION | _FROM_ENDS:
            return piece.word
    return ""
