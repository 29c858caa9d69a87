"""What is wrong is shown at its place, with a hint where there is one."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest

from grammar import ParseError, parse, span_of, suggest, to_duckdb
from grammar.nodes import Query
from grammar.suggestion import distance


def failure(text: str) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("selct 1", "selct", "did you mean SELECT?"),
        ("udpate t SET a = 1", "udpate", "did you mean UPDATE?"),
        ("SELECT a FRM t", "FRM", "did you mean FROM?"),
        ("SELECT a FROM t WHRE x = 1", "WHRE", "did you mean WHERE?"),
        ("SHOW TABELS", "TABELS", "did you mean TABLES?"),
        ("SELECT a b c FROM t", "c", "is a comma or an operator missing before it?"),
        ("SELECT a,, b FROM t", ",", None),
        ("SELECT , a FROM t", ",", None),
        ("SELECT f(, a) FROM t", ",", None),
        ("SELECT a FROM t WHERE", "WHERE", None),
        ("SELECT 'abc FROM t", "'abc FROM t", "close it with '"),
        ("SELECT 1;\nSELECT 'abc\nFROM t", "'abc", "close it with '"),
        ('SELECT "abc FROM t', '"abc FROM t', 'close it with "'),
        ("SELECT /* abc", "/* abc", "close it with */"),
        ("SELECT (1 + 2", "(", None),
        ("SELECT [1, 2 FROM t", "[", None),
        ("SELECT 1)", ")", None),
        ("SELECT (1]", "]", None),
        (
            "SELECT * FROM t AS OF",
            "OF",
            "a timestamp, VERSION n, SNAPSHOT 'name' or WATERMARK 'name'",
        ),
        ("COPY t TO x", "x", "write it in quotes"),
        ("CHANGES t SINCE 3", "t", "CHANGES FROM table SINCE version"),
    ],
)
def test_place_and_hint(text: str, place: str, hint: str | None) -> None:
    error = failure(text)
    assert error.span is not None
    assert text[error.span.start : error.span.end] == place
    assert error.hint == hint
    assert error.sqlstate == "42601"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT",
        "SELECT FROM t",
        "INSERT INTO t",
        "UPDATE t",
        "UPDATE t SET",
        "DELETE",
        "CREATE TABLE t",
        "CREATE VIEW v",
        "CREATE",
        "DROP",
        "ALTER TABLE t",
        "MERGE INTO t",
        "UPSERT INTO t",
        "COPY",
        "EXPLAIN",
        "SUMMARIZE",
        "DESCRIBE",
        "USE",
        "SET",
        "RESTORE t",
        "ROLLBACK t",
        "VERIFY",
        "SHOW",
        "WITH a AS (SELECT 1)",
        "FROM",
        "VALUES",
        "PIVOT t",
        "CHANGES FROM",
        "CREATE SNAPSHOT",
        "COMMENT ON TABLE t",
        "TRUNCATE",
        "SELECT * FROM t JOIN",
        "SELECT 1 UNION",
    ],
)
def test_half_a_statement_is_refused(text: str) -> None:
    error = failure(text)
    assert error.span is not None
    assert error.span.end <= len(text)


def test_the_place_of_what_is_missing_is_the_end() -> None:
    error = failure("DROP SNAPSHOT")
    assert error.span is not None
    assert error.span.start == len("DROP SNAPSHOT")
    assert "end of the statement" in error.message


def test_the_place_counts_characters_of_the_whole_text() -> None:
    text = "SELECT 'ünïcode';\n\nSELECT 1 FRM t"
    error = failure(text)
    assert error.span is not None
    assert text[error.span.start : error.span.end] == "FRM"


@pytest.mark.parametrize("opener", ["(", "[", "f(", "(SELECT ", "CASE WHEN (", "{'a': "])
def test_deep_nesting_is_an_error_and_not_a_crash(opener: str) -> None:
    closer = {"[": "]", "{": "}"}.get(opener[0], ")")
    deep = "SELECT " + opener * 2000 + "1" + closer * 2000
    assert failure(deep).code in {"SYNTAX_001", "SYNTAX_003"}


@pytest.mark.parametrize("word", ["NOT ", "- ", "SELECT 1 UNION ", "EXPLAIN "])
def test_long_chains_are_read_or_refused(word: str) -> None:
    text = word * 2000 + "SELECT 1"
    with contextlib.suppress(ParseError):
        assert len(parse(text)) == 1


def test_reasonable_nesting_is_read() -> None:
    (query,) = parse("SELECT " + "(" * 90 + "1" + ")" * 90)
    assert isinstance(query, Query)
    assert to_duckdb(query.ast).count("(") == 90
    many = " + ".join(["1"] * 2000)
    (query,) = parse(f"SELECT {many}")
    assert isinstance(query, Query)
    assert to_duckdb(query.ast) == f"SELECT {many}"


def test_names_keep_their_places() -> None:
    text = "SELECT a.b, f(c) FROM s.tbl"
    (query,) = parse(text)
    assert isinstance(query, Query)
    shown = []
    for node in query.ast.expressions:
        span = span_of(node)
        assert span is not None
        shown.append(text[span.start : span.end])
    assert shown[0] == "a.b"
    assert shown[1].startswith("f(c")


def test_nothing_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    failure("CREATE USER x")
    assert capfd.readouterr() == ("", "")


def test_suggestions() -> None:
    tables = ["flights", "airports", "planes"]
    assert suggest("flihgts", tables) == "flights"
    assert suggest("FLIGHT", tables) == "flights"
    assert suggest("flights", tables) is None
    assert suggest("weather", tables) is None
    assert suggest("x", ["y"]) is None


@pytest.mark.parametrize(
    ("a", "b", "slips"),
    [
        ("", "", 0),
        ("a", "", 1),
        ("ab", "ba", 1),
        ("abc", "adc", 1),
        ("abc", "abxc", 1),
        ("ca", "abc", 3),
    ],
)
def test_distance(a: str, b: str, slips: int) -> None:
    assert distance(a, b) == distance(b, a) == slips


def test_importing_the_package_loads_neither_sqlglot_nor_pygments() -> None:
    code = "import grammar, grammar.context, grammar.keywords, sys; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'sqlglot'" not in done.stdout
    assert "'pygments'" not in done.stdout
