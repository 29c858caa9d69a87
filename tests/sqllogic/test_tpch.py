"""The 22 queries of TPC-H at scale 0.1: a lakehouse gives DuckDB's own answers.

The data comes from `tpchgen-cli`, is made once and kept inside the virtual environment.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.session import Session, connect, create_lake
from tests.sqllogic.oracle import Oracle, difference, lake_answer

SCALE = "0.1"
QUERIES = sorted((Path(__file__).parent / "tpch").glob("q*.sql"))
TABLES = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")


def generated() -> Path:
    folder = Path(sys.prefix) / f"tpch-{SCALE}"
    if not folder.is_dir():
        program = Path(sys.executable).parent / "tpchgen-cli"
        making = folder.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        subprocess.run(
            [program, "parquet", "-s", SCALE, "--output-dir", making],
            check=True,
            capture_output=True,
        )
        making.rename(folder)
    return folder


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Oracle, Session]]:
    data = generated()
    lake = tmp_path_factory.mktemp("tpch") / "lake"
    create_lake(lake)
    with contextlib.closing(connect(lake)) as session, contextlib.closing(Oracle()) as oracle:
        for table in TABLES:
            file = data / f"{table}.parquet"
            oracle.connection.execute(f"CREATE TABLE {table} AS FROM '{file}'")
            for _ in session.run(f"COPY {table} FROM '{file}'"):
                pass
        yield oracle, session


def test_all_22_queries_are_here() -> None:
    assert [path.stem for path in QUERIES] == [f"q{n:02d}" for n in range(1, 23)]


@pytest.mark.parametrize("table", TABLES)
def test_every_row_was_loaded(table: str, sides: tuple[Oracle, Session]) -> None:
    oracle, session = sides
    sql = f"SELECT count(*), count(DISTINCT t) FROM {table} t"
    expected = oracle.answer(sql)
    assert int(expected.rows[0][0] or 0) > 0
    assert difference(expected, lake_answer(session, sql, oracle), ordered=True) is None


@pytest.mark.parametrize("path", QUERIES, ids=[path.stem for path in QUERIES])
def test_a_query_gives_duckdbs_answer(path: Path, sides: tuple[Oracle, Session]) -> None:
    oracle, session = sides
    sql = path.read_text(encoding="utf-8")
    expected = oracle.answer(sql)
    assert expected.rows
    assert difference(expected, lake_answer(session, sql, oracle), ordered=True) is None
