"""Statements that are not queries: what each is read as."""

from __future__ import annotations

from typing import Any

import pytest
from sqlglot import exp

from grammar import ParseError, Span, alterations, parse, table_options, to_duckdb
from grammar import nodes as n
from grammar.timetravel import AsOf, Between, Point, clear_time, time_of


def one(text: str) -> Any:
    (statement,) = parse(text)
    assert (statement.span.start, statement.span.end) == (0, len(text))
    return statement


def times(tree: exp.Expr) -> dict[str, AsOf | Between | None]:
    return {table.name: time_of(table) for table in tree.find_all(exp.Table)}


def shown(point: Point | None) -> tuple[str, str] | None:
    return point and (point.kind, point.expr.sql("duckdb"))


def test_empty_text_has_no_statements() -> None:
    assert parse("") == []
    assert parse(" ;; -- nothing\n ; /* at all */") == []


# ---------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("behind", "kind", "expr"),
    [
        ("AS OF VERSION 3", "version", "3"),
        ("AS OF 3", "version", "3"),
        ("VERSION AS OF 3", "version", "3"),
        ("AT (VERSION => 3)", "version", "3"),
        ("FOR VERSION AS OF 3", "version", "3"),
        ("AS OF SNAPSHOT 'monday'", "snapshot", "'monday'"),
        ("AS OF SNAPSHOT monday", "snapshot", "'monday'"),
        ('AS OF SNAPSHOT "monday"', "snapshot", "'monday'"),
        ("AT (SNAPSHOT => 'monday')", "snapshot", "'monday'"),
        ("AS OF '2026-01-01'", "timestamp", "'2026-01-01'"),
        ('AS OF "2026-01-01"', "timestamp", "'2026-01-01'"),
        ("AS OF TIMESTAMP '2026-01-01'", "timestamp", "'2026-01-01'"),
        ("TIMESTAMP AS OF '2026-01-01'", "timestamp", "'2026-01-01'"),
        ("FOR SYSTEM_TIME AS OF '2026-01-01'", "timestamp", "'2026-01-01'"),
        ("AT (TIMESTAMP => '2026-01-01')", "timestamp", "'2026-01-01'"),
        ("AS OF 1700000000", "timestamp", "CAST('2023-11-14 22:13:20+00:00' AS TIMESTAMPTZ)"),
        (
            "AS OF 1700000000123",
            "timestamp",
            "CAST('2023-11-14 22:13:20.123000+00:00' AS TIMESTAMPTZ)",
        ),
        ("AS OF $when", "timestamp", "$when"),
        ("AS OF ?", "timestamp", "$_1"),
    ],
)
@pytest.mark.parametrize("after", ["", " u", " AS u", " WHERE a = 1", " JOIN v ON true"])
def test_as_of(behind: str, kind: str, expr: str, after: str) -> None:
    time = times(one(f"SELECT * FROM t {behind}{after}").ast)["t"]
    assert isinstance(time, AsOf)
    assert shown(time.point) == (kind, expr)


def test_as_of_may_stand_behind_the_alias_and_be_computed() -> None:
    tree = one("FROM t x AS OF now() - INTERVAL 1 DAY, s.u AS OF VERSION 2 + 1 WHERE x.a").ast
    found = times(tree)
    assert shown(found["t"].point) == ("timestamp", "NOW() - INTERVAL '1' DAY")  # type: ignore[union-attr]
    assert shown(found["u"].point) == ("version", "2 + 1")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "since", "until", "shape"),
    [
        ("FROM t SINCE 3", ("version", "3"), None, "final"),
        ("FROM t SINCE VERSION 3 UNTIL 7 c", ("version", "3"), ("version", "7"), "final"),
        ("FROM t UNTIL SNAPSHOT s", None, ("snapshot", "'s'"), "final"),
        ("FROM t SINCE WATERMARK w", ("watermark", "'w'"), None, "final"),
        ("CHANGES NET FROM t SINCE WATERMARK 'w'", ("watermark", "'w'"), None, "net"),
        ("FROM (CHANGES NET FROM t SINCE 3)", ("version", "3"), None, "net"),
        ("CHANGES FULL FROM t SINCE 3", ("version", "3"), None, "full"),
        ("FROM t SINCE '2026-01-01'", ("timestamp", "'2026-01-01'"), None, "final"),
        ("CHANGES FROM t SINCE 3", ("version", "3"), None, "full"),
        ("GET CHANGES FROM t SINCE 3 UNTIL 4", ("version", "3"), ("version", "4"), "full"),
        ("CHANGES FROM t", None, None, "full"),
        ("SELECT * FROM (CHANGES FROM t SINCE 3) c", ("version", "3"), None, "full"),
        ("WITH c AS (CHANGES FROM t SINCE 3) FROM c", ("version", "3"), None, "full"),
    ],
)
def test_changes(text: str, since: object, until: object, shape: str) -> None:
    time = times(one(text).ast)["t"]
    assert isinstance(time, Between)
    assert (shown(time.since), shown(time.until), time.shape) == (since, until, shape)


