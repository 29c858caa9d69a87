"""Keys, rows and plain statements that never meet the relational engine."""

from __future__ import annotations

import datetime
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

import grizzly
from engine.errors import CorruptError
from engine.session import connect, create_lake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.session import Session

ROWS = 40_000
"""More than a data file needs to have a key index at rest."""


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    create_lake(tmp_path / "lake")
    with grizzly.connect(tmp_path / "lake") as db:
        db.execute(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, n DECIMAL(9,2) DEFAULT 1.5)"
        )
    return tmp_path / "lake"


@pytest.fixture
def db(lake: Path) -> Iterator[grizzly.Connection]:
    with grizzly.connect(lake) as db:
        yield db


def answer(db: grizzly.Connection, sql: str, *params: object) -> list[tuple[Any, ...]]:
    return db.execute(sql, params).fetchall()


def started(session: Session) -> bool:
    return session._frame.executor.backend._opened is not None


def test_plain_statements_start_no_engine(lake: Path) -> None:
    with grizzly.connect(lake) as own:
        own.execute("INSERT INTO t VALUES (1, 'a', 2), (?, ?, ?)", [2, "b", Decimal("2.50")])
        own.execute("UPSERT INTO t (name, id, n) VALUES ('B', 2, NULL)")
        own.append("t", [{"id": 3, "name": "c", "n": None}])
        assert answer(own, "SELECT name, id FROM t WHERE id = 2") == [("B", 2)]
        assert own.get("t", 1) == {"id": 1, "name": "a", "n": Decimal("2.00")}
        assert answer(own, "SELECT count(*) FROM t") == [(3,)]
        assert own.execute("DELETE FROM t WHERE id = 1").rowcount == 1
        assert own.get("t", 1) is None
        assert own.execute("DELETE FROM t WHERE id = 1").rowcount == 0
        assert not started(own.session)
        assert answer(own, "SELECT sum(id) FROM t") == [(5,)]
        assert started(own.session)


def test_explain_says_who_carries_a_statement_out(db: grizzly.Connection) -> None:
    for sql, direct in {
        "SELECT * FROM t WHERE id = 1": True,
        "SELECT * FROM t WHERE id = '1'": False,
        "SELECT * FROM t WHERE name = 'a'": False,
        "INSERT INTO t VALUES (1, 'a', 1)": True,
        "INSERT INTO t (id, name) VALUES (1, 'a')": False,
        "DELETE FROM t WHERE id = 1": True,
    }.items():
        lines = [line for (line,) in answer(db, f"EXPLAIN {sql}")]
        assert any(line.startswith("direct") for line in lines) == direct, sql


def test_rows_come_in_many_shapes(db: grizzly.Connection) -> None:
    assert db.append("t", [(1, "a", None), [2, "b", Decimal("0.50")]]) == 2
    assert db.append("main.t", pa.table({"NAME": ["c"], "id": pa.array([3], pa.int8())})) == 1
    assert (
        db.append("t", pa.RecordBatch.from_pydict({"id": [4], "name": ["d"], "n": ["4.25"]})) == 1
    )
    reader = pa.table({"id": [5], "name": ["e"]}).to_reader()
    assert db.append("t", reader) == 1
    assert answer(db, "SELECT * FROM t ORDER BY id") == [
        (1, "a", None),
        (2, "b", Decimal("0.50")),
        (3, "c", Decimal("1.50")),
        (4, "d", Decimal("4.25")),
        (5, "e", Decimal("1.50")),
    ]


@pytest.mark.parametrize(
    ("rows", "kind", "says"),
    [
        ([{"id": 1, "nmae": "x"}], grizzly.ProgrammingError, "did you mean 'name'"),
        ([(1, "x")], grizzly.ProgrammingError, "3 columns"),
        ("rows", grizzly.ProgrammingError, "not as str"),
        ([], grizzly.ProgrammingError, "nothing to add"),
        ([{"id": "one", "name": "x"}], grizzly.DataError, "one"),
        ([{"id": 2**40, "name": "x"}], grizzly.DataError, "range"),
        ([{"id": 1, "name": None}], grizzly.IntegrityError, "may not be NULL"),
        ([{"id": None, "name": "x"}], grizzly.IntegrityError, "may not be NULL"),
        ([(7, "x", None), (7, "y", None)], grizzly.IntegrityError, r"two rows .* \(id\) = \(7\)"),
        ([(0, "x", None)], grizzly.IntegrityError, r"\(id\) = \(0\) is already there"),
        ([(Decimal("Infinity"), "x", None)], grizzly.ProgrammingError, "no common type"),
    ],
)
def test_what_cannot_be_added_is_refused_whole(
    db: grizzly.Connection, rows: Any, kind: type[Exception], says: str
) -> None:
    db.append("t", [(0, "zero", None)])
    version = db.session.version
    with pytest.raises(kind, match=says):
        db.append("t", rows)
    assert db.session.version == version


