"""Clustering, partitions and indexes: other files, the same rows; less is read."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from engine.datatypes import parse_type
from engine.errors import (
    BindError,
    CorruptError,
    ParseError,
    UnsupportedError,
    UsageError,
)
from engine.session import connect, create_lake
from engine.storage import And, Compare, In, Or, fileindex
from engine.storage.bloom import BLOCK_ROWS, Bloom
from engine.storage.cluster import ordered
from engine.storage.fileindex import FileIndexes, Indexed, Tree
from engine.storage.keyindex import StoredKeys
from engine.storage.partition import parts, value_of
from tests.unit.storage.memory import MemorySource
from tests.unit.upkeep.lakes import notes, rows, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.session import Session

ROWS = 130_000


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    create_lake(tmp_path / "lake")
    with closing(connect(tmp_path / "lake")) as session:
        yield session


@pytest.fixture
def big(session: Session) -> Session:
    """A table of several stripes whose columns are scattered all over them."""
    run(session, "CREATE TABLE t (k INT, x INT, y INT, g VARCHAR, n DECIMAL(10, 2), d DATE)")
    run(
        session,
        f"INSERT INTO t SELECT i, (i * 7919) % 500009, (i * 104729) % 500009,"
        f" 'g' || (i * 7919 % 500009), i / 4, DATE '2000-01-01' + CAST(i * 7919 % 9973 AS INT)"
        f" FROM range({ROWS}) r(i)",
    )
    run(session, "UPDATE t SET k = NULL, x = NULL, g = NULL WHERE k = 77")
    return session


def plan(session: Session, sql: str) -> list[str]:
    return [str(line) for (line,) in rows(session, f"EXPLAIN {sql}") if "prunes" in str(line)]


def everything(session: Session) -> list[tuple[object, ...]]:
    return rows(session, "SELECT count(*), sum(hash(COLUMNS(*))) FROM t")


# ---------------------------------------------------------------- clustering


def test_optimize_keeps_the_rows_and_their_history(big: Session) -> None:
    before, version = everything(big), big.version
    said = notes(big, "OPTIMIZE t CLUSTER BY (x, y)")
    assert "rewritten" in said[0]
    assert everything(big) == before
    assert rows(big, f"CHANGES FROM t SINCE VERSION {version}") == []
    for name, line in zip("xy", said[1:], strict=True):
        assert line.startswith(f"one value of {name} is looked for in ")
    run(big, "OPTIMIZE t CLUSTER BY (x) USING SORT")
    (line,) = plan(big, "SELECT * FROM t WHERE x = 499000")
    assert line.startswith("prunes t: 1 of 1 files, 1 of 2 stripes")
    assert everything(big) == before


def test_optimize_some_files_alone(session: Session) -> None:
    run(session, "CREATE TABLE t (k INT, x INT)")
    for n in range(3):
        run(session, f"INSERT INTO t SELECT i, (i * 7919) % 1009 FROM range({n}, {n} + 2000) r(i)")
    assert "1 files rewritten as 1" in notes(session, "OPTIMIZE t WHERE k = 2001 CLUSTER BY (x)")[0]
    assert rows(session, "SELECT count(*) FROM t") == [(6000,)]


def test_a_clustered_table_is_clustered_by_compaction(session: Session) -> None:
    run(session, "CREATE TABLE t (k INT, x INT) WITH (type = 'mor') CLUSTER BY (x)")
    for n in range(9):
        run(session, f"INSERT INTO t SELECT i, (i * 7919) % 1009 FROM range({n}, {n} + 200) r(i)")
    run(session, "COMPACT t")
    found = [r[0] for r in rows(session, "SELECT x FROM t")]
    assert found == sorted(found)
    assert rows(session, "SELECT cluster_by FROM grizzly.table_layout") == [("sort(x)",)]
    run(session, "ALTER TABLE t RENAME COLUMN x TO z")
    assert rows(session, "SELECT cluster_by FROM grizzly.table_layout") == [("sort(z)",)]
    run(session, "ALTER TABLE t RESET (cluster_by)")
    with pytest.raises(UsageError, match="not clustered"):
        run(session, "OPTIMIZE t WHERE k = 1")


def test_a_rewrite_that_would_change_rows_is_not_kept(
    big: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, version = everything(big), big.version
    monkeypatch.setattr(
        "engine.execute.upkeep.optimize.ordered", lambda rows, *_: rows.slice(0, rows.num_rows - 1)
    )
    with pytest.raises(CorruptError, match="nothing was kept"):
        run(big, "OPTIMIZE t CLUSTER BY (x)")
    assert big.version == version
    assert everything(big) == before


@pytest.mark.parametrize("method", ["sort", "zorder"])
@pytest.mark.parametrize(
    "kind",
    ["INTEGER", "DOUBLE", "VARCHAR", "DATE", "BOOLEAN", "DECIMAL(10,2)", "TIMESTAMP", "BLOB"],
)
def test_an_order_is_a_permutation_of_any_type(method: str, kind: str) -> None:
    wire = parse_type(kind).wire
    numbers = [5, 1, None, 0, 1]
    values = [None if n is None else _value(n, wire) for n in numbers]
    table = pa.table({"a": pa.array(values, wire), "b": pa.array(range(5))})
    out = ordered(table, ["a", "b"], method)
    assert sorted(out["b"].to_pylist()) == list(range(5))
    assert out["a"][0].as_py() is None or method == "zorder"
    if method == "sort":
        assert out["b"].to_pylist()[:2] == [2, 3]


def _value(number: int, wire: pa.DataType) -> object:
    if pa.types.is_boolean(wire):
        return bool(number)
    if pa.types.is_string(wire):
        return str(number)
    if pa.types.is_binary(wire):
        return bytes([number])
    if pa.types.is_decimal(wire):
        return Decimal(number)
    if pa.types.is_temporal(wire):
        return pa.scalar(number, pa.int32() if pa.types.is_date32(wire) else pa.int64()).cast(wire)
    return number


# ---------------------------------------------------------------- indexes


@pytest.mark.parametrize("kind", ["bloom", "btree"])
def test_an_index_finds_what_a_scan_finds(big: Session, kind: str) -> None:
    queries = [
        "SELECT k FROM t WHERE g = 'g7919'",
        "SELECT k FROM t WHERE g IN ('g7919', 'g15838', 'none')",
        "SELECT k FROM t WHERE x = 15838 OR x = 23757",
        "SELECT k FROM t WHERE x BETWEEN 100 AND 200",
        "SELECT k FROM t WHERE x > 500000 AND y < 1000",
        "SELECT k FROM t WHERE n = 1000.25",
        "SELECT k FROM t WHERE n = 1000",
        "SELECT k FROM t WHERE d = DATE '2001-02-03' AND x < 5000",
        "SELECT k FROM t WHERE d < '2000-01-03' AND x < 50000",
        "SELECT k FROM t WHERE x = 7919.5",
        "SELECT k FROM t WHERE x IS NULL",
        "SELECT k FROM t WHERE NOT x > 100",
        "DELETE FROM t WHERE x = 39595 RETURNING k",
        "UPDATE t SET y = -1 WHERE g = 'g47514' RETURNING k",
    ]
    run(big, "CREATE TABLE copy AS FROM t")
    for column in ("x", "g", "n", "d"):
        run(big, f"CREATE INDEX i_{column} ON t USING {kind} ({column})")
    for query in queries:
        plain = query.replace("FROM t", "FROM copy").replace("UPDATE t", "UPDATE copy")
        assert sorted(rows(big, query), key=str) == sorted(rows(big, plain), key=str), query
    (line,) = plan(big, "SELECT * FROM t WHERE x = 15838")
    assert "by i_x" in line
    assert all(f.ok for f in big.verify())


def test_new_files_are_indexed_and_dropping_forgets(big: Session) -> None:
    run(big, "CREATE INDEX i ON t USING bloom (x, y)")
    run(big, f"INSERT INTO t SELECT i, i, i, 'new', 0, NULL FROM range({ROWS}, {ROWS} + 5000) r(i)")
    assert rows(big, "SELECT name, kind, columns, unindexed FROM grizzly.indexes") == [
        ("i", "bloom", "x, y", 0)
    ]
    run(big, "OPTIMIZE t CLUSTER BY (k)")
    assert rows(big, "SELECT unindexed FROM grizzly.indexes") == [(0,)]
    assert rows(big, "SHOW INDEXES")[0][2] == "i"
    with pytest.raises(BindError, match="already"):
        run(big, "CREATE INDEX i ON t (x)")
    run(big, "CREATE INDEX IF NOT EXISTS i ON t (x)")
    run(big, "DROP INDEX i")
    assert plan(big, "SELECT * FROM t WHERE x = 15838 AND y = 3")[0].count("by") == 0
    run(big, "DROP INDEX IF EXISTS i")
    with pytest.raises(BindError, match="no index"):
        run(big, "DROP INDEX i")


def test_two_writers_and_an_index(tmp_path: Path, session: Session) -> None:
    run(session, "CREATE TABLE t (k INT PRIMARY KEY, x INT)")
    run(session, "INSERT INTO t SELECT i, i * 2 FROM range(3000) r(i)")
    with closing(connect(tmp_path / "lake")) as other:
        run(session, "BEGIN; CREATE INDEX i ON t (x)")
        run(other, "UPDATE t SET x = 1 WHERE k = 5")
        run(session, "COMMIT")
        assert rows(other, "SELECT k FROM t WHERE x IN (1, 10, 12) ORDER BY k") == [(5,), (6,)]


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("CREATE INDEX i ON t USING hash (x)", ParseError),
        ("CREATE INDEX i ON t (x, y)", UnsupportedError),
        ("CREATE INDEX i ON t (nope)", BindError),
        ("CREATE INDEX i ON t (f)", UnsupportedError),
        ("CREATE INDEX i ON nope (x)", BindError),
        ("CREATE INDEX ON t (x)", ParseError),
        ("DROP INDEX", ParseError),
        ("OPTIMIZE t CLUSTER BY ()", ParseError),
        ("OPTIMIZE t CLUSTER BY (nope)", UsageError),
        ("OPTIMIZE t CLUSTER BY (x) USING hilbert", ParseError),
        ("OPTIMIZE t WHERE nope = 1 CLUSTER BY (x)", BindError),
        ("ALTER TABLE t PARTITION BY (month(x))", UsageError),
        ("ALTER TABLE t PARTITION BY (bucket(x))", UsageError),
        ("ALTER TABLE t PARTITION BY (bucket(0, x))", UsageError),
        ("ALTER TABLE t PARTITION BY (rot13(x))", UsageError),
    ],
)
def test_what_is_wrong_is_said(session: Session, sql: str, error: type[Exception]) -> None:
    run(session, "CREATE TABLE t (x INT, y INT, f DOUBLE)")
    with pytest.raises(error):
        run(session, sql)


def test_a_damaged_index_is_never_believed(tmp_path: Path, big: Session) -> None:
    run(big, "CREATE INDEX i ON t (x)")
    before = rows(big, "SELECT k FROM t WHERE x = 15838")
    run(big, "CREATE INDEX j ON t USING bloom (y)")
    hurt = 0
    for path in (tmp_path / "lake" / ".grizzly" / "objects").rglob("*"):
        if path.is_file() and not path.read_bytes().startswith(b"ORC"):
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.chmod(0o644)
            path.write_bytes(data)
            hurt += 1
    assert hurt
    with closing(connect(tmp_path / "lake")) as fresh:
        for sql in ("SELECT k FROM t WHERE x = 15838", "SELECT count(*) FROM t WHERE y = 104729"):
            try:
                found = rows(fresh, sql)
            except CorruptError:
                continue
            assert found == (before if "x" in sql else [(1,)])
        assert not all(f.ok for f in fresh.verify())


def _opened(kind: str, values: pa.ChunkedArray, kind_of: str) -> FileIndexes:
    t = parse_type(kind_of)
    objects = fileindex.build(kind, values, 1, t)
    if kind == "bloom":
        return FileIndexes({"c": [Indexed("i", t, lambda: Bloom(objects[0], "i"))]})
    source = MemorySource(objects[1])
    keys = StoredKeys(objects[0], source, "0" * 64)
    return FileIndexes({"c": [Indexed("i", t, lambda: Tree(keys))]})


@pytest.mark.parametrize("kind", ["bloom", "btree"])
def test_every_value_is_found_where_it_is(kind: str) -> None:
    dice = np.random.default_rng(7)
    numbers = dice.integers(-(2**62), 2**62, 3 * BLOCK_ROWS)
    values = pa.chunked_array([pa.array(numbers, mask=dice.random(len(numbers)) < 0.1)])
    found = _opened(kind, values, "BIGINT")
    for row in range(0, len(numbers), 97):
        value = values[row].as_py()
        where = found.where(Compare("c", "=", value)) if value is not None else None
        assert value is None or (where is not None and row in where)
    absent = [found.where(Compare("c", "=", int(v))) for v in dice.integers(0, 2**62, 300)]
    assert sum(len(a or ()) for a in absent) < 300 * BLOCK_ROWS * 0.05
    assert found.where(Compare("other", "=", 1)) is None
    assert found.where(Compare("c", "!=", 1)) is None
    assert found.where(Compare("c", "=", "x")) is None
    assert found.where(Or(Compare("c", "=", 1), Compare("other", "=", 1))) is None
    assert found.where(And(In("c", (1, 2)), Compare("other", "=", 1))) is not None


def test_ranges_of_a_tree_are_exact() -> None:
    values = pa.chunked_array([pa.array([5, -3, None, 7, 5, 0] * 4_000, pa.int32())])
    found = _opened("btree", values, "INTEGER")
    assert found.where(Compare("c", ">", 7)) == fileindex.deletion.EMPTY
    where = found.where(Compare("c", ">=", 7), Compare("c", "<=", 7))
    assert where is not None
    assert list(where)[:2] == [3, 9]
    assert found.where(Compare("c", "<", dt.date(2020, 1, 1))) is None
    for damaged in (b"", b"GBF1", b"GBF1" + bytes(40)):
        with pytest.raises(CorruptError):
            Bloom(damaged, "i")


# ---------------------------------------------------------------- partitions


def test_files_are_parted_and_pruned(session: Session) -> None:
    run(session, "CREATE TABLE t (k INT, d DATE, g VARCHAR) PARTITION BY (month(d), g)")
    run(
        session,
        "INSERT INTO t SELECT i, DATE '2024-01-01' + CAST(i % 60 AS INT), 'g' || (i % 2)"
        " FROM range(12000) r(i)",
    )
    run(session, "INSERT INTO t VALUES (-1, NULL, NULL)")
    assert rows(session, "SELECT count(*), sum(k) FROM t") == [(12001, 71993999)]
    assert rows(session, "SELECT count(*) FROM grizzly.files") == [(5,)]
    (line,) = plan(session, "SELECT * FROM t WHERE d < DATE '2024-01-15'")
    assert line.startswith("prunes t: 3 of 5 files") or "of 5 files" in line
    assert rows(session, "SELECT count(*) FROM t WHERE d < DATE '2024-01-15'") == [(2800,)]
    run(session, "COMPACT t")
    assert rows(session, "SELECT count(*) FROM grizzly.files") == [(5,)]
    run(session, "ALTER TABLE t RESET (partition_by)")
    run(session, "INSERT INTO t VALUES (-2, NULL, 'x'), (-3, DATE '2024-01-01', 'y')")
    assert rows(session, "SELECT count(*) FROM grizzly.files") == [(6,)]
    assert rows(session, "SELECT partition_by FROM grizzly.table_layout") == [(None,)]


@pytest.mark.parametrize(
    ("kind", "transform", "width", "values", "expected"),
    [
        ("DATE", "year", 0, [0, 364, 365, -1, None], ["1970", "1970", "1971", "1969", None]),
        ("TIMESTAMP", "hour", 0, [0, 3_600_000_000], ["1970-01-01 00", "1970-01-01 01"]),
        ("TIMESTAMP", "day", 0, [-1], ["1969-12-31"]),
        ("INTEGER", "truncate", 10, [-1, 0, 9, 10, None], ["-10", "0", "0", "10", None]),
        ("BIGINT", "truncate", 10, [2**62 + 1], [str((2**62 + 1) // 10 * 10)]),
        ("VARCHAR", "truncate", 2, ["abc", "a", None], ["ab", "a", None]),
        ("INTEGER", "identity", 0, [1, None], ["1", None]),
    ],
)
def test_partition_values(
    kind: str, transform: str, width: int, values: list[object], expected: list[str | None]
) -> None:
    t = parse_type(kind)
    plain = {"DATE": pa.int32(), "TIMESTAMP": pa.int64()}.get(kind, t.wire)
    column = pa.chunked_array([pa.array(values, plain).view(t.wire)])
    assert value_of(column, t, transform, width).to_pylist() == expected


def test_buckets_are_even_and_whole() -> None:
    t = parse_type("INTEGER")
    column = pa.chunked_array([pa.array([*range(8000), None], pa.int32())])
    found = value_of(column, t, "bucket", 8)
    table = pa.table({"a": column})
    seen = [(label, part.num_rows) for label, part in parts(table, [found])]
    assert sum(n for _, n in seen) == 8001
    assert min(n for _, n in seen) == 1
    assert all(700 < n < 1300 for label, n in seen if label != (None,))
