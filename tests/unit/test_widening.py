"""Wider types: which are, and that every value arrives there as the relational engine would cast it."""

from __future__ import annotations

import random
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest

from engine.datatypes import adapt, parse_type, shape_of, widened
from engine.errors import CorruptError, UnsupportedError
from engine.session import connect, create_lake

if TYPE_CHECKING:
    from pathlib import Path

    from engine.session import Session

SAMPLES = {
    "TINYINT": "-128, 0, 127, NULL",
    "SMALLINT": "-32768, 5, 32767, NULL",
    "INTEGER": "-2147483648, 1, 2147483647, NULL",
    "BIGINT": "-9223372036854775808, 9, 9223372036854775807, NULL",
    "UTINYINT": "0, 255, NULL",
    "USMALLINT": "0, 65535, NULL",
    "UINTEGER": "0, 4294967295, NULL",
    "UBIGINT": "0, 18446744073709551615, NULL",
    "FLOAT": "0.0, -1.5, 'inf', 3.4028234663852886e38, NULL",
    "DECIMAL(5,2)": "-999.99, 0.01, NULL",
    "DATE": "'1970-01-01', '0001-01-01', '9999-12-31', NULL",
    "TIME": "'00:00:00', '23:59:59.999999', NULL",
    "UUID": "'00112233-4455-6677-8899-aabbccddeeff', NULL",
    "ENUM('a', 'b,c', 'it''s')": "'a', 'b,c', 'it''s', NULL",
    "STRUCT(a INTEGER, b DATE)[]": "[{'a': 1, 'b': '2026-01-01'}, NULL], [], NULL",
    "MAP(SMALLINT, FLOAT)": "MAP {1: 1.5, 2: NULL}, NULL",
    "INTEGER[2]": "[1, 2], NULL",
}
"""Values of each type, as SQL."""
WIDER = [
    *[("TINYINT", t) for t in ("SMALLINT", "BIGINT", "HUGEINT", "FLOAT", "DECIMAL(3,0)")],
    *[("SMALLINT", t) for t in ("INTEGER", "FLOAT", "DOUBLE", "DECIMAL(7,2)")],
    *[("INTEGER", t) for t in ("BIGINT", "DOUBLE", "DECIMAL(10,0)", "DECIMAL(38,20)")],
    *[("BIGINT", t) for t in ("HUGEINT", "DECIMAL(19,0)")],
    *[("UTINYINT", t) for t in ("SMALLINT", "USMALLINT", "UBIGINT")],
    *[("USMALLINT", t) for t in ("INTEGER", "UHUGEINT")],
    *[("UINTEGER", t) for t in ("BIGINT", "DOUBLE")],
    *[("UBIGINT", t) for t in ("HUGEINT", "UHUGEINT", "DECIMAL(20,0)")],
    ("FLOAT", "DOUBLE"),
    *[("DECIMAL(5,2)", t) for t in ("DECIMAL(6,2)", "DECIMAL(38,5)")],
    ("DATE", "TIMESTAMP"),
    ("TIME", "TIME_NS"),
    ("UUID", "VARCHAR"),
    ("ENUM('a', 'b,c', 'it''s')", "VARCHAR"),
    ("ENUM('a', 'b,c', 'it''s')", "ENUM('x', 'it''s', 'b,c', 'a')"),
    ("STRUCT(a INTEGER, b DATE)[]", "STRUCT(b TIMESTAMP, a BIGINT)[]"),
    ("MAP(SMALLINT, FLOAT)", "MAP(INTEGER, DOUBLE)"),
    ("INTEGER[2]", "BIGINT[2]"),
    ("INTEGER[2]", "BIGINT[]"),
]
NARROWER = [
    ("BIGINT", "INTEGER"),
    ("BIGINT", "DOUBLE"),
    ("INTEGER", "FLOAT"),
    ("INTEGER", "UBIGINT"),
    ("UINTEGER", "INTEGER"),
    ("INTEGER", "DECIMAL(9,0)"),
    ("INTEGER", "VARCHAR"),
    ("DOUBLE", "FLOAT"),
    ("DECIMAL(5,2)", "DECIMAL(5,3)"),
    ("DECIMAL(5,2)", "DECIMAL(9,1)"),
    ("TIMESTAMP", "DATE"),
    ("ENUM('a', 'b,c')", "ENUM('a', 'b', 'c')"),
    ("INTEGER[]", "INTEGER[2]"),
    ("INTEGER[2]", "INTEGER[3]"),
    ("INTEGER", "INTEGER[]"),
    ("STRUCT(a INTEGER, b INTEGER)", "STRUCT(a INTEGER)"),
    ("STRUCT(a BIGINT)", "STRUCT(a INTEGER)"),
    ("MAP(INTEGER, INTEGER)", "MAP(INTEGER, SMALLINT)"),
]


