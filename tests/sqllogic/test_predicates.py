"""Random filters over many stripes, deletions and updates: pruning never loses or invents a row."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import pytest

from engine.session import Session, connect, create_lake
from tests.sqllogic.oracle import Oracle, difference, lake_answer

ROWS = 260_000
COLUMNS = {
    "id": "i::INTEGER",
    "big": "(hash(i) >> 1)::BIGINT - 4611686018427387904",
    "unsigned": "hash(i * 3)",
    "tiny": "(i % 251 - 125)::TINYINT",
    "real": (
        "CASE i % 1000 WHEN 1 THEN 'NaN'::DOUBLE WHEN 2 THEN 'Infinity'::DOUBLE "
        "WHEN 3 THEN '-Infinity'::DOUBLE WHEN 4 THEN '-0.0'::DOUBLE ELSE i / 7.0 - 9000 END"
    ),
    "single": "(i / 3.0)::REAL",
    "money": "(i * 1.37)::DECIMAL(18, 4)",
    "wide": "(i::HUGEINT * 100000000000000000000 - 5000000000000000000000000)",
    "text": "'row ' || (i * 7919 % 260000)",
    "long": "repeat('prefix', 20) || lpad(i::VARCHAR, 8, '0')",
    "day": "DATE '1900-01-01' + (i // 7)::INTEGER",
    "moment": "TIMESTAMP '1965-01-01' + to_seconds(i * 5003)",
    "zoned": "(TIMESTAMP '2000-01-01' + to_minutes(i))::TIMESTAMPTZ",
    "fine": "make_timestamp_ns(i * 1234567890123)",
    "clock": "(TIME '00:00:00' + to_seconds(i % 86400))",
    "yes": "i % 3 = 0",
    "label": "list_extract(['low', 'middle', 'high'], 1 + i // 90000)::ENUM('low', 'middle', 'high')",
    "ident": "format('{:08x}-0000-4000-8000-{:012x}', i * 9973, i)::UUID",
    "raw": "encode(chr((65 + i // 10000)::INTEGER) || i)",
    "gap": "CASE WHEN i % 5 = 0 OR i BETWEEN 130000 AND 255000 THEN NULL ELSE i * 2 END",
}
CHANGES = (
    "DELETE FROM t WHERE id BETWEEN 5000 AND 5999 OR id % 977 = 0",
    "UPDATE t SET tiny = 99, text = 'changed', gap = NULL WHERE id % 1009 = 5",
    "UPDATE t SET real = 'NaN'::DOUBLE WHERE id BETWEEN 200000 AND 200100",
    "DELETE FROM t WHERE id >= 250000 AND id < 259000",
    "INSERT INTO t (id, text) SELECT 300000 + i, NULL FROM range(50) r(i)",
)


TABLE = "CREATE TABLE t AS SELECT {} FROM range({}) r(i)".format(
    ", ".join(f"{sql} AS {name}" for name, sql in COLUMNS.items()), ROWS
)


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Oracle, Session]]:
    folder = tmp_path_factory.mktemp("predicates")
    create_lake(folder / "lake")
    with (
        contextlib.closing(connect(folder / "lake")) as session,
        contextlib.closing(Oracle()) as oracle,
    ):
        for sql in (TABLE, *CHANGES):
            oracle.connection.execute(sql)
            list(session.run(sql))
        yield oracle, session


class Dice:
    """Random predicates whose constants come from the rows themselves."""

    def __init__(self, oracle: Oracle, seed: int) -> None:
        self._random = random.Random(seed)
        types = [str(kind) for kind in oracle.connection.sql("SELECT * FROM t LIMIT 0").types]
        self._types = dict(zip(COLUMNS, types, strict=True))
        self._known: dict[str, list[str]] = {}
        for name in COLUMNS:
            rows = oracle.connection.execute(
                f"SELECT DISTINCT {name}::VARCHAR FROM t WHERE id % 4999 IN (0, 1, 2, 3) "
                f"AND {name} IS NOT NULL ORDER BY 1"
            ).fetchall()
            self._known[name] = [row[0] for row in rows]

    def constant(self, name: str) -> str:
        text = self._random.choice(self._known[name]).replace("'", "''")
        return f"'{text}'::{self._types[name]}"

    def simple(self) -> str:
        roll = self._random
        name = roll.choice(list(COLUMNS))
        kind = roll.randrange(8)
        if kind < 4:
            return f"{name} {roll.choice(['=', '<>', '<', '<=', '>', '>='])} {self.constant(name)}"
        if kind == 4:
            return f"{name} BETWEEN {self.constant(name)} AND {self.constant(name)}"
        if kind == 5:
            values = [self.constant(name) for _ in range(roll.randint(1, 4))]
            values += ["NULL"] * (roll.random() < 0.2)
            return f"{name} {roll.choice(['IN', 'NOT IN'])} ({', '.join(values)})"
        if kind == 6:
            return f"{name} IS {roll.choice(['', 'NOT '])}NULL"
        return f"{name} IS {roll.choice(['', 'NOT '])}DISTINCT FROM {self.constant(name)}"

    def predicate(self, depth: int) -> str:
        if depth == 0 or self._random.random() < 0.35:
            return self.simple()
        if self._random.random() < 0.2:
            return f"NOT ({self.predicate(depth - 1)})"
        word = self._random.choice(["AND", "AND", "OR"])
        return f"({self.predicate(depth - 1)} {word} {self.predicate(depth - 1)})"


def compare(sides: tuple[Oracle, Session], seed: int, number: int) -> list[str]:
    oracle, session = sides
    dice = Dice(oracle, seed)
    wrong = []
    for _ in range(number):
        sql = (
            "SELECT count(*) AS n, sum(id) AS ids, max(long) AS last, min(ident) AS first, "
            f"count(gap) AS gaps FROM t WHERE {dice.predicate(2)}"
        )
        problem = difference(oracle.answer(sql), lake_answer(session, sql, oracle), ordered=True)
        if problem is not None:
            wrong.append(f"{sql}\n    {problem}")
    return wrong


def test_every_row_and_value_is_there(sides: tuple[Oracle, Session]) -> None:
    oracle, session = sides
    for name in COLUMNS:
        sql = (
            f"SELECT count({name}) AS n, count(DISTINCT {name}) AS d, sum(hash({name})) AS h FROM t"
        )
        assert (
            difference(oracle.answer(sql), lake_answer(session, sql, oracle), ordered=True) is None
        )


def test_random_filters_choose_the_rows_that_duckdb_does(sides: tuple[Oracle, Session]) -> None:
    wrong = compare(sides, seed=1, number=30)
    assert not wrong, "\n".join([f"{len(wrong)} wrong", *wrong])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 8))
def test_many_random_filters(seed: int, sides: tuple[Oracle, Session]) -> None:
    wrong = compare(sides, seed=seed, number=400)
    assert not wrong, "\n".join([f"{len(wrong)} wrong", *wrong])
