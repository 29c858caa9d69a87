"""Where statements end, and when a text is ready to run."""

from __future__ import annotations

import pytest

from grammar import is_complete, parse, split


def parts(text: str) -> list[str]:
    return [text[span.start : span.end] for span in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" ; -- x\n;", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';' -- ;\n, 2; /* ; */ SELECT 3", ["SELECT ';' -- ;\n, 2", "SELECT 3"]),
        ("SELECT 1\nSELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT a\nFROM t\nWHERE b", ["SELECT a\nFROM t\nWHERE b"]),
        ("FROM t\nSELECT a\nFROM u", ["FROM t\nSELECT a", "FROM u"]),
        ("FROM t\nWHERE a\nSELECT b", ["FROM t\nWHERE a\nSELECT b"]),
        ("FROM VALUES (1) t(a)\nSELECT a", ["FROM VALUES (1) t(a)\nSELECT a"]),
        ("SELECT a IS DISTINCT FROM b\nFROM t", ["SELECT a IS DISTINCT FROM b\nFROM t"]),
        ("SELECT 1\nUNION ALL\nSELECT 2\nSELECT 3", ["SELECT 1\nUNION ALL\nSELECT 2", "SELECT 3"]),
        ("INSERT INTO t\nSELECT 1\nCOMMIT", ["INSERT INTO t\nSELECT 1", "COMMIT"]),
        ("INSERT INTO t VALUES (1)\nSELECT 2", ["INSERT INTO t VALUES (1)", "SELECT 2"]),
        (
            "UPDATE t\nSET a = 1\nFROM u\nDELETE FROM t",
            ["UPDATE t\nSET a = 1\nFROM u", "DELETE FROM t"],
        ),
        ("WITH a AS (SELECT 1)\nSELECT 1", ["WITH a AS (SELECT 1)\nSELECT 1"]),
        (
            "WITH a AS (FROM t)\nINSERT INTO u\nFROM a",
            ["WITH a AS (FROM t)\nINSERT INTO u\nFROM a"],
        ),
        (
            "MERGE INTO t USING s ON t.a = s.a\nWHEN MATCHED THEN\nUPDATE SET a = 1\nSHOW TABLES",
            [
                "MERGE INTO t USING s ON t.a = s.a\nWHEN MATCHED THEN\nUPDATE SET a = 1",
                "SHOW TABLES",
            ],
        ),
        (
            "ALTER TABLE t\nDROP COLUMN a\nDROP TABLE t",
            ["ALTER TABLE t\nDROP COLUMN a\nDROP TABLE t"],
        ),
        (
            "CREATE TABLE t AS\nSELECT 1\nDROP TABLE t",
            ["CREATE TABLE t AS\nSELECT 1", "DROP TABLE t"],
        ),
        ("EXPLAIN\nSELECT 1", ["EXPLAIN\nSELECT 1"]),
        (
            "BEGIN\nINSERT INTO t VALUES (1)\nCOMMIT",
            ["BEGIN", "INSERT INTO t VALUES (1)", "COMMIT"],
        ),
        ("SELECT CASE\nWHEN a THEN b\nEND\nFROM t", ["SELECT CASE\nWHEN a THEN b\nEND\nFROM t"]),
        ("SELECT (\nSELECT 1\n)", ["SELECT (\nSELECT 1\n)"]),
        ("SELECT a,\nshow,\ncopy\nFROM t", ["SELECT a,\nshow,\ncopy\nFROM t"]),
    ],
)
def test_split(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(
    "text", ["SELECT 1; FROM t\nSELECT a\nSHOW TABLES", "BEGIN; UPSERT INTO t VALUES (1); COMMIT"]
)
def test_parsing_gives_the_same_spans(text: str) -> None:
    assert [statement.span for statement in parse(text)] == split(text)


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("", True),
        ("SELECT 1;", True),
        ("SELECT 1", True),
        ("SELECT 1\nFROM t;", True),
        ("SELECT", False),
        ("SELECT a FROM", False),
        ("SELECT a,", False),
        ("SELECT (1", False),
        ("SELECT (1;", False),
        ("SELECT 'a", False),
        ("SELECT 'a;", False),
        ('SELECT "a', False),
        ("SELECT 1 /* x", False),
        ("SELECT 1; -- done", True),
        ("SELECT 1)", True),
        ("selct 1;", True),
        ("INSERT INTO t", False),
        ("SHOW TABLES", True),
    ],
)
def test_is_complete(text: str, *, complete: bool) -> None:
    assert is_complete(text) is complete