def test_names_that_are_not_there(db: grizzly.Connection) -> None:
    with pytest.raises(grizzly.ProgrammingError, match=r"no table 'tt'.*did you mean 't'"):
        db.append("tt", [(1,)])
    db.execute("CREATE TABLE bare (a INTEGER)")
    for action in (lambda: db.get("bare", 1), lambda: db.upsert("bare", [(1,)])):
        with pytest.raises(grizzly.ProgrammingError, match="no primary key"):
            action()
    assert db.append("bare", [(1,), (1,)]) == 2


def test_upsert_keeps_what_it_does_not_name(db: grizzly.Connection) -> None:
    db.append("t", [(1, "a", Decimal("9.00")), (2, "b", None)])
    db.upsert("t", [{"id": 1, "name": "A"}, {"id": 2, "name": "B"}, {"id": 3, "name": "C"}])
    db.upsert("t", [{"id": 1, "n": Decimal("8.00")}])
    expected = [(1, "A", Decimal("8.00")), (2, "B", None), (3, "C", Decimal("1.50"))]
    assert answer(db, "SELECT * FROM t ORDER BY id") == expected
    with pytest.raises(grizzly.IntegrityError, match="name may not be NULL"):
        db.upsert("t", [{"id": 4, "n": None}])
    with pytest.raises(grizzly.IntegrityError, match="may not be NULL"):
        db.upsert("t", [{"id": None, "n": None}])


def test_a_key_of_two_columns(db: grizzly.Connection) -> None:
    db.execute("CREATE TABLE p (a VARCHAR, b DATE, v INTEGER, PRIMARY KEY (b, a))")
    day = datetime.date(2020, 2, 29)
    db.append("p", [("x", day, 1), ("y", day, 2)])
    db.upsert("p", [("y", day, 3)])
    assert db.get("p", (day, "y")) == {"a": "y", "b": day, "v": 3}
    assert db.get("p", {"a": "x", "b": day}) == {"a": "x", "b": day, "v": 1}
    assert answer(db, "SELECT v FROM p WHERE a = ? AND b = ?", "x", day) == [(1,)]
    with pytest.raises(grizzly.ProgrammingError, match=r"the key of p is \(b, a\)"):
        db.get("p", "x")


def test_executemany_is_one_commit(db: grizzly.Connection) -> None:
    before = db.session.version
    cursor = db.cursor().executemany(
        "INSERT INTO t VALUES (?, ?, ?)", [[i, str(i), None] for i in range(100)]
    )
    assert (cursor.rowcount, db.session.version) == (100, before + 1)
    with pytest.raises(grizzly.IntegrityError):
        cursor.executemany("INSERT INTO t VALUES (?, ?, ?)", [[200, "a", None], [5, "b", None]])
    assert answer(db, "SELECT count(*) FROM t") == [(100,)]
    cursor.executemany("UPSERT INTO t VALUES (?, ?, ?)", [[5, "five", None], [200, "new", None]])
    assert (db.get("t", 5) or {})["name"] == "five"
    assert (
        cursor.executemany("UPDATE t SET name = ? WHERE id = ?", [["x", 1], ["y", 2]]).rowcount == 2
    )


def test_a_transaction_sees_its_own_keys(db: grizzly.Connection) -> None:
    db.append("t", [(1, "a", None)])
    db.execute("BEGIN")
    db.append("t", [(2, "b", None)])
    db.upsert("t", [(1, "A", None)])
    with pytest.raises(grizzly.IntegrityError, match="already there"):
        db.append("t", [(2, "again", None)])
    assert db.get("t", 2) == {"id": 2, "name": "b", "n": None}
    db.execute("DELETE FROM t WHERE id = 1")
    assert db.get("t", 1) is None
    db.rollback()
    assert db.get("t", 1) == {"id": 1, "name": "a", "n": None}
    assert db.get("t", 2) is None


