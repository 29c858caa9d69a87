"""Any history of alterations and writes, against a model that rewrites everything each time."""

from __future__ import annotations

import random
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import GrizzlyError
from engine.session import Session, connect, create_lake

# Reading a statement raises the recursion limit.
pytestmark = pytest.mark.filterwarnings("ignore:The recursion limit")

Row = dict[str, object]

WIDER = {
    "TINYINT": "SMALLINT",
    "SMALLINT": "INTEGER",
    "INTEGER": "BIGINT",
    "BIGINT": "DECIMAL(20,0)",
    "FLOAT": "DOUBLE",
    "DATE": "TIMESTAMP",
}
SAMPLES = {
    "TINYINT": "7",
    "SMALLINT": "300",
    "INTEGER": "70000",
    "BIGINT": "5000000000",
    "FLOAT": "1.5",
    "DATE": "DATE '2026-01-02'",
    "VARCHAR": "'x'",
}


@dataclass
class Model:
    """Columns by name with their types, in order; ``s`` is a STRUCT of ``fields``."""

    columns: dict[str, str] = field(default_factory=lambda: {"k": "INTEGER", "a": "TINYINT"})
    fields: dict[str, str] = field(default_factory=lambda: {"x": "INTEGER"})
    rows: list[Row] = field(default_factory=list)
    made: int = 0

    def shown(self) -> list[tuple[str, ...]]:
        """Return the rows as the table would print them, columns in order."""
        out = []
        for row in self.rows:
            cells = [str(row[name]) for name in self.columns]
            inner = row["s"]
            if isinstance(inner, dict):
                cells.append(str({name: inner.get(name) for name in self.fields}))
            else:
                cells.append("None")
            out.append(tuple(cells))
        return sorted(out)


class Game:
    """One table and its model, moved together."""

    def __init__(self, session: Session, seed: int) -> None:
        self.session = session
        self.random = random.Random(seed)
        self.model = Model()
        self.versions: list[tuple[int, list[tuple[str, ...]]]] = []
        self.run("CREATE TABLE t (k INTEGER, a TINYINT, s STRUCT(x INTEGER))")

    def run(self, sql: str) -> None:
        for result in self.session.run(sql):
            result.table()

    def seen(self, when: str = "") -> list[tuple[str, ...]]:
        (result,) = self.session.run(f"SELECT * FROM t{when}")
        table = result.table()
        order = [*[n for n in table.column_names if n != "s"], "s"]
        columns = [table[name].to_pylist() for name in order]
        return sorted(tuple(str(cell) for cell in row) for row in zip(*columns, strict=True))

    def value(self, kind: str) -> tuple[str, object]:
        """Return a value of a type as SQL and as it comes back."""
        if kind not in SAMPLES or self.random.random() < 0.3:
            return "NULL", None
        sql = SAMPLES[kind]
        (result,) = self.session.run(f"SELECT CAST({sql} AS {kind}) AS v")
        return sql, result.table()["v"][0].as_py()

    def insert(self) -> None:
        model = self.model
        given = {name: self.value(kind) for name, kind in model.columns.items()}
        model.made += 1
        given["k"] = (str(model.made), model.made)
        inner = {name: self.value(kind) for name, kind in model.fields.items()}
        body = ", ".join(f"'{name}': {sql}" for name, (sql, _) in inner.items())
        struct = f"{{{body}}}" if self.random.random() < 0.8 else "NULL"
        names = ", ".join([*given, "s"])
        values = ", ".join([*(sql for sql, _ in given.values()), struct])
        self.run(f"INSERT INTO t ({names}) VALUES ({values})")
        row: Row = {name: value for name, (_, value) in given.items()}
        row["s"] = {n: v for n, (_, v) in inner.items()} if struct != "NULL" else None
        model.rows.append(row)

    def add(self) -> None:
        kind = self.random.choice(list(SAMPLES))
        name = self.random.choice("abcdef")
        if name in self.model.columns:
            return
        default = self.random.random() < 0.5
        tail = f" DEFAULT {SAMPLES[kind]}" if default else ""
        self.run(f"ALTER TABLE t ADD COLUMN {name} {kind}{tail}")
        value = None
        if default:
            (result,) = self.session.run(f"SELECT CAST({SAMPLES[kind]} AS {kind}) AS v")
            value = result.table()["v"][0].as_py()
        self.model.columns[name] = kind
        for row in self.model.rows:
            row[name] = value

    def pick(self) -> str | None:
        names = [name for name in self.model.columns if name != "k"]
        return self.random.choice(names) if names else None

    def drop(self) -> None:
        name = self.pick()
        if name is not None:
            self.run(f"ALTER TABLE t DROP COLUMN {name}")
            del self.model.columns[name]

    def rename(self) -> None:
        old, new = self.pick(), self.random.choice("abcdef")
        if old is None or new in self.model.columns:
            return
        self.run(f"ALTER TABLE t RENAME COLUMN {old} TO {new}")
        kinds = self.model.columns
        self.model.columns = {new if n == old else n: kind for n, kind in kinds.items()}
        for row in self.model.rows:
            row[new] = row.pop(old)

    def move(self) -> None:
        name = self.pick()
        if name is None:
            return
        beside = self.random.choice([n for n in self.model.columns if n != name])
        self.run(f"ALTER TABLE t ALTER COLUMN {name} AFTER {beside}")
        kind = self.model.columns.pop(name)
        items = list(self.model.columns.items())
        at = [n for n, _ in items].index(beside) + 1
        self.model.columns = dict([*items[:at], (name, kind), *items[at:]])

    def widen(self) -> None:
        name = self.pick()
        kind = self.model.columns.get(name or "", "")
        if name is None or kind not in WIDER:
            return
        wide = WIDER[kind]
        self.run(f"ALTER TABLE t ALTER COLUMN {name} TYPE {wide}")
        self.model.columns[name] = wide
        (result,) = self.session.run(f"SELECT CAST({SAMPLES[kind]} AS {kind})::{wide} AS v")
        for row in self.model.rows:
            if row[name] is not None:
                (result,) = self.session.run(f"SELECT CAST(? AS {wide}) AS v", [row[name]])
                row[name] = result.table()["v"][0].as_py()

    def add_field(self) -> None:
        name, kind = self.random.choice("xyz"), self.random.choice(["INTEGER", "VARCHAR", "DATE"])
        if name in self.model.fields:
            return
        self.run(f"ALTER TABLE t ADD COLUMN s.{name} {kind}")
        self.model.fields[name] = kind
        for row in self.model.rows:
            inner = row["s"]
            if isinstance(inner, dict):
                inner[name] = None

    def drop_field(self) -> None:
        if len(self.model.fields) > 1:
            name = self.random.choice(list(self.model.fields))
            self.run(f"ALTER TABLE t DROP COLUMN s.{name}")
            del self.model.fields[name]

    def rename_field(self) -> None:
        old, new = self.random.choice(list(self.model.fields)), self.random.choice("uvwxyz")
        if new in self.model.fields:
            return
        self.run(f"ALTER TABLE t RENAME COLUMN s.{old} TO {new}")
        kinds = self.model.fields
        self.model.fields = {new if n == old else n: kind for n, kind in kinds.items()}
        for row in self.model.rows:
            inner = row["s"]
            if isinstance(inner, dict):
                inner[new] = inner.pop(old, None)

    def delete(self) -> None:
        if self.model.rows:
            row = self.random.choice(self.model.rows)
            self.run(f"DELETE FROM t WHERE k = {row['k']}")
            self.model.rows.remove(row)

    def compact(self) -> None:
        self.run("COMPACT t")

    def step(self) -> None:
        moves = [self.insert, self.insert, self.add, self.drop, self.rename, self.move, self.widen]
        moves += [self.add_field, self.drop_field, self.rename_field, self.delete, self.compact]
        self.random.choice(moves)()
        shown = self.model.shown()
        assert self.seen() == shown
        self.versions.append((self.session.version, shown))