def test_time_survives_a_copy_and_can_be_cleared() -> None:
    tree = one("SELECT * FROM t AS OF VERSION 3 AS x").ast.copy()
    table = tree.find(exp.Table)
    assert time_of(table) == AsOf(Point("version", exp.Literal.number(3)))
    clear_time(table)
    assert time_of(table) is None
    assert to_duckdb(tree) == "SELECT * FROM t AS x"


@pytest.mark.parametrize(
    "text",
    ["SELECT 1 AS of", "FROM t since", "FROM t AS since JOIN u ON true", "FROM since, until"],
)
def test_names_that_look_like_time(text: str) -> None:
    assert set(times(one(text).ast).values()) <= {None}


# ---------------------------------------------------------------- writing


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("INSERT INTO t (a, b) VALUES (1, DEFAULT) RETURNING *", exp.Insert),
        ("INSERT INTO t BY NAME SELECT 1 AS a", exp.Insert),
        ("INSERT OR REPLACE INTO t VALUES (1, 2)", exp.Insert),
        ("INSERT INTO t VALUES (1) ON CONFLICT(a) DO UPDATE SET b = excluded.b", exp.Insert),
        ("WITH x AS (SELECT 1 AS a) INSERT INTO t SELECT a FROM x", exp.Insert),
        ("UPDATE t SET a = 1, b = DEFAULT WHERE c = 2 RETURNING *", exp.Update),
        ("UPDATE t SET a = u.x FROM u WHERE t.id = u.id", exp.Update),
        ("DELETE FROM t USING u WHERE t.id = u.id RETURNING t.id", exp.Delete),
        (
            (
                "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED AND s.x > 1 THEN DELETE"
                " WHEN NOT MATCHED BY SOURCE THEN DELETE"
                " WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)"
            ),
            exp.Merge,
        ),
    ],
)
def test_writes_print_as_they_were_written(text: str, kind: type[exp.Expr]) -> None:
    statement = one(text)
    assert isinstance(statement, n.Write)
    assert isinstance(statement.ast, kind)
    assert to_duckdb(statement.ast) == text


def test_double_quotes_are_strings_in_values() -> None:
    ast = one('INSERT INTO t VALUES (1, "a"), (2, upper("b"))').ast
    assert to_duckdb(ast) == "INSERT INTO t VALUES (1, 'a'), (2, upper('b'))"


def test_double_quotes_elsewhere_are_marked_names() -> None:
    tree = one('SELECT "a", `b`, "c".d FROM "t"').ast
    marked = {i.name: bool(i.meta.get("dq")) for i in tree.find_all(exp.Identifier)}
    assert marked == {"a": True, "b": False, "c": True, "d": False, "t": True}


def test_paths_are_told_from_names() -> None:
    tree = one("SELECT * FROM 'a.csv', \"b.csv\"").ast
    marked = {i.name: bool(i.meta.get("path")) for i in tree.find_all(exp.Identifier)}
    assert marked == {"a.csv": True, "b.csv": False}


def test_upsert() -> None:
    statement = one("UPSERT INTO s.t VALUES (1,'a',5),(2,\"b\",7)")
    assert isinstance(statement, n.Upsert)
    assert (statement.table.db, statement.table.name) == ("s", "t")
    assert (statement.columns, statement.key, statement.returning) == ((), (), ())
    assert to_duckdb(statement.source) == "SELECT * FROM (VALUES (1, 'a', 5), (2, 'b', 7))"


