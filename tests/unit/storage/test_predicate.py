# ruff: noqa: DTZ001 (naive timestamps are a type of their own here)
"""Zone maps refute only what no row satisfies; DuckDB's order is the judge."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pyarrow as pa
import pytest

from engine.datatypes import parse_type
from engine.storage import And, Compare, In, IsNull, Not, Or, may_match
from engine.storage.predicate import columns_of
from engine.storage.zonemap import PREFIX, from_json, to_json, zone_of


def may(node: object, text: str, *values: object) -> bool:
    t = parse_type(text)
    zone = zone_of(pa.array(values, t.wire), t)
    assert from_json(to_json(zone), len(values), t) == zone
    return may_match(node, lambda name: (zone, t) if name == "x" else None)


def c(op: str, value: object) -> Compare:
    return Compare("x", op, value)


NAN = math.nan


@pytest.mark.parametrize(
    ("node", "text", "values", "expected"),
    [
        (c("=", 5), "INTEGER", [1, 9], True),
        (c("=", 10), "INTEGER", [1, 9], False),
        (c("==", 10), "INTEGER", [1, 9], False),
        (c("<", 1), "INTEGER", [1, 9], False),
        (c("<=", 1), "INTEGER", [1, 9], True),
        (c(">", 9), "INTEGER", [1, 9], False),
        (c(">=", 9), "INTEGER", [1, 9], True),
        (c("!=", 5), "INTEGER", [5, 5], False),
        (c("<>", 5), "INTEGER", [5, 6], True),
        (c("=", None), "INTEGER", [1], False),
        (c("!=", None), "INTEGER", [1], False),
        (c("=", 1), "INTEGER", [None], False),
        (c("LIKE", "a%"), "VARCHAR", ["b"], True),
        (Compare("y", "=", 5), "INTEGER", [1], True),
        (IsNull("x"), "INTEGER", [1], False),
        (IsNull("x"), "INTEGER", [1, None], True),
        (Not(IsNull("x")), "INTEGER", [None], False),
        (IsNull("x"), "INTEGER[]", [[1]], False),
        (c("=", [1]), "INTEGER[]", [[2]], True),
        (Not(c("=", 5)), "INTEGER", [5, 5], False),
        (Not(c("=", 5)), "INTEGER", [5, None], False),
        (Not(c("<", 5)), "INTEGER", [1, 4], False),
        (Not(Not(c("=", 5))), "INTEGER", [1, 4], False),
        (And(c(">", 3), c("<", 2)), "INTEGER", [2, 3], False),
        (Or(c(">", 3), c("<", 2)), "INTEGER", [2, 3], False),
        (Or(c(">", 3), c("=", 2)), "INTEGER", [2, 3], True),
        (Not(And(c(">=", 2), c("<=", 3))), "INTEGER", [2, 3], False),
        (Not(Or(c("<", 2), c(">", 3))), "INTEGER", [2, 3], True),
        (In("x", (1, 10)), "INTEGER", [2, 9], False),
        (In("x", (1, 5)), "INTEGER", [2, 9], True),
        (In("x", ()), "INTEGER", [2], False),
        (In("x", (None,)), "INTEGER", [2], False),
        (Not(In("x", (7, None))), "INTEGER", [2], False),
        (Not(In("x", (7,))), "INTEGER", [7, 7], False),
        (Not(In("x", (7,))), "INTEGER", [7, 8], True),
        # NaN is above every number and equal to itself; zeros are equal
        (c(">", 100.0), "DOUBLE", [1.0, NAN], True),
        (c(">", math.inf), "DOUBLE", [1.0, NAN], True),
        (c("<", 1.0), "DOUBLE", [1.0, NAN], False),
        (c("=", NAN), "DOUBLE", [1.0, NAN], True),
        (c("=", NAN), "DOUBLE", [1.0, 2.0], False),
        (c("<", NAN), "DOUBLE", [NAN, None], False),
        (c("<", NAN), "DOUBLE", [NAN, 1.0], True),
        (c("<=", NAN), "DOUBLE", [NAN], True),
        (c(">", NAN), "DOUBLE", [NAN], False),
        (c("!=", NAN), "DOUBLE", [NAN], False),
        (c("!=", 5.0), "DOUBLE", [5.0, NAN], True),
        (c("=", 5.0), "DOUBLE", [NAN], False),
        (Not(c("<=", 5.0)), "DOUBLE", [1.0, NAN], True),
        (Not(c(">", 5.0)), "FLOAT", [NAN, NAN], False),
        (c("<", NAN), "INTEGER", [1], True),
        (c("=", 0.0), "DOUBLE", [-0.0], True),
        (c("<", 0.0), "DOUBLE", [-0.0], False),
        (c(">", -0.0), "DOUBLE", [0.0], False),
        (c("=", math.inf), "DOUBLE", [math.inf, -math.inf], True),
        # literals are cast to the column, or the column to the literal: either may be what happens
        (c("=", Decimal("0.1")), "FLOAT", [0.1], True),
        (c("=", 0.1), "FLOAT", [0.1], True),
        (c("=", 2**53), "BIGINT", [2**53 + 1], False),
        (c("=", float(2**53)), "BIGINT", [2**53 + 1], True),
        (c("=", 2**53 + 1), "DOUBLE", [float(2**53)], True),
        (c("=", Decimal("1.10")), "DECIMAL(4,1)", [Decimal("1.1")], True),
        (c("=", Decimal("1.11")), "DECIMAL(4,1)", [Decimal("1.1")], False),
        (c("=", 1.1), "DECIMAL(4,1)", [Decimal("1.1")], True),
        (c(">", Decimal("9" * 38)), "DECIMAL(38,0)", [Decimal("9" * 38)], False),
        (c("=", 10**400), "DOUBLE", [1.0], True),
        (c(">", 2**64 - 1), "UBIGINT", [2**64 - 1], False),
        (c("=", True), "BOOLEAN", [False], False),
        (c("=", True), "BOOLEAN", [False, True], True),
        (c("=", 1), "BOOLEAN", [False], True),
        (c("=", True), "INTEGER", [0], True),
        # text, bytes
        (c("=", "b"), "VARCHAR", ["a", "c"], True),
        (c("=", "d"), "VARCHAR", ["a", "c"], False),
        (c(">", "\uffff"), "VARCHAR", ["\U00010000"], True),
        (c("=", 5), "VARCHAR", ["a"], True),
        (c("=", b"\xff"), "BLOB", [b"\x00", b"\xfe"], False),
        (
            c("=", "00000000-0000-0000-0000-000000000002"),
            "UUID",
            ["00000000-0000-0000-0000-000000000001"],
            False,
        ),
        (c("=", 9), "HUGEINT", ["10"], True),
        (c("<", '"'), "JSON", ['{"a":1}'], True),
        # instants
        (c("=", dt.date(2020, 1, 2)), "DATE", [dt.date(2020, 1, 1)], False),
        (c("=", dt.datetime(2020, 1, 1, 1)), "DATE", [dt.date(2020, 1, 1)], False),
        (c(">=", dt.datetime(2020, 1, 1)), "DATE", [dt.date(2020, 1, 1)], True),
        (c("=", dt.datetime(2020, 1, 1)), "TIMESTAMP", [dt.datetime(2020, 1, 1)], True),
        (c(">", dt.datetime(2020, 1, 1)), "TIMESTAMP", [dt.datetime(2020, 1, 1)], False),
        (c(">", dt.date(2020, 1, 1)), "TIMESTAMP", [dt.datetime(2020, 1, 1)], False),
        (
            c("<", dt.datetime(2020, 1, 1, 0, 0, 0, 1)),
            "TIMESTAMP_S",
            [dt.datetime(2020, 1, 1)],
            True,
        ),
        (
            c("=", dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
            "TIMESTAMP",
            [dt.datetime(1970, 1, 1)],
            True,
        ),
        (
            c("=", dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2)))),
            "TIMESTAMPTZ",
            [dt.datetime(2019, 12, 31, 22, tzinfo=dt.UTC)],
            True,
        ),
        (
            c("=", dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
            "TIMESTAMPTZ",
            [dt.datetime(2019, 12, 31, 22, tzinfo=dt.UTC)],
            False,
        ),
        (
            c("=", dt.datetime(2020, 1, 1)),
            "TIMESTAMPTZ",
            [dt.datetime(1999, 1, 1, tzinfo=dt.UTC)],
            True,
        ),
        (c("=", dt.time(1, 2, 3, 4)), "TIME", [dt.time(1, 2, 3, 4)], True),
        (c("=", dt.time(1, 2, 3, 5)), "TIME", [dt.time(1, 2, 3, 4)], False),
        (c("=", "2020-01-01"), "DATE", [dt.date(1999, 1, 1)], True),
        (c("=", pa.scalar(2**62, pa.timestamp("us"))), "TIMESTAMP", [5], False),
        (c("=", pa.scalar(5, pa.timestamp("ms"))), "TIMESTAMP", [5000], True),
        (c("=", pa.scalar(None, pa.int32())), "INTEGER", [5], False),
        (c("=", pa.scalar(6, pa.int32())), "INTEGER", [5], False),
        (c("=", pa.scalar(6, pa.date32())), "DATE", [dt.date(1970, 1, 7)], True),
        (c("=", pa.scalar(6, pa.time64("us"))), "TIME", [dt.time(0, 0, 0, 7)], False),
    ],
)
def test_may_match(node: object, text: str, values: list[object], expected: bool) -> None:
    assert may(node, text, *values) is expected


def test_infinite_dates_are_ordered() -> None:
    t = parse_type("DATE")
    zone = zone_of(pa.array([2**31 - 1, 0], pa.int32()).cast(pa.date32()), t)
    assert may_match(c(">", dt.date(9999, 12, 31)), lambda _: (zone, t))
    assert not may_match(c("<", dt.date(1970, 1, 1)), lambda _: (zone, t))


@pytest.mark.parametrize(
    "high", ["b" * 100, "b" * PREFIX + "\U0010ffff", "b" * 63 + "\U0010ffff" * 9, "\ud7ff" * 99]
)
def test_long_text_keeps_bounds_that_hold(high: str) -> None:
    assert may(c("=", high), "VARCHAR", "a" * 100, high)
    assert may(c(">=", high), "VARCHAR", "a" * 100, high)
    assert may(c("=", "a" * 100), "VARCHAR", "a" * 100, high)
    assert not may(c("<", "a" * PREFIX), "VARCHAR", "a" * 100, high)
    assert not may(c(">", "\ue001"), "VARCHAR", "a" * 100, high)


def test_text_that_cannot_be_raised_has_no_high_bound() -> None:
    assert may(c(">", "\U0010ffff" * 200), "VARCHAR", "\U0010ffff" * 100)
    assert may(c(">", b"\xff" * 200), "BLOB", b"\xff" * 100)
    assert not may(c(">", b"\xfe\xff"), "BLOB", b"\xfe" * 100)


def test_columns_of() -> None:
    node = Or(And(c("=", 1), IsNull("y")), Not(In("z", (1,))))
    assert columns_of(node) == {"x", "y", "z"}
