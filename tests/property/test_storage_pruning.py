"""Pruning never loses a row that DuckDB would find."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datatypes import parse_type
from engine.storage import And, Compare, In, IsNull, Not, Or, Predicate, may_match
from engine.storage.zonemap import zone_of

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

NUMBERS = (
    st.integers(-3, 3)
    | st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1])
    | st.sampled_from([0.1, -0.0, 0.0, 2.5, 1e300, math.inf, -math.inf, math.nan])
    | st.sampled_from([Decimal("0.1"), Decimal("2.50"), Decimal("-3.01")])
)
DATES = st.dates(dt.date(1969, 12, 30), dt.date(1970, 1, 3))
STAMPS = st.datetimes(dt.datetime(1969, 12, 30), dt.datetime(1970, 1, 3))  # noqa: DTZ001 (naive)
WORDS = st.text("ab\U0010ffff", max_size=3) | st.sampled_from(["b" * 70, "b" * 64, "b" * 63 + "c"])
FLOATS = [0.1, -0.0, 0.0, 2.5, math.inf, -math.inf, math.nan, float(2**53)]
CASES: dict[str, tuple[SearchStrategy[object], SearchStrategy[object]]] = {
    "INTEGER": (st.integers(-3, 3), NUMBERS),
    "BIGINT": (st.integers(-3, 3) | st.sampled_from([2**53, 2**53 + 1]), NUMBERS),
    "UBIGINT": (st.integers(0, 3) | st.just(2**64 - 1), st.integers(0, 4) | st.just(2**64 - 1)),
    "FLOAT": (st.sampled_from(FLOATS), NUMBERS),
    "DOUBLE": (st.sampled_from(FLOATS), NUMBERS),
    "DECIMAL(5,2)": (
        st.sampled_from([Decimal("0.10"), Decimal("2.50"), Decimal("-3.01")]),
        NUMBERS,
    ),
    "VARCHAR": (WORDS, WORDS),
    "BLOB": (st.binary(max_size=2), st.binary(max_size=2)),
    "BOOLEAN": (st.booleans(), st.booleans()),
    "DATE": (DATES, DATES | STAMPS),
    "TIMESTAMP": (STAMPS, STAMPS | DATES),
    "TIMESTAMP_S": (STAMPS.map(lambda s: s.replace(microsecond=0)), STAMPS | DATES),
}
OPS = ["=", "!=", "<", "<=", ">", ">="]


def conditions(values: SearchStrategy[object]) -> SearchStrategy[Predicate]:
    leaves = (
        st.builds(Compare, st.just("x"), st.sampled_from(OPS), st.none() | values)
        | st.builds(
            In, st.just("x"), st.lists(st.none() | values, min_size=1, max_size=3).map(tuple)
        )
        | st.just(IsNull("x"))
    )
    return st.recursive(
        leaves,
        lambda inner: (
            st.builds(And, inner, inner) | st.builds(Or, inner, inner) | st.builds(Not, inner)
        ),
        max_leaves=4,
    )


def sql(node: Predicate, params: list[object]) -> str:
    if isinstance(node, And | Or):
        word = "AND" if isinstance(node, And) else "OR"
        return f"({sql(node.left, params)} {word} {sql(node.right, params)})"
    if isinstance(node, Not):
        return f"(NOT {sql(node.operand, params)})"
    if isinstance(node, IsNull):
        return "(x IS NULL)"
    if isinstance(node, In):
        params.extend(node.values)
        return f"(x IN ({', '.join('?' for _ in node.values)}))"
    params.append(node.value)
    return f"(x {node.op} ?)"


CONNECTION = duckdb.connect()


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(CASES)), st.data())
def test_pruning_is_safe(text: str, data: st.DataObject) -> None:
    stored, asked = CASES[text]
    rows = data.draw(st.lists(st.none() | stored, min_size=1, max_size=4))
    node = data.draw(conditions(asked))
    t = parse_type(text)
    array = pa.array(rows, t.wire)
    zone = zone_of(array, t)
    if may_match(node, lambda name: (zone, t) if name == "x" else None):
        return
    CONNECTION.register("r", pa.table({"x": array}))
    params: list[object] = []
    try:
        found = CONNECTION.execute(f"SELECT x FROM r WHERE {sql(node, params)}", params).fetchall()
    except duckdb.ConversionException:
        return
    finally:
        CONNECTION.unregister("r")
    assert found == []