def test_upsert_with_everything() -> None:
    text = "UPSERT INTO t (id, name) BY NAME FROM s WHERE x = 1 KEY (id, k) RETURNING id, name AS z"
    statement = one(text)
    assert statement.columns == ("id", "name")
    assert statement.key == ("id", "k")
    assert statement.by_name
    assert to_duckdb(statement.source) == "SELECT * FROM s WHERE x = 1"
    assert [to_duckdb(e) for e in statement.returning] == ["id", "name AS z"]


# ---------------------------------------------------------------- definitions


def test_table_options() -> None:
    create = one(
        'CREATE TABLE t (id INT PRIMARY KEY, name STRING DEFAULT "x")'
        " WITH (type='mor', key=(id, name), partition_by=day, sorted=true)"
    ).ast
    assert table_options(create) == {
        "type": "mor",
        "key": ("id", "name"),
        "partition_by": "day",
        "sorted": "true",
    }
    default = create.find(exp.DefaultColumnConstraint)
    assert default.this == exp.Literal.string("x")


def test_table_options_of_a_query_and_of_none() -> None:
    create = one("CREATE OR REPLACE TABLE t WITH (key=(a)) AS FROM x SELECT a").ast
    assert table_options(create) == {"key": ("a",)}
    assert to_duckdb(create.expression) == "SELECT a FROM x"
    assert table_options(one("CREATE TABLE t (a INT)").ast) == {}


@pytest.mark.parametrize(
    "text",
    [
        "DROP TABLE IF EXISTS a, b CASCADE",
        "DROP VIEW v",
        "DROP SCHEMA s RESTRICT",
        "CREATE SCHEMA IF NOT EXISTS s",
        "CREATE OR REPLACE VIEW s.v (a, b) AS SELECT 1, 2",
        "CREATE TABLE t (a INT PRIMARY KEY, b TEXT NOT NULL DEFAULT 'x', CHECK (a > 0))",
        "COMMENT ON COLUMN t.a IS 'x'",
        "TRUNCATE TABLE t",
    ],
)
def test_definitions_print_as_they_were_written(text: str) -> None:
    statement = one(text)
    assert isinstance(statement, n.Define)
    assert to_duckdb(statement.ast) == text


def dotted(path: tuple[exp.Identifier, ...]) -> str:
    return ".".join(part.name for part in path)


def action(text: str) -> alterations.Alteration:
    statement = one(f"ALTER TABLE t {text}")
    assert isinstance(statement, n.Alter)
    (found,) = statement.actions
    return found


@pytest.mark.parametrize(
    ("text", "where", "beside", "position"),
    [
        ("ALTER COLUMN a FIRST", "FIRST", None, 0),
        ("ALTER a LAST", "LAST", None, 0),
        ("ALTER COLUMN a BEFORE b", "BEFORE", "b", 0),
        ('ALTER COLUMN a AFTER "b c"', "AFTER", "b c", 0),
        ("ALTER COLUMN a SET POSITION 3", "POSITION", None, 3),
    ],
)
def test_a_column_moves(text: str, where: str, beside: str | None, position: int) -> None:
    found = action(text)
    assert isinstance(found, alterations.MoveColumn)
    place = found.place
    assert (place.where, place.beside and place.beside.name, place.position) == (
        where,
        beside,
        position,
    )


@pytest.mark.parametrize("words", ["TYPE", "SET DATA TYPE", "SET TYPE"])
def test_a_column_changes_its_type(words: str) -> None:
    found = action(f"ALTER s.x {words} DECIMAL(10, 2) USING round(s.x, 2)")
    assert isinstance(found, alterations.ChangeType)
    assert dotted(found.path) == "s.x"
    assert to_duckdb(found.kind) == "DECIMAL(10, 2)"
    assert found.using is not None
    assert to_duckdb(found.using) == "round(s.x, 2)"


