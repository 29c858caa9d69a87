"""A plain statement means the same with the relational engine and without it.

Two sessions run the same statements on lakehouses of their own; one has every statement planned. Their
answers, types, counts, complaints and the rows they leave behind must not differ.
"""

from __future__ import annotations

import datetime
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import GrizzlyError
from engine.session import connect, create_lake

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.session import Session

TABLE = (
    "CREATE TABLE t (k {key} PRIMARY KEY, i INTEGER, d DOUBLE, n DECIMAL(9,2), s VARCHAR NOT NULL, "
    "b BOOLEAN, y DATE, z TIMESTAMP, x BLOB, u UBIGINT, w INTEGER DEFAULT 7)"
)
KEYS: dict[str, st.SearchStrategy[Any]] = {
    "INTEGER": st.integers(-3, 3),
    "VARCHAR": st.sampled_from(["", "a", "A", "é", "a "]),
    "DOUBLE": st.sampled_from([0.0, -0.0, 1.5, float("nan"), float("inf")]),
    "DECIMAL(5,1)": st.sampled_from([Decimal("0.0"), Decimal("1.5"), Decimal("-1.5")]),
    "DATE": st.sampled_from([datetime.date(2020, 1, 1), datetime.date(1, 1, 1)]),
}
ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64),
    st.integers(-5, 300),
    st.floats(),
    st.decimals(-(10**8), 10**8, places=2),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.dates(),
    st.datetimes(),
)
COLUMNS = {
    "i": st.integers(-(2**31), 2**31 - 1),
    "d": st.one_of(st.floats(), st.integers(-(2**60), 2**60), st.decimals(-99, 99, places=3)),
    "n": st.one_of(st.decimals(-(10**6), 10**6, places=2), st.integers(-(10**8), 10**8)),
    "s": st.text(max_size=5),
    "b": st.booleans(),
    "y": st.dates(),
    "z": st.datetimes(),
    "x": st.binary(max_size=4),
    "u": st.integers(0, 2**64 - 1),
}
LITERALS = [
    "1",
    "-1",
    "0",
    "1.5",
    "-0.0",
    "'a'",
    "NULL",
    "TRUE",
    "1e3",
    "'1'",
    "300",
    "9999999999",
    "''",
]

Statement = tuple[str, list[object]]


def insert(draw: Callable[[Any], Any], key: st.SearchStrategy[Any]) -> Statement:
    verb = draw(st.sampled_from(["INSERT", "UPSERT"]))
    names = ["k", *COLUMNS, "w"]
    wanted = draw(st.one_of(st.none(), st.lists(st.sampled_from(names[1:]), unique=True)))
    chosen = names if wanted is None else ["k", *wanted]
    rows, params = [], []
    for _ in range(draw(st.integers(1, 3))):
        slots = []
        for name in chosen:
            if draw(st.integers(0, 9)) == 0:
                slots.append(draw(st.sampled_from(LITERALS)))
                continue
            own = key if name == "k" else COLUMNS.get(name, st.integers(0, 9))
            wild = draw(st.integers(0, 19)) == 0
            params.append(draw(ANY if wild else own))
            slots.append("?")
        rows.append(f"({', '.join(slots)})")
    listed = "" if wanted is None else f" ({', '.join(chosen)})"
    return f"{verb} INTO t{listed} VALUES {', '.join(rows)}", params


def lookup(draw: Callable[[Any], Any], key: st.SearchStrategy[Any]) -> Statement:
    head = draw(
        st.sampled_from(
            [
                "SELECT *",
                "SELECT s, K",
                "SELECT i AS one, t.d",
                "SELECT k, k",
                "SELECT S AS s",
                "DELETE",
            ]
        )
    )
    value = draw(st.one_of(key, ANY))
    if draw(st.booleans()):
        return f"{head} FROM t WHERE k = ?", [value]
    return f"{head} FROM t WHERE {draw(st.sampled_from(LITERALS))} = k", []


def whole(draw: Callable[[Any], Any], _: object) -> Statement:
    texts = [
        "SELECT count(*) FROM t",
        "SELECT count() AS n FROM main.t",
        "SELECT k, s FROM t",
        "FROM t",
    ]
    return draw(st.sampled_from(texts)), []


@st.composite
def statements(draw: Callable[[Any], Any], type_text: str) -> list[Statement]:
    kinds = st.sampled_from([insert, insert, lookup, whole])
    return [draw(kinds)(draw, KEYS[type_text]) for _ in range(draw(st.integers(1, 6)))]


def outcome(session: Session, statement: Statement) -> object:
    try:
        (result,) = session.run(*statement)
        table = result.table()
    except GrizzlyError as error:
        return type(error), error.code, error.message, error.span, error.hint
    rows = sorted(map(repr, table.to_pylist()))
    return (
        result.tag,
        result.kind,
        result.columns,
        result.types,
        str(table.schema),
        result.count,
        rows,
    )


def run(folder: Path, type_text: str, given_: list[Statement]) -> list[object]:
    create_lake(folder)
    with closing(connect(folder)) as session:
        (_,) = session.run(TABLE.format(key=type_text))
        found = [outcome(session, one) for one in given_]
        return [*found, outcome(session, ("SELECT * FROM t ORDER BY ALL", []))]


def check(data: st.DataObject, type_text: str, folder: Path) -> None:
    history = data.draw(statements(type_text))
    direct = run(folder / "direct", type_text, history)
    with mock.patch("engine.session.prepared.shape_of", return_value=None):
        planned = run(folder / "planned", type_text, history)
    for statement, ours, theirs in zip([*history, "rows"], direct, planned, strict=True):
        assert ours == theirs, statement


# Reading a statement raises the recursion limit for the length of a parse.
pytestmark = pytest.mark.filterwarnings("ignore:The recursion limit")


@pytest.mark.parametrize("type_text", KEYS)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_the_engine_makes_no_difference(
    type_text: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check(data, type_text, tmp_path_factory.mktemp("direct"))


@pytest.mark.slow
@pytest.mark.parametrize("type_text", KEYS)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_the_engine_makes_no_difference_at_length(
    type_text: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check(data, type_text, tmp_path_factory.mktemp("direct"))
