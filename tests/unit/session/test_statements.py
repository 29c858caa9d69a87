"""Statements that once did something else than they said."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from engine.errors import (
    BindError,
    ConflictError,
    ExecutionError,
    GrizzlyError,
    IntegrityError,
    UnsupportedError,
    UsageError,
)
from engine.session import connect, create_lake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.session import Session


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    create_lake(tmp_path / "lake")
    with closing(connect(tmp_path / "lake")) as opened:
        run(opened, "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER, c INTEGER)")
        run(opened, "INSERT INTO t VALUES (1, 1, 1), (2, 2, 2)")
        yield opened


def run(session: Session, sql: str, params: object = None) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for result in session.run(sql, params):  # type: ignore[arg-type]
        columns = [c.to_pylist() for c in result.table().columns]
        rows = list(zip(*columns, strict=True))
    return rows


def table(session: Session) -> list[tuple[object, ...]]:
    return run(session, "SELECT * FROM t ORDER BY a")


class TestParameters:
    def test_update_binds_them_in_the_order_of_the_text(self, session: Session) -> None:
        run(session, "UPDATE t SET c = ?, b = ? WHERE a = ?", [100, 200, 1])
        assert table(session)[0] == (1, 200, 100)

    def test_on_conflict_and_returning(self, session: Session) -> None:
        sql = "INSERT INTO t VALUES (?,?,?) ON CONFLICT (a) DO UPDATE SET c=?, b=? RETURNING a + ?"
        assert run(session, sql, [2, 0, 0, 111, 222, 5]) == [(7,)]
        assert table(session)[1] == (2, 222, 111)

    def test_merge_may_repeat_a_condition(self, session: Session) -> None:
        sql = (
            "MERGE INTO t USING (SELECT 1 AS a) s ON t.a = s.a"
            " WHEN MATCHED AND t.b = ? THEN UPDATE SET c = ?, b = ?"
        )
        run(session, sql, [1, 5, 6])
        assert table(session)[0] == (1, 6, 5)

    def test_insert_from_a_query(self, session: Session) -> None:
        run(session, "INSERT INTO t (a, b) SELECT ?, b FROM t WHERE a = ?", [9, 2])
        assert table(session)[2] == (9, 2, None)

    def test_names_next_to_each_other(self, session: Session) -> None:
        assert run(session, "SELECT $x,$y,$x::INTEGER+1", {"x": 1, "y": 2}) == [(1, 2, 2)]

    def test_a_point_in_time_may_be_one(self, session: Session) -> None:
        run(session, "DELETE FROM t")
        assert run(session, "SELECT count(*) FROM t AS OF VERSION ?", [2]) == [(2,)]

    def test_several_statements_share_one_list(self, session: Session) -> None:
        run(session, "UPDATE t SET b = ? WHERE a = 1; UPDATE t SET b = ? WHERE a = 2", [7, 8])
        assert [b for _, b, _ in table(session)] == [7, 8]

    @pytest.mark.parametrize("params", [5, "xy", [], [1, 2], {"x": 1}])
    def test_what_does_not_fit_is_refused(self, session: Session, params: object) -> None:
        with pytest.raises(UsageError):
            run(session, "SELECT ?", params)


class TestResults:
    def test_a_half_read_result_keeps_all_its_rows(self, session: Session) -> None:
        result = next(session.run("SELECT range AS a FROM range(1000000)"))
        batches = result.batches()
        first = next(batches).num_rows
        assert run(session, "SELECT 1") == [(1,)]
        assert first + sum(b.num_rows for b in batches) == 1_000_000

    def test_an_error_belongs_to_the_result_it_is_in(self, session: Session) -> None:
        # Far behind what is computed ahead of the first batch, however the threads are scheduled.
        sql = (
            "SELECT (CASE WHEN range = 3999999 THEN 'x' ELSE '1' END)::INTEGER FROM range(4000000)"
        )
        broken = next(session.run(sql))
        run(session, "CREATE TABLE made (a INTEGER)")
        with pytest.raises(ExecutionError):
            broken.table()
        assert run(session, "SELECT count(*) FROM made") == [(0,)]

    def test_a_forgotten_result_costs_nothing(self, session: Session) -> None:
        next(session.run("SELECT range FROM range(100000000000)"))
        assert run(session, "SELECT 1") == [(1,)]

    def test_a_closed_session_says_so(self, session: Session) -> None:
        session.close()
        with pytest.raises(UsageError, match="closed"):
            run(session, "SELECT 1")


REFUSED = [
    "DELETE FROM t LIMIT 1",
    "UPDATE t SET b = 1 LIMIT 1",
    "WITH _grizzly_s0 AS (SELECT 99 AS a) SELECT a FROM t",
    "INSERT INTO t BY NAME SELECT 70 AS a, 1 AS A, 5 AS b",
    "INSERT INTO t VALUES (500, 2, 3) ON CONFLICT (b) DO NOTHING",
    "SELECT * FROM t AS OF VERSION 1.6",
    "CREATE TABLE r (_op INTEGER)",
    "CREATE TABLE r (i INTERVAL PRIMARY KEY)",
    "CREATE TABLE r (a INTEGER DEFAULT 'x')",
    "CREATE TABLE r AS SELECT 1 AS _rid",
    "UPDATE t SET (b, c) = (5, 6)",
    "UPDATE t SET b = _pos",
    "COPY t TO 'o.csv' (nope 5)",
    "COPY t TO 'o.unknown'",
    "SELECT getenv('HOME')",
    "DELETE FROM t RETURNING (SELECT x FROM read_csv('/etc/passwd', delim = x))",
    "CREATE VIEW v AS SELECT nope FROM t",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_not_offered_is_refused_with_a_place(session: Session, sql: str) -> None:
    before = table(session)
    with pytest.raises(GrizzlyError) as caught:
        run(session, sql)
    assert caught.value.span is not None or caught.value.subject is not None
    assert table(session) == before


def test_keys_that_are_not_numbers_are_equal(tmp_path: Path, session: Session) -> None:
    run(session, "CREATE TABLE f (k DOUBLE PRIMARY KEY)")
    with closing(connect(tmp_path / "lake")) as other:
        run(session, "BEGIN; INSERT INTO f VALUES ('nan')")
        run(other, "INSERT INTO f VALUES ('nan')")
        with pytest.raises(ConflictError):
            run(session, "COMMIT")
    with pytest.raises(IntegrityError):
        run(session, "INSERT INTO f VALUES (1), ('nan'), ('nan')")


@pytest.mark.parametrize("kind", ["TIMESTAMP_NS", "DATE", "TIMESTAMP", "UUID", "DECIMAL(38,2)"])
def test_a_key_of_any_type_names_its_duplicate(session: Session, kind: str) -> None:
    value = {"UUID": "gen_random_uuid()", "DECIMAL(38,2)": "1.5"}.get(kind, "'infinity'")
    if kind == "TIMESTAMP_NS":
        value = "'2020-01-01 00:00:00.123456789'"
    run(session, f"CREATE TABLE k (a {kind} PRIMARY KEY); INSERT INTO k SELECT {value}::{kind}")
    with pytest.raises(IntegrityError, match="already there"):
        run(session, "INSERT INTO k SELECT a FROM k")


def test_a_view_over_changes_stays_in_its_time(session: Session) -> None:
    run(session, "CREATE VIEW v AS SELECT a FROM t SINCE VERSION 1")
    version = session.timeline.head.seq
    run(session, "INSERT INTO t VALUES (999, 9, 9)")
    assert (999,) in run(session, "SELECT a FROM v")
    assert (999,) not in run(session, f"SELECT a FROM v AS OF VERSION {version}")
    assert run(session, "SELECT max(version) FROM grizzly.timeline AS OF VERSION 1") == [(1,)]


def test_a_view_cannot_come_to_read_itself(session: Session) -> None:
    run(session, "CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT a FROM v")
    with pytest.raises(BindError, match="itself"):
        run(session, "CREATE OR REPLACE VIEW v AS SELECT a FROM w")


def test_copy_writes_as_it_is_told(session: Session, tmp_path: Path) -> None:
    target = tmp_path / "o.csv"
    run(session, f"COPY t TO '{target}' (delimiter ';', header false)")
    assert target.read_text() == "1;1;1\n2;2;2\n"


def test_an_error_while_copying_is_ours(session: Session, tmp_path: Path) -> None:
    with pytest.raises(ExecutionError, match="not a value"):
        run(session, f"COPY (SELECT 'x'::INTEGER) TO '{tmp_path / 'k.csv'}'")


def test_a_ragged_csv_names_its_line(session: Session, tmp_path: Path) -> None:
    source = tmp_path / "ragged.csv"
    source.write_text("a,b\n1,2\n3\n4,5,6\n")
    with pytest.raises(ExecutionError, match="line 3: 1 values"):
        run(session, f"COPY '{source}' TO r")


def test_a_late_bad_value_names_its_line(session: Session, tmp_path: Path) -> None:
    source = tmp_path / "late.csv"
    source.write_text("a,b\n" + "".join(f"{i},{i}\n" for i in range(30_000)) + "oops,3\n")
    with pytest.raises(ExecutionError, match="line 30002"):
        run(session, f"COPY '{source}' TO r")


def test_options_of_a_copy_keep_their_quotes(session: Session, tmp_path: Path) -> None:
    source = tmp_path / "na.csv"
    source.write_text("a;b\n1;NA\n")
    run(session, f"COPY '{source}' TO r (nullstr 'NA', delim ';', header true)")
    assert run(session, "SELECT * FROM r") == [(1, None)]


def test_merge_may_set_everything(session: Session) -> None:
    run(
        session,
        "MERGE INTO t USING (SELECT 1 AS a, 7 AS b, 8 AS c) s ON t.a = s.a"
        " WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
    )
    assert table(session)[0] == (1, 7, 8)


def test_on_conflict_may_ask_the_tables(session: Session) -> None:
    run(
        session,
        "INSERT INTO t VALUES (1, 0, 0) ON CONFLICT DO UPDATE SET b = (SELECT max(a) FROM t)",
    )
    assert table(session)[0] == (1, 2, 1)


def test_text_that_looks_like_ours_is_text(session: Session) -> None:
    run(session, "CREATE TABLE s (k INTEGER PRIMARY KEY, v VARCHAR)")
    sql = "INSERT INTO s VALUES (1, 'x AS _src') ON CONFLICT (k) DO UPDATE SET v = excluded.v"
    run(session, sql)
    run(session, sql)
    assert run(session, "SELECT v FROM s") == [("x AS _src",)]


def test_values_are_converted_one_by_one(session: Session) -> None:
    run(session, "CREATE TABLE m (d DOUBLE, t DATE)")
    run(session, "INSERT INTO m VALUES (1.5, '2024-01-01'), ('NaN', DATE '2024-02-02')")
    assert run(session, "SELECT count(*) FROM m") == [(2,)]


def test_a_cte_does_not_hide_the_past_of_a_table(session: Session) -> None:
    run(session, "DELETE FROM t")
    sql = "WITH t AS (SELECT 1 AS a) SELECT count(*) FROM t AS OF VERSION 2"
    assert run(session, sql) == [(2,)]


def test_pivot_keeps_the_tables_of_its_columns(session: Session) -> None:
    sql = "PIVOT (SELECT x.a, y.b FROM t x JOIN t y ON x.a = y.a) ON a USING sum(b)"
    assert [tuple(map(int, row)) for row in run(session, sql)] == [(1, 2)]


def test_not_text_is_refused(session: Session) -> None:
    with pytest.raises(UsageError):
        run(session, b"SELECT 1")  # type: ignore[arg-type]


def test_upsert_default_means_the_default(session: Session) -> None:
    run(session, "CREATE TABLE d (k INTEGER PRIMARY KEY, n INTEGER DEFAULT 42)")
    run(session, "UPSERT INTO d VALUES (1, DEFAULT); INSERT INTO d VALUES (2, DEFAULT)")
    assert run(session, "SELECT n FROM d") == [(42,), (42,)]


def test_old_rows_keep_what_a_new_column_began_with(session: Session) -> None:
    run(session, "ALTER TABLE t ADD COLUMN d TIMESTAMP DEFAULT now()")
    first = run(session, "SELECT DISTINCT d FROM t")
    run(session, "ALTER TABLE t ALTER COLUMN d SET DEFAULT NULL")
    assert len(first) == 1
    assert run(session, "SELECT DISTINCT d FROM t") == first


def test_only_whole_keys_are_in_conflict(session: Session) -> None:
    run(session, "CREATE TABLE n (a INTEGER)")
    with pytest.raises((BindError, UnsupportedError)):
        run(session, "INSERT INTO n VALUES (1) ON CONFLICT (a) DO NOTHING")


def test_compact_touches_the_table_it_names(session: Session) -> None:
    files = 'SELECT "table", count(*) FROM grizzly.files GROUP BY ALL ORDER BY ALL'
    run(session, "CREATE TABLE u (a INTEGER)")
    for i in range(10):
        run(session, f"INSERT INTO u VALUES ({i}); INSERT INTO t VALUES ({i + 10}, 0, 0)")
    run(session, "COMPACT u")
    assert run(session, files) == [("t", 11), ("u", 1)]
    with pytest.raises(BindError):
        run(session, "COMPACT nope")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE `` (a INTEGER)",
        "CREATE VIEW `` AS SELECT 1 AS a",
        "CREATE SCHEMA ``",
        "CREATE SNAPSHOT ''",
        "CREATE BRANCH ''",
        "CREATE WATERMARK '' ON t",
        "ALTER TABLE t RENAME TO ``",
    ],
)
def test_nothing_has_an_empty_name(session: Session, sql: str) -> None:
    with pytest.raises(GrizzlyError):
        run(session, sql)
    assert len(run(session, "SHOW TABLES")) == 1
