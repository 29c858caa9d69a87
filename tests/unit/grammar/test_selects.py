"""Every SELECT of DuckDB means here what it means there: DuckDB is the judge."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from grammar import ParseError, parse, to_duckdb
from grammar.nodes import Query

if TYPE_CHECKING:
    from collections.abc import Iterator

SELECTS = [
    line
    for line in (Path(__file__).parent / "duckdb_selects.sql").read_text().splitlines()
    if line.strip()
]

# DuckDB understands these; we say no, with a place, rather than half-understand them.
REFUSED = {
    "SELECT 5!": "!",
    "SELECT X'FF'": "'FF'",
    "SELECT 'a' LIKE 'b' ESCAPE chr(0)": "chr",
    "SELECT 'happy'::s1.mood": "s1",
    "SELECT INTEGER[] '[1]'": "'[1]'",
    "SELECT first_value(i) OVER (GROUPS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)": "BETWEEN",
    "SELECT sum(a) EXPORT_STATE FROM t": "EXPORT_STATE",
    "WITH RECURSIVE t(k, v) USING KEY (k, max(v)) AS (SELECT 1, 2) FROM t": "(",
    "SELECT 'abc' ~ ANY(['b'])": "ANY(['b'])",
    "PIVOT c USING sum(x)": "USING",
    "SELECT 1 LIMIT (1 + 1) %": "(1 + 1) %",
    "FROM u JOIN BY (TYPE mark_join) v ON true": "mark_join",
}

SETUP = """
CREATE TABLE emp(name VARCHAR, dept INT, salary INT, hired DATE);
INSERT INTO emp VALUES ('ann', 1, 100, '2020-01-15'), ('bob', 2, 80, '2020-06-30'),
  ('cy', 1, 120, '2021-03-01'), ('dee', NULL, 90, '2021-12-31');
CREATE TABLE dept(id INT, title VARCHAR);
INSERT INTO dept VALUES (1, 'dev'), (2, 'ops'), (3, 'hr');
CREATE TABLE trades(sym VARCHAR, ts INT);
INSERT INTO trades VALUES ('x', 5), ('x', 10), ('y', 1);
CREATE TABLE prices(sym VARCHAR, ts INT, price INT);
INSERT INTO prices VALUES ('x', 1, 11), ('x', 7, 17), ('y', 2, 22);
CREATE TABLE sales(region VARCHAR, quarter VARCHAR, amount INT);
INSERT INTO sales VALUES ('n', 'Q1', 1), ('n', 'Q2', 2), ('s', 'Q1', 3);
CREATE TABLE wide(region VARCHAR, q1 INT, q2 INT);
INSERT INTO wide VALUES ('n', 1, 2), ('s', 3, NULL);
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "nation.csv").write_text("id,name\n1,france\n2,peru\n")
    with duckdb.connect() as connection:
        connection.execute(SETUP)
        connection.execute(f"SET file_search_path = '{folder}'")
        yield connection


def lowered(text: str) -> str:
    (statement,) = parse(text)
    assert isinstance(statement, Query)
    return to_duckdb(statement.ast)


def answer(database: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[str], list[str]]:
    cursor = database.execute(sql)
    types = [str(column[1]) for column in cursor.description or ()]
    return types, [repr(row) for row in cursor.fetchall()]


@pytest.mark.parametrize("select", SELECTS)
def test_answers_as_duckdb_does(database: duckdb.DuckDBPyConnection, select: str) -> None:
    types, rows = answer(database, select)
    our_types, our_rows = answer(database, lowered(select))
    assert our_types == types
    if "ORDER" in select.upper():
        assert our_rows == rows
    else:
        assert Counter(our_rows) == Counter(rows)


def test_there_are_enough_of_them() -> None:
    assert len(set(SELECTS)) >= 250


@pytest.mark.parametrize(("select", "place"), REFUSED.items())
def test_refuses_with_a_place(select: str, place: str) -> None:
    with pytest.raises(ParseError) as caught:
        lowered(select)
    span = caught.value.span
    assert span is not None
    assert place in select[span.start : span.end]