@pytest.mark.parametrize(("old", "new"), WIDER)
def test_a_wider_type_holds_every_value(old: str, new: str) -> None:
    with closing(duckdb.connect()) as engine:

        def wire(kind: str) -> pa.Array:
            t = parse_type(kind)
            values = f"unnest([CAST(v AS {old}) FOR v IN [{SAMPLES[old]}]])"
            sql = f"SELECT CAST(CAST({values} AS {kind}) AS {t.wire_text}) AS v"
            return engine.sql(sql).to_arrow_table()["v"].combine_chunks().cast(t.wire)

        before, expected = wire(old), wire(new)
    narrow = shape_of(parse_type(old))
    got = adapt(before, narrow, widened(narrow, parse_type(new), count(100)))
    got.validate(full=True)
    assert got.type == parse_type(new).wire
    assert got.to_pylist() == expected.to_pylist()
    half = adapt(before.slice(1), narrow, widened(narrow, parse_type(new), count(100)))
    assert half.to_pylist() == expected.to_pylist()[1:]


@pytest.mark.parametrize(("old", "new"), NARROWER)
def test_a_narrower_type_is_refused(old: str, new: str) -> None:
    with pytest.raises(UnsupportedError) as refused:
        widened(shape_of(parse_type(old)), parse_type(new), count(100))
    assert refused.value.hint


def test_a_field_is_the_same_by_its_id_and_not_by_its_name() -> None:
    old = shape_of(parse_type("STRUCT(a INTEGER, b INTEGER)"), (1, 2))
    new = shape_of(parse_type("STRUCT(a INTEGER, c INTEGER)"), (3, 1))
    array = pa.array([{"a": 1, "b": 2}, None], old.type.wire)
    assert adapt(array, old, new).to_pylist() == [{"a": None, "c": 1}, None]


def test_a_value_that_does_not_fit_is_damage() -> None:
    old, new = (shape_of(parse_type(t)) for t in ("BIGINT", "INTEGER"))
    with pytest.raises(CorruptError):
        adapt(pa.array([2**40]), old, new)


def answers(session: Session, sql: str) -> list[tuple[object, ...]]:
    (result,) = session.run(sql)
    columns = [column.to_pylist() for column in result.table().columns]
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize(
    ("new", "made"),
    [
        ("BIGINT", "i::INTEGER"),
        ("DOUBLE", "i::INTEGER"),
        ("DECIMAL(14,4)", "i::INTEGER"),
        ("HUGEINT", "i::INTEGER"),
        ("DOUBLE", "(i / 3)::FLOAT"),
        ("DECIMAL(12,5)", "(i / 7)::DECIMAL(8,2)"),
        ("TIMESTAMP", "DATE '1990-01-01' + i::INTEGER"),
        ("BIGINT", "i::UINTEGER"),
    ],
)
def test_zone_maps_of_old_files_stay_right(tmp_path: Path, new: str, made: str) -> None:
    """Filters find in a widened column what they find in a copy of it that has no old files."""
    create_lake(tmp_path / "lake")
    with closing(connect(tmp_path / "lake")) as session:
        answers(session, f"CREATE TABLE t AS SELECT {made} AS c, i FROM range(130000) AS r(i)")
        answers(session, f"ALTER TABLE t ALTER COLUMN c TYPE {new}")
        answers(session, "INSERT INTO t VALUES (NULL, -1)")
        answers(session, "CREATE TABLE copy AS SELECT * FROM t")
        pick = random.Random(7)
        values = [
            str(answers(session, f"SELECT CAST(c AS VARCHAR) FROM copy WHERE i = {at}")[0][0])
            for at in (0, 129_999, *(pick.randrange(130_000) for _ in range(3)))
        ]
        for value in values:
            for op in ("=", "<", ">="):
                where = f"WHERE c {op} CAST('{value}' AS {new})"
                seen, wanted = (
                    answers(session, f"SELECT count(*), sum(i) FROM {t} {where}")
                    for t in ("t", "copy")
                )
                assert seen == wanted, (op, value)