def test_columns_and_fields_come_go_and_change_names() -> None:
    statement = one(
        "ALTER TABLE IF EXISTS z.t ADD IF NOT EXISTS s.x INT, ADD COLUMN b VARCHAR NOT NULL DEFAULT '' "
        "AFTER a, DROP COLUMN IF EXISTS c CASCADE, RENAME s.x TO y, RENAME TO u"
    )
    assert isinstance(statement, n.Alter)
    assert statement.if_exists
    assert to_duckdb(statement.table) == "z.t"
    first, second, third, fourth, fifth = statement.actions
    assert isinstance(first, alterations.AddColumn)
    assert (dotted(first.path), first.if_not_exists, first.place) == ("s.x", True, None)
    assert isinstance(second, alterations.AddColumn)
    assert to_duckdb(second.definition) == "b TEXT NOT NULL DEFAULT ''"
    assert second.place is not None
    assert isinstance(third, alterations.DropColumn)
    assert third.if_exists
    assert isinstance(fourth, alterations.RenameColumn)
    assert (dotted(fourth.path), fourth.to.name) == ("s.x", "y")
    assert isinstance(fifth, alterations.RenameTable)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ADD CONSTRAINT c CHECK (a > 0)", alterations.AddConstraint),
        ("ADD UNIQUE (a, b)", alterations.AddConstraint),
        ("ADD PRIMARY KEY (a)", alterations.AddConstraint),
        ("DROP CONSTRAINT IF EXISTS c", alterations.DropConstraint),
        ("DROP PRIMARY KEY", alterations.DropConstraint),
        ("ALTER a SET NOT NULL", alterations.SetRequired),
        ("ALTER a DROP NOT NULL", alterations.SetRequired),
        ("ALTER a SET DEFAULT 1 + 1", alterations.SetDefault),
        ("ALTER a DROP DEFAULT", alterations.SetDefault),
        ("SET (type = 'cow', cluster_by = (a, b))", alterations.SetOptions),
        ("RESET (type)", alterations.ResetOptions),
    ],
)
def test_each_alteration_is_told_by_its_words(text: str, kind: type) -> None:
    assert type(action(text)) is kind


def test_statements_about_definitions_as_a_whole() -> None:
    diff = one("DIFF SCHEMA s.t SINCE VERSION 3 UNTIL SNAPSHOT monday")
    assert isinstance(diff, n.DiffSchema)
    assert diff.until is not None
    assert (diff.since.kind, diff.until.kind) == ("version", "snapshot")
    assert one("SHOW SCHEMA HISTORY") == n.SchemaHistory(Span(0, 19), None)
    assert one("SHOW CREATE ALL") == n.ShowCreate(Span(0, 15), None)
    assert one("MIGRATE UP 'm' TO x") == n.Migrate(Span(0, 19), "up", "m", "x")
    wanted = n.ApplySchema(Span(0, 39), "f.sql", allow_drop=True, dry_run=True)
    assert one("APPLY SCHEMA 'f.sql' ALLOW DROP DRY RUN") == wanted


# ---------------------------------------------------------------- the rest


def test_copy() -> None:
    out = one("COPY t AS OF VERSION 3 TO 'x.csv' (FORMAT csv, HEADER, DELIMITER ';', NULL 'n')")
    assert isinstance(out, n.Copy)
    assert isinstance(time_of(out.source), AsOf)
    assert out.target == "x.csv"
    assert out.options == {"format": "csv", "header": "true", "delimiter": ";", "null": "n"}
    query = one("COPY (FROM t SELECT a) TO 'x.parquet' WITH (PARTITION_BY (a, b))")
    assert to_duckdb(query.source) == "SELECT a FROM t"
    assert query.options == {"partition_by": "(a, b)"}
    columns = one("COPY s.t (a, b) TO 'x'")
    assert to_duckdb(columns.source) == 'SELECT "a", "b" FROM s.t'


@pytest.mark.parametrize("text", ["COPY s.t (a, b) FROM 'x.csv'", "COPY 'x.csv' TO s.t (a, b)"])
def test_copy_in(text: str) -> None:
    statement = one(text)
    assert (statement.source, statement.columns) == ("x.csv", ("a", "b"))
    assert (statement.target.db, statement.target.name) == ("s", "t")


def test_copy_in_tells_options_from_columns() -> None:
    statement = one("COPY 'x' TO t (FORMAT csv)")
    assert (statement.columns, statement.options) == ((), {"format": "csv"})
    assert one("COPY 'x' TO t (HEADER)").options == {"header": "true"}