OURS = [
    ("SELECT [10, 20, 30][0]", 10),
    ("SELECT [10, 20, 30][-1]", 30),
    ("SELECT [10, 20, 30][3]", None),
    ("SELECT [10, 20, 30, 40][1:3]", [20, 30]),
    ("SELECT [10, 20, 30, 40][:2]", [10, 20]),
    ("SELECT [10, 20, 30, 40][2:]", [30, 40]),
    ("SELECT [10, 20, 30, 40][:-1]", [10, 20, 30]),
    ("SELECT [10, 20, 30, 40][-2:]", [30, 40]),
    ("SELECT [10, 20, 30, 40][-3:-1]", [20, 30]),
    ("SELECT [10, 20, 30][0:0]", []),
    ("SELECT xs[i] FROM (SELECT [10, 20, 30] AS xs, 1 AS i)", 20),
    ("SELECT xs[i] FROM (SELECT [10, 20, 30] AS xs, -1 AS i)", 30),
    ("SELECT xs[i + 1] FROM (SELECT [10, 20, 30] AS xs, 1 AS i)", 30),
    ("SELECT xs[i:j] FROM (SELECT [10, 20, 30] AS xs, 0 AS i, 2 AS j)", [10, 20]),
    ("SELECT xs[:j] FROM (SELECT [10, 20, 30] AS xs, -1 AS j)", [10, 20]),
    ("SELECT xs[0:4:2] FROM (SELECT [10, 20, 30, 40] AS xs)", [10, 30]),
    ("SELECT xs[:] FROM (SELECT [10, 20] AS xs)", [10, 20]),
    ("SELECT xs[0][1] FROM (SELECT [[1, 2], [3]] AS xs)", 2),
    ("SELECT 'abc'[0]", "a"),
    ("SELECT s[1:] FROM (SELECT 'abc' AS s)", "bc"),
    ("SELECT m[1] FROM (SELECT MAP {1: 'one', 2: 'two'} AS m)", "one"),
    ("SELECT m['k'] FROM (SELECT MAP {'k': 7} AS m)", 7),
    ("SELECT m['k'][0] FROM (SELECT MAP {'k': [7, 8]} AS m)", 7),
    ("SELECT s['a'][0] FROM (SELECT {'a': [5, 6]} AS s)", 5),
    ("SELECT j[0] FROM (SELECT '[1, 2]'::JSON AS j)", "1"),
    ("SELECT list_extract([10, 20], 1)", 10),
    ("SELECT string_split('a-b', '-')[1]", "b"),
    ("SELECT 'a' + 'b' + 1", "ab1"),
    ("SELECT 1 + 'x'", "1x"),
    ("SELECT 1 + 2", 3),
    ("SELECT name::VARCHAR + '!' FROM emp WHERE name = 'ann'", "ann!"),
    ("SELECT DATE '2020-01-01' + INTERVAL 1 DAY = DATE '2020-01-02'", True),
    ("SELECT 1 == 1", True),
    ("SELECT !(1 == 2)", True),
    ("SELECT count(*) FROM emp WHERE !(dept == 1)", 1),
    ("SELECT NULL ?? 'x'", "x"),
    ("SELECT dept ?? 0 FROM emp WHERE name = 'dee'", 0),
    ("FROM emp WHERE salary > 90 ORDER BY DESC salary LIMIT 1 SELECT name", "cy"),
    ("FROM emp ORDER BY DESC salary LIMIT 1 SELECT name", "cy"),
    ("FROM emp WHERE dept = 1 WHERE salary > 100 SELECT name", "cy"),
    ("FROM emp GROUP BY dept HAVING count(*) > 1 SELECT dept", 1),
    ("FROM emp e JOIN dept d ON e.dept = d.id WHERE d.title = 'ops' SELECT e.name", "bob"),
    ("SELECT name FROM emp ORDER BY salary DSC LIMIT 1", "cy"),
    ("SELECT name FROM emp ORDER BY DESC LIMIT 1", "dee"),
    ("SELECT name FROM emp ORDER BY DESC dept NULLS FIRST, ASC name LIMIT 1", "dee"),
    ("SELECT first(name ORDER BY DESC salary) FROM emp", "cy"),
    ("SELECT sum(n) FROM (FROM emp WHERE dept = 1 SELECT salary AS n)", 220),
    ("SELECT list_transform([1, 2], x -> x + 1)", [2, 3]),
    ("SELECT list_filter([1, 2, 3], x => x > 1)", [2, 3]),
    ("SELECT list_reduce([1, 2, 3], (a, b) -> a + b)", 6),
    ("SELECT [1, 2, 3].list_filter(x -> x > 2)", [3]),
    ("SELECT json_array_length(j -> 'a') FROM (SELECT '{\"a\": [1, 2]}'::JSON AS j)", 2),
    ('SELECT max(x) FROM (VALUES (1, "a"), (2, "b")) v(n, x)', "b"),
    ("FROM dept |> WHERE id > 1 |> SELECT title |> ORDER BY title |> LIMIT 1", "hr"),
    ("SELECT `a b` FROM (SELECT 1 AS `a b`)", 1),
]


@pytest.mark.parametrize(("text", "expected"), OURS)
def test_our_own_forms(database: duckdb.DuckDBPyConnection, text: str, expected: object) -> None:
    row = database.execute(lowered(text)).fetchone()
    assert row is not None
    assert row[0] == expected