def test_a_widened_key_is_still_enforced_and_found(tmp_path: Path) -> None:
    create_lake(tmp_path / "lake")
    with closing(connect(tmp_path / "lake")) as session:
        answers(session, "CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)")
        answers(session, "INSERT INTO t SELECT i, i FROM range(5000) AS r(i)")
        for kind in ("BIGINT", "DECIMAL(20,0)"):
            answers(session, f"ALTER TABLE t ALTER COLUMN k TYPE {kind}")
            assert answers(session, "SELECT v FROM t WHERE k = 4711") == [(4711,)]
            answers(session, "UPSERT INTO t VALUES (4711, 4711), (6000000000, 0)")
            answers(session, "DELETE FROM t WHERE k = 6000000000")
            with pytest.raises(Exception, match="already there"):
                answers(session, "INSERT INTO t VALUES (42, 0)")
            assert answers(session, "SELECT count(*), sum(v) FROM t") == [(5000, 12497500)]


def test_changes_of_fields_that_were_wider_or_others(tmp_path: Path) -> None:
    """RESTORE makes a field narrower, and frees its name; the range shows what each row had."""
    create_lake(tmp_path / "lake")
    with closing(connect(tmp_path / "lake")) as session:
        answers(session, "CREATE TABLE t (k INTEGER PRIMARY KEY, s STRUCT(a INTEGER), l INTEGER[])")
        answers(session, "INSERT INTO t VALUES (1, {'a': 1}, [1])")
        answers(session, "ALTER TABLE t ALTER COLUMN s.a TYPE BIGINT, ADD COLUMN s.b INTEGER")
        answers(session, "ALTER TABLE t ALTER COLUMN l.element TYPE BIGINT")
        answers(session, "UPDATE t SET s = {'a': 5000000000, 'b': 7}, l = [6000000000]")
        answers(session, "RESTORE TABLE t TO VERSION 2")
        answers(session, "ALTER TABLE t ADD COLUMN s.c VARCHAR")
        wide = ({"a": 5_000_000_000, "c": None}, [6_000_000_000])
        narrow = ({"a": 1, "c": None}, [1])
        assert answers(session, "SELECT s, l FROM (CHANGES FROM t SINCE VERSION 2)") == [
            narrow,
            wide,
            wide,
            narrow,
        ]
        assert answers(session, "SELECT s, l FROM t") == [narrow]


def test_changes_of_a_key_that_was_computed_anew(tmp_path: Path) -> None:
    create_lake(tmp_path / "lake")
    with closing(connect(tmp_path / "lake")) as session:
        answers(session, "CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)")
        answers(session, "INSERT INTO t VALUES (1, 1), (2, 2)")
        answers(session, "ALTER TABLE t ALTER COLUMN k TYPE VARCHAR USING k || 'x'")
        for how in ("FULL", "NET"):
            found = answers(
                session, f"SELECT k, v, _change FROM (CHANGES {how} FROM t SINCE VERSION 2)"
            )
            assert sorted(found, key=str) == [
                ("1x", 1, "insert"),
                ("2x", 2, "insert"),
                (None, 1, "delete"),
                (None, 2, "delete"),
            ]


def test_changes_of_a_table_that_was_widened_before_it_was_replaced(tmp_path: Path) -> None:
    create_lake(tmp_path / "lake")
    with closing(connect(tmp_path / "lake")) as session:
        answers(session, "CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)")
        answers(session, "INSERT INTO t VALUES (1, 1), (2, 2)")
        answers(session, "ALTER TABLE t ALTER COLUMN v TYPE DOUBLE")
        answers(session, "UPDATE t SET v = 0.5 WHERE k = 1")
        answers(session, "CREATE OR REPLACE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)")
        answers(session, "INSERT INTO t VALUES (3, 3)")
        asked = (
            "SELECT k, v, _change FROM (CHANGES {} FROM t SINCE VERSION 2) ORDER BY k, _version, v"
        )
        assert answers(session, asked.format("FULL")) == [
            (1, 0.5, "update_postimage"),
            (1, 1.0, "update_preimage"),
            (1, 0.5, "delete"),
            (2, 2.0, "delete"),
            (3, 3.0, "insert"),
        ]
        assert [r for r in answers(session, asked.format("NET")) if r[0] == 3] == [(3, 3, "insert")]
