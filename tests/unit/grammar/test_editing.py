"""Completion and colours, on finished and unfinished text."""

from __future__ import annotations

import pytest
from pygments.token import Comment, Keyword, Name, Number, Operator, String

from grammar.context import context
from grammar.keywords import KEYWORDS, WORDS
from grammar.lexer import GrizzlyLexer


@pytest.mark.parametrize(
    ("text", "kind", "prefix"),
    [
        ("|", "statement", ""),
        ("sel|", "statement", "sel"),
        ("SELECT 1; sh|", "statement", "sh"),
        ("SELECT | FROM t", "column", ""),
        ("SELECT a, na| FROM t", "column", "na"),
        ("SELECT count(|) FROM t", "column", ""),
        ("SELECT a + | FROM t", "column", ""),
        ("SELECT * FROM |", "table", ""),
        ("SELECT * FROM fl|", "table", "fl"),
        ("SELECT * FROM a, |", "table", ""),
        ("SELECT * FROM a JOIN |", "table", ""),
        ("UPDATE |", "table", ""),
        ("DESCRIBE |", "table", ""),
        ("SELECT * FROM s.|", "table", ""),
        ("SELECT * FROM t WHERE |", "column", ""),
        ("SELECT * FROM t WHERE x |", "keyword", ""),
        ("SELECT * FROM t ORDER BY |", "column", ""),
        ("FROM t |", "keyword", ""),
        ("UPDATE t SET |", "column", ""),
        ("INSERT INTO t (|", "column", ""),
        ("SELECT * FROM t JOIN u USING (|", "column", ""),
        ("SELECT * FROM (|", "keyword", ""),
        ("SELECT * FROM t AS OF SNAPSHOT |", "snapshot", ""),
        ("SELECT * FROM t AS OF SNAPSHOT 'mo|", "snapshot", "mo"),
        ("SELECT * FROM 'data/fl|", "file", "data/fl"),
        ("COPY t TO '|", "file", ""),
        ("SELECT * FROM read_csv('|", "file", ""),
        ("SELECT 'fl|", "none", "fl"),
        ("SELECT 1 -- fl|", "none", ""),
        ("USE |", "schema", ""),
        ("CREATE TABLE |", "keyword", ""),
    ],
)
def test_kind_and_prefix(text: str, kind: str, prefix: str) -> None:
    found = context(text.replace("|", "", 1), text.index("|"))
    assert (found.kind, found.prefix) == (kind, prefix)


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        (
            "SELECT | FROM flights f JOIN airports AS a ON true",
            [("flights", "f"), ("airports", "a")],
        ),
        ("SELECT | FROM s.t AS OF VERSION 3 x, (SELECT 1) y", [("s.t", "x"), ("", "y")]),
        ("SELECT | FROM t SINCE 3 UNTIL 4 WHERE a", [("t", "")]),
        ("SELECT (SELECT | FROM b) FROM a", [("b", ""), ("a", "")]),
        ("SELECT a FROM (SELECT | FROM inner_t) x", [("inner_t", ""), ("", "x")]),
        ("SELECT 1 FROM z; SELECT | FROM t", [("t", "")]),
        ("UPDATE t SET |", [("t", "")]),
        ("SELECT |", []),
    ],
)
def test_tables_in_scope(text: str, tables: list[tuple[str, str]]) -> None:
    assert list(context(text.replace("|", "", 1), text.index("|")).tables) == tables


def test_qualifier_names_and_keywords() -> None:
    assert context("SELECT f. FROM flights f", 9).qualifier == "f"
    text = "WITH c AS (SELECT 1), d(x) AS (FROM c) SELECT  FROM d"
    assert context(text, text.index(" FROM d")).ctes == ("c", "d")
    points = ("VERSION", "TIMESTAMP", "SNAPSHOT", "WATERMARK", "BRANCH")
    assert context("SELECT * FROM t AS OF ", 22).keywords == points
    assert "TABLES" in context("SHOW ", 5).keywords


def test_every_cursor_of_any_text_gives_an_answer() -> None:
    text = "WITH x AS (SELECT 'a' FROM t AS OF 3), y SELECT [1, f(\"b\")) FROM , 'x; -- z\n (("
    for end in range(0, len(text) + 1, 3):
        for cursor in range(end + 1):
            context(text[:end], cursor)


def test_colours() -> None:
    text = "SELECT count(*), 'a', \"b\", 1.5 FROM t AS OF VERSION 3 -- c"
    found = [(kind, value) for kind, value in GrizzlyLexer().get_tokens(text) if value.strip()]
    assert (Keyword, "SELECT") in found
    assert (Keyword, "VERSION") in found
    assert (Name.Function, "count") in found
    assert (String.Single, "'a'") in found
    assert (String.Double, '"b"') in found
    assert (Number, "1.5") in found
    assert (Name, "t") in found
    assert (Comment.Single, "-- c") in found


def test_colours_lose_nothing() -> None:
    for text in [
        "SELECT 'open",
        "/* open /* nested */",
        "a.select x::INT ?? $1 `q`",
        "€ \\ \x00",
        'x"y',
    ]:
        joined = "".join(value for _, value in GrizzlyLexer(ensurenl=False).get_tokens(text))
        assert joined == text


def test_operator_words_and_columns_called_like_keywords() -> None:
    found = {v: k for k, v in GrizzlyLexer().get_tokens("a AND t.key")}
    assert found["AND"] is Operator.Word
    assert found["key"] is Name


def test_every_word_has_one_line_of_help() -> None:
    assert all(word.help and "\n" not in word.help for word in WORDS)
    assert {word.text for word in WORDS} >= KEYWORDS