def test_snapshots() -> None:
    made = one("CREATE OR REPLACE SNAPSHOT monday AS OF VERSION 3")
    assert isinstance(made, n.CreateSnapshot)
    assert (made.name, shown(made.point), made.replace) == ("monday", ("version", "3"), True)
    assert one("CREATE SNAPSHOT 'a b'").point is None
    gone = one("DROP SNAPSHOT IF EXISTS monday")
    assert isinstance(gone, n.DropSnapshot)
    assert (gone.name, gone.if_exists) == ("monday", True)


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("RESTORE TABLE s.t TO VERSION 3", ("version", "3")),
        ("RESTORE s.t AS OF 3", ("version", "3")),
        ("ROLLBACK s.t TO SNAPSHOT monday", ("snapshot", "'monday'")),
        ("ROLLBACK s.t TO TIMESTAMP '2026-01-01'", ("timestamp", "'2026-01-01'")),
    ],
)
def test_restore(text: str, point: tuple[str, str]) -> None:
    statement = one(text)
    assert isinstance(statement, n.Restore)
    assert (statement.table.sql(), shown(statement.point)) == ("s.t", point)


def test_transactions() -> None:
    kinds = [type(s) for s in parse("BEGIN; COMMIT; BEGIN TRANSACTION; ROLLBACK; END; ABORT WORK")]
    assert kinds == [n.Begin, n.Commit, n.Begin, n.Rollback, n.Commit, n.Rollback]
    assert one("BEGIN TRANSACTION READ ONLY").read_only


def test_show_and_describe() -> None:
    assert (one("SHOW TABLES").what, one("LIST SCHEMAS").what) == ("TABLES", "SCHEMAS")
    assert one("SHOW TABLES FROM s").schema == "s"
    assert one("SHOW VIEWS LIKE 'a%'").like == "a%"
    columns = one("SHOW COLUMNS FROM s.t AS OF VERSION 2")
    assert columns.table.name == "t"
    assert isinstance(time_of(columns.table), AsOf)
    assert one("SHOW t") == n.Describe(one("SHOW t").span, exp.to_table("t"))
    assert isinstance(one("DESCRIBE SELECT 1").target, n.Query)
    assert isinstance(one("SUMMARIZE FROM t").target, n.Query)
    assert one("SUMMARIZE 'x.csv'").target.this.meta["path"]
    assert isinstance(time_of(one("DESCRIBE t AS OF VERSION 3").target), AsOf)


def test_settings_and_the_rest() -> None:
    assert one("SET Threads = 4") == n.SetOption(one("SET Threads = 4").span, "threads", "4")
    assert one("SET a.b TO 'x y'").value == "x y"
    assert one('SET double_quotes = "identifier"').value == "identifier"
    assert one("RESET a.b").name == "a.b"
    assert one("USE s").schema == "s"
    assert one("COMPACT").table is None
    assert one("COMPACT t").table.name == "t"
    assert isinstance(one("VERIFY TIMELINE"), n.VerifyTimeline)
    assert one("VERIFY TABLE s.t").table.db == "s"
    explained = one("EXPLAIN ANALYZE UPSERT INTO t VALUES (1)")
    assert explained.analyze
    assert isinstance(explained.statement, n.Upsert)


@pytest.mark.parametrize(
    "text",
    [
        "PRAGMA x",
        "CALL f()",
        "CHECKPOINT",
        "INSTALL x",
        "LOAD x",
        "ATTACH 'x'",
        "DETACH x",
        "EXPORT DATABASE 'x'",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "GRANT SELECT ON t TO x",
        "CREATE SECURE VIEW v AS SELECT 1",
        "CREATE TYPE m AS ENUM ('a')",
        "CREATE TABLE t LIKE u",
        "CREATE EXTERNAL TABLE t (a INT)",
        "DELETE FROM t AS OF VERSION 3",
        "SELECT * FROM f(1) AS OF VERSION 3",
        "SET VARIABLE x = 1",
        "MERGE INTO t USING s USING (id) WHEN NOT MATCHED THEN INSERT BY NAME",
    ],
)
def test_what_is_not_offered_is_refused_with_a_place(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert caught.value.span is not None
    assert 0 <= caught.value.span.start < caught.value.span.end <= len(text)
