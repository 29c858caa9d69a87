"""The lakehouse beside what it should be compared with, on the same machine in the same minute.

Informs, never gates: each test prints a line; ratios are worth more than milliseconds.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from engine.session import Session, connect, create_lake

ROWS = 1_000_000
TABLE = (
    "SELECT i::INTEGER AS id, 'name ' || (i * 7919 % 100003) AS name, (i % 997)::INTEGER AS qty, "
    f"(i % 10007) / 7.0 AS price FROM range({ROWS}) r(i)"
)


def timed(action: Callable[[], object], times: int) -> float:
    """Return the median. Units: milliseconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def drain(session: Session, sql: str) -> None:
    for result in session.run(sql):
        if result.kind == "rows":
            result.table()


def report(what: str, ours: float, theirs: float, name: str) -> None:
    print(f"\n{what:<38} {ours:9.2f} ms   {name} {theirs:9.2f} ms   x{ours / theirs:.2f}")


@pytest.fixture(scope="module")
def sides(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Session, duckdb.DuckDBPyConnection]]:
    folder = tmp_path_factory.mktemp("bench")
    create_lake(folder / "lake")
    with (
        closing(connect(folder / "lake")) as session,
        closing(duckdb.connect(str(folder / "native.db"))) as native,
    ):
        drain(
            session,
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR, qty INTEGER, price DOUBLE)",
        )
        native.execute(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR, qty INTEGER, price DOUBLE)"
        )
        ours = timed(lambda: drain(session, f"INSERT INTO t {TABLE}"), 1)
        theirs = timed(lambda: native.execute(f"INSERT INTO t {TABLE}"), 1)
        report(f"insert {ROWS} rows, keyed", ours, theirs, "duckdb")
        yield session, native


def test_a_commit_of_one_row(tmp_path: Path) -> None:
    create_lake(tmp_path / "lake")
    with closing(connect(tmp_path / "lake")) as session, (tmp_path / "file").open("ab", 0) as file:
        drain(session, "CREATE TABLE one (id INTEGER, name VARCHAR)")

        def append() -> None:
            file.write(bytes(1000))
            os.fdatasync(file.fileno())

        first = timed(lambda: drain(session, "INSERT INTO one VALUES (1, 'x')"), 50)
        theirs = timed(append, 50)
        drain(session, ";".join(["INSERT INTO one VALUES (1, 'x')"] * 400))
        last = timed(lambda: drain(session, "INSERT INTO one VALUES (1, 'x')"), 50)
        size = sum(p.stat().st_size for p in (tmp_path / "lake").rglob("*") if p.is_file())
        report("commit 1 row, first 50", first, theirs, "append+fdatasync")
        report("commit 1 row, after 450", last, theirs, "append+fdatasync")
        print(f"\nbytes a commit {size / session.version:.0f}")


SCANS = {
    "sum of all": "SELECT sum(qty), avg(price) FROM t",
    "count": "SELECT count(*) FROM t",
    "one row by key": "SELECT * FROM t WHERE id = 777777",
    "narrow range": "SELECT sum(qty) FROM t WHERE id BETWEEN 500000 AND 500999",
    "group by": "SELECT qty, count(*), avg(price) FROM t GROUP BY qty",
    "like": "SELECT count(*) FROM t WHERE name LIKE '%77%'",
    "join": "SELECT count(*) FROM t a JOIN t b ON a.id = b.id AND a.qty < 100",
}


@pytest.mark.parametrize("name", SCANS)
def test_scans(name: str, sides: tuple[Session, duckdb.DuckDBPyConnection]) -> None:
    session, native = sides
    sql = SCANS[name]
    drain(session, sql)
    ours = timed(lambda: drain(session, sql), 5)
    theirs = timed(lambda: native.execute(sql).fetchall(), 5)
    report(name, ours, theirs, "duckdb")


@pytest.mark.parametrize("rows", [1_000, 10_000])
def test_upserts(rows: int, sides: tuple[Session, duckdb.DuckDBPyConnection]) -> None:
    session, native = sides
    step = ROWS // rows
    source = f"SELECT i * {step} + {step // 2}, 'upserted', 1, 2.5 FROM range({rows}) r(i)"
    ours = timed(lambda: drain(session, f"UPSERT INTO t {source}"), 3)
    theirs = timed(lambda: native.execute(f"INSERT OR REPLACE INTO t {source}"), 3)
    report(f"upsert {rows} into {ROWS}", ours, theirs, "duckdb")