@given(seed=st.integers(0, 2**32))
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_contents_follow_every_alteration(seed: int) -> None:
    play(seed, 10)


@pytest.mark.slow
@given(seed=st.integers(0, 2**32))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_contents_follow_long_histories(seed: int) -> None:
    play(seed, 25)


def play(seed: int, steps: int) -> None:
    """Play a history; then every version must read as it did then, in this session and anew."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lake"
        create_lake(path)
        with closing(connect(path)) as session:
            game = Game(session, seed)
            for _ in range(steps):
                game.step()
        with closing(connect(path)) as session:
            game.session = session
            for version, shown in game.versions:
                assert game.seen(f" AS OF VERSION {version}") == shown
            replay_definitions(session, Path(folder) / "copy")


def replay_definitions(session: Session, path: Path) -> None:
    """What SHOW CREATE says makes the same table; so do the steps from the first definition on."""
    create_lake(path)
    ((text,),) = answers(session, "SHOW CREATE TABLE t")
    ((first,),) = answers(session, "SHOW CREATE TABLE t AS OF VERSION 1")
    steps = [str(row[2]) for row in answers(session, "DIFF SCHEMA t SINCE VERSION 1")]
    with closing(connect(path)) as other:
        answers(other, str(text))
        assert answers(other, "SHOW CREATE TABLE t") == [(text,)]
        answers(other, "DROP TABLE t")
        answers(other, str(first))
        for step in steps:
            try:
                answers(other, step)
            except GrizzlyError as error:
                raise AssertionError(f"{step}: {error}") from error
        assert answers(other, "SHOW CREATE TABLE t") == [(text,)]


def answers(session: Session, sql: str) -> list[tuple[object, ...]]:
    """Return the rows of a statement."""
    (result,) = session.run(sql)
    columns = [column.to_pylist() for column in result.table().columns]
    return list(zip(*columns, strict=True))