def test_a_text_that_was_read_before_sees_new_columns(lake: Path, db: grizzly.Connection) -> None:
    with closing(connect(lake)) as session:
        sql = 'SELECT "extra" AS e FROM t WHERE id = 1'
        db.append("t", [(1, "a", None)])
        (first,) = session.run(sql)
        assert (first.table().to_pylist(), len(first.notes)) == ([{"e": "extra"}], 1)
        db.execute("ALTER TABLE t ADD COLUMN extra INTEGER DEFAULT 5")
        (second,) = session.run(sql)
        assert (second.table().to_pylist(), second.notes) == ([{"e": 5}], [])


def fill(db: grizzly.Connection) -> None:
    names = [f"n{i}" for i in range(ROWS)]
    ids = [(i * 7919) % ROWS for i in range(ROWS)]
    db.append("t", pa.table({"id": pa.array(ids, pa.int32()), "name": names}))


@pytest.fixture
def large(db: grizzly.Connection) -> grizzly.Connection:
    fill(db)
    return db


def key_objects(lake: Path) -> list[Path]:
    """Return the bodies of key indexes, which are all as long as their rows say."""
    return [p for p in (lake / ".grizzly/objects").glob("*/*") if p.stat().st_size == 12 * ROWS]


def test_many_rows_find_their_keys(lake: Path, large: grizzly.Connection) -> None:
    assert len(key_objects(lake)) == 1
    fresh = pa.table({"id": pa.array(range(0, 2 * ROWS, 4), pa.int32())})
    fresh = fresh.append_column("name", pa.array(["new"] * fresh.num_rows))
    fresh = fresh.append_column(
        "n", pa.array([Decimal("9.00")] * fresh.num_rows, pa.decimal128(9, 2))
    )
    assert large.upsert("t", fresh) == ROWS // 2
    with grizzly.connect(lake) as other:
        assert answer(other, "SELECT count(*), count(DISTINCT id) FROM t") == [(ROWS * 5 // 4,) * 2]
        assert (other.get("t", 4) or {})["name"] == "new"
        assert (other.get("t", 7919) or {})["name"] == "n1"
        assert other.get("t", ROWS + 1) is None
        with pytest.raises(grizzly.IntegrityError, match="already there"):
            other.execute("INSERT INTO t SELECT id, 'x', NULL FROM t WHERE id = 5")


def test_a_damaged_index_answers_nothing_wrong(lake: Path) -> None:
    with grizzly.connect(lake) as db:
        fill(db)
    (body,) = key_objects(lake)
    data = bytearray(body.read_bytes())
    for place in range(5, len(data), 4_000):
        data[place] ^= 1
    body.write_bytes(bytes(data))
    with grizzly.connect(lake) as db:
        with pytest.raises(grizzly.InternalError, match="damaged") as caught:
            db.get("t", 7919)
        assert isinstance(caught.value.__cause__, CorruptError)
        assert any(not f.ok for f in db.session.verify())
    body.unlink()
    with grizzly.connect(lake) as db, pytest.raises(grizzly.InternalError, match="missing"):
        db.upsert("t", [(5, "five", None)])


def test_an_altered_key_is_still_found(large: grizzly.Connection) -> None:
    large.execute("ALTER TABLE t RENAME COLUMN id TO number")
    assert (large.get("t", 7919) or {})["name"] == "n1"
    large.execute("ALTER TABLE t ALTER COLUMN number SET DATA TYPE BIGINT")
    assert (large.get("t", 7919) or {})["number"] == 7919
    large.upsert("t", [(7919, "wide", None), (2**40, "far", None)])
    assert (large.get("t", 7919) or {})["name"] == "wide"
    assert answer(large, "SELECT count(*) FROM t") == [(ROWS + 1,)]


def test_compaction_keeps_keys_where_they_can_be_found(large: grizzly.Connection) -> None:
    for start in range(5):
        large.upsert("t", [(i, "moved", None) for i in range(start, ROWS, 50)])
    large.execute("COMPACT t")
    assert (large.get("t", 50) or {})["name"] == "moved"
    assert (large.get("t", 49) or {})["name"] != "moved"
    with pytest.raises(grizzly.IntegrityError):
        large.append("t", [(51, "x", None)])
