"""Migrations: planned without a trace, applied one commit each, undone, and refused when in disorder."""

from __future__ import annotations

import gzip
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from engine.errors import (
    GrizzlyError,
    IoError,
    ReadOnlyError,
    TransactionError,
    UnsupportedError,
    UsageError,
)
from engine.session import connect, create_lake, migrations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.session import Session

ORDERS = "CREATE TABLE orders (id INTEGER PRIMARY KEY, amount INTEGER);\nINSERT INTO orders VALUES (1, 10);"
WIDEN = """ALTER TABLE orders ALTER COLUMN amount TYPE BIGINT, ADD COLUMN note VARCHAR;
UPDATE orders SET note = 'n';
CREATE TABLE totals AS SELECT sum(amount) AS s FROM orders;
-- down: what was added goes
ALTER TABLE orders DROP COLUMN note;
DROP TABLE totals;
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "migrations"
    path.mkdir()
    (path / "0001_orders.sql").write_text(ORDERS)
    (path / "0002_widen.gz.sql").write_bytes(gzip.compress(WIDEN.encode()))
    (path / "README.md").write_text("not a migration")
    return path


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    create_lake(tmp_path / "lake")
    with closing(connect(tmp_path / "lake")) as opened:
        yield opened


def run(session: Session, sql: str) -> list[tuple[object, ...]]:
    (result,) = session.run(sql)
    columns = [column.to_pylist() for column in result.table().columns]
    return list(zip(*columns, strict=True))


def states(session: Session, folder: Path) -> dict[object, object]:
    return {row[0]: row[1] for row in run(session, f"MIGRATE STATUS '{folder}'")}


def names(session: Session) -> list[object]:
    return [row[0] for row in run(session, "SELECT name FROM grizzly.tables ORDER BY name")]


def test_a_plan_tells_each_statement_and_leaves_no_trace(session: Session, folder: Path) -> None:
    before = session.version
    plan = run(session, f"MIGRATE PLAN '{folder}'")
    assert [(row[0], row[2], row[3]) for row in plan] == [
        ("0001_orders", "orders", "table created"),
        ("0001_orders", None, "not tried: it changes rows, not definitions"),
        ("0002_widen", "orders", "column note VARCHAR added"),
        ("0002_widen", "orders", "column amount: INTEGER became BIGINT"),
        ("0002_widen", None, "not tried: it changes rows, not definitions"),
        ("0002_widen", "totals", "table created"),
    ]
    assert (session.version, names(session)) == (before, [])


def test_a_plan_finds_what_would_fail(session: Session, folder: Path) -> None:
    (folder / "0003_bad.sql").write_text("\n\nALTER TABLE orders DROP COLUMN nope;")
    with pytest.raises(GrizzlyError, match=r"0003_bad\.sql, line 3: orders has no column 'nope'"):
        run(session, f"MIGRATE PLAN '{folder}'")


def test_each_migration_is_one_commit(session: Session, folder: Path) -> None:
    done = run(session, f"MIGRATE UP '{folder}'")
    assert done == [("0001_orders", "up", 1), ("0002_widen", "up", 2)]
    assert run(session, "SELECT * FROM orders") == [(1, 10, "n")]
    assert run(session, f"MIGRATE UP '{folder}'") == []
    assert session.version == 2
    assert states(session, folder) == {"0001_orders": "applied", "0002_widen": "applied"}
    messages = run(
        session, "SELECT message FROM grizzly.timeline WHERE version > 0 ORDER BY version"
    )
    assert messages == [("MIGRATE UP 0001_orders",), ("MIGRATE UP 0002_widen",)]


def test_one_that_fails_leaves_nothing_of_itself(session: Session, folder: Path) -> None:
    (folder / "0003_bad.sql").write_text(
        "CREATE TABLE x (a INTEGER);\nINSERT INTO x VALUES ('no');"
    )
    with pytest.raises(GrizzlyError, match=r"0003_bad\.sql, line 2"):
        run(session, f"MIGRATE UP '{folder}'")
    assert names(session) == ["orders", "totals"]
    assert states(session, folder)["0003_bad"] == "pending"


def test_down_runs_its_own_part_or_undoes_the_commit(session: Session, folder: Path) -> None:
    run(session, f"MIGRATE UP '{folder}'")
    assert run(session, f"MIGRATE DOWN '{folder}'") == [("0002_widen", "down", 3)]
    assert names(session) == ["orders"]
    assert run(session, "SELECT * FROM orders") == [(1, 10)]
    (folder / "0002_widen.gz.sql").write_text("CREATE TABLE other AS SELECT 1 AS one;")
    run(session, f"MIGRATE UP '{folder}'")
    run(session, f"MIGRATE DOWN '{folder}'")
    assert names(session) == ["orders"]
    assert states(session, folder) == {"0001_orders": "applied", "0002_widen": "pending"}
    again = run(session, f"MIGRATE UP '{folder}' TO '0001_orders'")
    assert again == []


def test_down_to_a_name_undoes_all_after_it(session: Session, folder: Path) -> None:
    (folder / "0003_more.sql").write_text("CREATE TABLE more (a INTEGER);")
    run(session, f"MIGRATE UP '{folder}'")
    done = run(session, f"MIGRATE DOWN '{folder}' TO '0001_orders'")
    assert [row[0] for row in done] == ["0003_more", "0002_widen"]
    assert names(session) == ["orders"]


def test_undoing_is_refused_when_rows_came_later(session: Session, folder: Path) -> None:
    run(session, f"MIGRATE UP '{folder}' TO '0001_orders'")
    run(session, "INSERT INTO orders VALUES (2, 20)")
    with pytest.raises(TransactionError, match="cannot be undone"):
        run(session, f"MIGRATE DOWN '{folder}'")
    assert run(session, "SELECT count(*) FROM orders") == [(2,)]
    assert states(session, folder)["0001_orders"] == "applied"


def test_a_file_that_changed_is_drift(session: Session, folder: Path) -> None:
    run(session, f"MIGRATE UP '{folder}' TO '0001_orders'")
    (folder / "0001_orders.sql").write_text(ORDERS + "\n-- a word more")
    assert states(session, folder)["0001_orders"] == "changed"
    with pytest.raises(UsageError, match="changed after it was applied") as refused:
        run(session, f"MIGRATE UP '{folder}'")
    assert refused.value.code == "MIGRATION_001"
    with pytest.raises(UsageError, match="changed after it was applied"):
        run(session, f"MIGRATE DOWN '{folder}'")
    (folder / "0001_orders.sql").unlink()
    assert states(session, folder)["0001_orders"] == "missing"
    with pytest.raises(UsageError, match="has no file"):
        run(session, f"MIGRATE PLAN '{folder}'")


def test_one_that_comes_late_is_refused(session: Session, folder: Path) -> None:
    run(session, f"MIGRATE UP '{folder}'")
    (folder / "0000_late.sql").write_text("CREATE TABLE late (a INTEGER)")
    with pytest.raises(UsageError, match="comes before 0001_orders"):
        run(session, f"MIGRATE UP '{folder}'")


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("orders.sql", "", "not named like a migration"),
        ("1_again.sql", "", "two migrations have the number 1"),
        ("0003_x.sql", "BEGIN; COMMIT;", "BEGIN cannot be part of a migration"),
        ("0003_x.sql", "SELECT 1", "SELECT cannot be part of a migration"),
        ("0003_x.sql", "\nCREATE TABEL t", r"0003_x\.sql, line 2"),
    ],
)
def test_a_folder_in_disorder_is_refused(
    session: Session, folder: Path, name: str, text: str, complaint: str
) -> None:
    (folder / name).write_text(text)
    with pytest.raises(GrizzlyError, match=complaint):
        run(session, f"MIGRATE PLAN '{folder}'")


def test_what_is_no_text_and_no_folder_is_refused(session: Session, folder: Path) -> None:
    (folder / "0003_x.sql").write_bytes(b"\x1f\x8bgarbage")
    with pytest.raises(UsageError, match="not UTF-8"):
        run(session, f"MIGRATE STATUS '{folder}'")
    with pytest.raises(IoError, match="No such file"):
        run(session, "MIGRATE STATUS '/nowhere'")
    (folder / "0003_x.sql").unlink()
    with pytest.raises(UsageError, match="there is no migration 'x'"):
        run(session, f"MIGRATE UP '{folder}' TO 'x'")


def test_migrations_stand_alone(session: Session, folder: Path) -> None:
    run(session, "BEGIN")
    with pytest.raises(TransactionError):
        run(session, f"MIGRATE UP '{folder}'")
    run(session, "ROLLBACK")
    run(session, f"MIGRATE UP '{folder}' TO '0001_orders'")
    with closing(connect(session.path, as_of="1")) as past:
        assert states(past, folder)["0002_widen"] == "pending"
        with pytest.raises(ReadOnlyError):
            run(past, f"MIGRATE UP '{folder}'")


def test_definitions_become_those_of_a_file(session: Session, tmp_path: Path) -> None:
    run(session, "CREATE TABLE t (a INTEGER, old VARCHAR, s STRUCT(x INTEGER, y INTEGER))")
    run(session, "CREATE TABLE gone (a INTEGER)")
    run(session, "INSERT INTO t VALUES (1, 'kept', {'x': 1, 'y': 2})")
    file = tmp_path / "wanted.sql"
    file.write_text(
        """CREATE TABLE t (b DATE, a BIGINT NOT NULL, s STRUCT(z VARCHAR, x BIGINT), CHECK (a > 0));
           CREATE SCHEMA n; CREATE TABLE n.u (a INTEGER UNIQUE);
           CREATE VIEW v AS SELECT a FROM t; COMMENT ON COLUMN t.a IS 'first'"""
    )
    before = session.version
    dry = run(session, f"APPLY SCHEMA '{file}' DRY RUN")
    assert session.version == before
    assert run(session, f"APPLY SCHEMA '{file}'") == dry
    assert session.version == before + 1
    kept = {"z": None, "x": 1, "y": 2}
    assert run(session, "SELECT * FROM t") == [(None, 1, kept, "kept")]
    assert run(session, f"APPLY SCHEMA '{file}'") == []
    run(session, f"APPLY SCHEMA '{file}' ALLOW DROP")
    assert run(session, "SELECT * FROM t") == [(None, 1, {"z": None, "x": 1})]
    assert names(session) == ["t", "u", "v"]
    assert run(session, f"APPLY SCHEMA '{file}' ALLOW DROP") == []


def test_a_file_that_does_more_than_define_is_refused(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "wanted.sql"
    file.write_text("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)")
    with pytest.raises(UsageError, match="more than definitions: INSERT"):
        run(session, f"APPLY SCHEMA '{file}'")
    file.write_text("CREATE TABLE t (a SMALLINT)")
    run(session, f"APPLY SCHEMA '{file}'")
    file.write_text("CREATE TABLE t (a TINYINT)")
    with pytest.raises(UnsupportedError, match="not every value"):
        run(session, f"APPLY SCHEMA '{file}'")
    with pytest.raises(IoError):
        run(session, "APPLY SCHEMA '/nowhere.sql'")


def test_what_is_exported_makes_the_same_definitions_elsewhere(
    session: Session, tmp_path: Path
) -> None:
    for statement in (
        'CREATE SCHEMA "odd name"',
        "CREATE TABLE t (id INTEGER PRIMARY KEY, d DATE DEFAULT current_date, CHECK (id > 0))",
        "ALTER TABLE t SET (type = 'cow', cluster_by = 'zorder(id, d)', partition_by = 'year(d)')",
        'CREATE TABLE "odd name"."order" ("select" INTEGER UNIQUE, s STRUCT("a b" INTEGER))',
        "CREATE INDEX i ON t USING btree (d)",
        "CREATE VIEW late AS SELECT id FROM t",
        "CREATE VIEW early AS SELECT id FROM late",
        "COMMENT ON TABLE t IS 'it''s'",
    ):
        run(session, statement)
    text = ";\n".join(str(row[0]) for row in run(session, "SHOW CREATE ALL"))
    file = tmp_path / "export.sql"
    file.write_text(text)
    assert run(session, f"APPLY SCHEMA '{file}' ALLOW DROP DRY RUN") == []
    create_lake(tmp_path / "other")
    with closing(connect(tmp_path / "other")) as other:
        run(other, f"APPLY SCHEMA '{file}'")
        assert run(other, "SHOW CREATE ALL") == run(session, "SHOW CREATE ALL")


def test_a_branch_has_migrations_of_its_own(session: Session, folder: Path) -> None:
    run(session, f"MIGRATE UP '{folder}' TO '0001_orders'")
    run(session, "CREATE BRANCH try")
    run(session, "USE BRANCH try")
    (folder / "0002_widen.gz.sql").write_text("ALTER TABLE orders ADD COLUMN note VARCHAR")
    run(session, f"MIGRATE UP '{folder}'")
    assert states(session, folder) == {"0001_orders": "applied", "0002_widen": "applied"}
    history = run(session, "SHOW SCHEMA HISTORY FOR orders")
    assert [row[5] for row in history] == ["table created", "column note VARCHAR added"]
    run(session, "USE BRANCH main")
    assert states(session, folder) == {"0001_orders": "applied", "0002_widen": "pending"}
    assert len(run(session, "SHOW SCHEMA HISTORY FOR orders")) == 1
    run(session, "USE BRANCH try")
    run(session, f"MIGRATE DOWN '{folder}'")
    assert run(session, "SELECT * FROM orders") == [(1, 10)]


def test_a_column_that_arranges_rows_stays_until_it_does_not(session: Session) -> None:
    run(session, "CREATE TABLE t (a INTEGER, b INTEGER) WITH (cluster_by = 'a')")
    run(session, "ALTER TABLE t RENAME COLUMN a TO c")
    with pytest.raises(UnsupportedError, match="cluster_by needs 'c'"):
        run(session, "ALTER TABLE t DROP COLUMN c")
    run(session, "ALTER TABLE t ALTER COLUMN c TYPE VARCHAR USING c::VARCHAR")
    assert "cluster_by = 'sort(c)'" in str(run(session, "SHOW CREATE TABLE t"))
    run(session, "ALTER TABLE t RESET (cluster_by), DROP COLUMN c")


def test_what_another_session_did_meanwhile_is_not_done_again(
    session: Session, tmp_path: Path
) -> None:
    folder = tmp_path / "racing"
    folder.mkdir()
    run(session, "CREATE TABLE n AS SELECT 0 AS v")
    (folder / "0001_more.sql").write_text(
        "UPDATE n SET v = v + 1;\n-- down\nUPDATE n SET v = v - 1;\n"
    )
    for way, finds, left in (("UP", "_pending", 1), ("DOWN", "_newest", 0)):
        judged = getattr(migrations, finds)
        meanwhile = partial(_after, judged, finds, session.path, f"MIGRATE {way} '{folder}'")
        with mock.patch.object(migrations, finds, meanwhile):
            run(session, f"MIGRATE {way} '{folder}'")
        assert run(session, "SELECT v FROM n") == [(left,)]


def _after(judged: Any, finds: str, lake: Path, sql: str, *about: Any) -> Any:
    """Judge what is to be done, and let another session do it before that is told."""
    found = judged(*about)
    with mock.patch.object(migrations, finds, judged), closing(connect(lake)) as other:
        run(other, sql)
    return found
