"""A lakehouse and a model of it in plain Python, moved in step: any history, checked at every version.

A model's rows are dictionaries from column number to value; a version's model never changes again, so
remembering all of them costs little.
"""

from __future__ import annotations

import random
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from engine.errors import GrizzlyError, IntegrityError, UnsupportedError, VacuumedError
from engine.session import Session, connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Row = dict[int, Any]
Shown = tuple[Any, ...]
TYPES = ("cow", "mor", "hybrid")
WORDS = ("a", "bb", "", "é", None)


@dataclass(frozen=True)
class Column:
    number: int
    name: str
    type: str
    initial: Any = None


@dataclass(frozen=True)
class Table:
    """One table at one version. ``uid`` outlives its name; ``keyed`` says that column 1 is the key."""

    uid: int
    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = ()
    keyed: bool = True

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    def shown(self, row: Row) -> Shown:
        return tuple(row.get(c.number, c.initial) for c in self.columns)

    def bag(self) -> Counter[Shown]:
        return Counter(self.shown(r) for r in self.rows)


World = dict[str, Table]


class Unlike(AssertionError):  # noqa: N818 - what a test says
    """The lakehouse and the model disagree."""


@dataclass
class History:
    """One lakehouse, its model, and everything that both ever were."""

    folder: Path
    dice: random.Random
    used: Session | None = None
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session: Session = self.used or connect(self.folder)
        self.world: World = {}
        self.begin = self.session.timeline.head.seq
        self.line = "main"
        self.lines: dict[str, dict[int, World]] = {"main": {self.begin: {}}}
        self.only: set[str] | None = None
        self.gone: set[int] = set()
        self.held: set[int] = set()
        self.marks: dict[str, tuple[int, int]] = {}
        self.uids = 0
        self.numbers = 10
        self.names = 0

    @property
    def worlds(self) -> dict[int, World]:
        """What every version was, as the branch in use sees it."""
        return self.lines[self.line]

    # ------------------------------------------------------------------ saying and asking

    def rows(self, sql: str) -> list[Shown]:
        (result,) = self.session.run(sql)
        table = result.table()
        return list(zip(*(c.to_pylist() for c in table.columns), strict=True))

    def say(self, sql: str) -> None:
        self.said.append(sql)
        for result in self.session.run(sql):
            result.spool()

    def step(self, sql: str, world: World) -> None:
        """Run a statement that makes the model into ``world``, in a transaction or as a commit."""
        self.say(sql)
        self.world = world
        self.settle()

    def refused(self, sql: str, kind: type[GrizzlyError] = IntegrityError) -> None:
        """Run a statement that must be refused and change nothing."""
        try:
            self.say(sql)
        except kind:
            self.settle()
        else:
            raise Unlike(f"not refused: {sql}")

    def settle(self) -> None:
        """Every version that there is now and was not before is what the model is now."""
        if not self.session.in_transaction:
            newest = self.session.timeline.head.seq
            for line, worlds in self.lines.items():
                last = max(worlds)
                for version in range(last + 1, newest + 1):
                    worlds[version] = self.world if line == self.line else worlds[last]

    def sweep(self) -> Session:
        """Check, leave no table behind, and return the session for the history that follows."""
        self.check()
        self.check()
        for name in sorted(self.world):
            self.say(f"DROP TABLE {name}")
        for mark in self.marks:
            self.say(f"DROP WATERMARK {mark}")
        return self.session

    def close(self) -> None:
        if self.session.in_transaction:
            self.say("ROLLBACK")
        self.session.close()

    # ------------------------------------------------------------------ what can happen

    def pick(self) -> str | None:
        names = sorted(self.world if self.only is None else self.only & self.world.keys())
        return self.dice.choice(names) if names else None

    def put(self, name: str, rows: list[Row] | tuple[Row, ...]) -> World:
        return {**self.world, name: replace(self.world[name], rows=tuple(rows))}

    def create(self, name: str | None = None, *, keyed: bool | None = None) -> None:
        dice = self.dice
        keyed = dice.random() < 0.7 if keyed is None else keyed
        name = name or dice.choice("tuv")
        self.uids += 1
        key = " PRIMARY KEY" if keyed else ""
        kind = dice.choice(TYPES)
        exists = name in self.world
        verb = "CREATE OR REPLACE TABLE" if exists else "CREATE TABLE"
        columns = (Column(1, "k", "INTEGER"), Column(2, "v", "INTEGER"), Column(3, "s", "VARCHAR"))
        table = Table(self.uids, columns, (), keyed)
        if dice.random() < 0.3:
            n = dice.randrange(6)
            rows = [{1: i, 2: i * i, 3: "x"} for i in range(n)]
            options = f"type = '{kind}'" + (", key = (k)" if keyed else "")
            sql = (
                f"{verb} {name} WITH ({options}) AS SELECT i::INTEGER AS k, (i * i)::INTEGER AS v, "
                f"'x' AS s FROM range({n}) r(i)"
            )
            self.step(sql, {**self.world, name: replace(table, rows=tuple(rows))})
            return
        sql = f"{verb} {name} (k INTEGER{key}, v INTEGER, s VARCHAR) WITH (type = '{kind}')"
        self.step(sql, {**self.world, name: table})

    def drop(self) -> None:
        name = self.pick()
        if name is not None:
            self.step(f"DROP TABLE {name}", {n: t for n, t in self.world.items() if n != name})

    def _fresh(self, table: Table, count: int) -> list[Row]:
        """Return rows with a value for each column, of keys that differ from each other."""
        keys = self.dice.sample(range(14), count)
        return [{c.number: self._value(c, k) for c in table.columns} for k in keys]

    def _value(self, column: Column, key: int) -> Any:
        if column.number == 1:
            return key
        if column.type == "VARCHAR":
            return self.dice.choice(WORDS)
        if column.type == "DOUBLE":
            return self.dice.choice((0.5, -1.0, None, float(self.dice.randrange(4))))
        return self.dice.choice((None, self.dice.randrange(6)))

    def _listed(self, table: Table, rows: list[Row]) -> str:
        def literal(value: Any) -> str:
            if value is None:
                return "NULL"
            return f"'{value}'" if isinstance(value, str) else str(value)

        shown = (", ".join(literal(v) for v in table.shown(r)) for r in rows)
        return ", ".join(f"({row})" for row in shown)

    def insert(self) -> None:
        name = self.pick()
        if name is None:
            return
        table = self.world[name]
        rows = self._fresh(table, self.dice.randrange(1, 5))
        sql = f"INSERT INTO {name} VALUES {self._listed(table, rows)}"
        taken = {r[1] for r in table.rows}
        if table.keyed and any(r[1] in taken for r in rows):
            self.refused(sql)
            return
        self.step(sql, self.put(name, [*table.rows, *rows]))

    def upsert(self) -> None:
        name = self.pick()
        if name is None or not self.world[name].keyed:
            return
        table = self.world[name]
        rows = self._fresh(table, self.dice.randrange(1, 6))
        merged = {r[1]: r for r in table.rows} | {r[1]: r for r in rows}
        sql = f"UPSERT INTO {name} VALUES {self._listed(table, rows)}"
        self.step(sql, self.put(name, list(merged.values())))

    def merge(self) -> None:
        """Delete the even keys of a source, update its odd ones, insert those that are not there."""
        name = self.pick()
        if name is None or not self.world[name].keyed or not self._plain(self.world[name]):
            return
        table = self.world[name]
        v = table.columns[1].number
        keys = sorted(self.dice.sample(range(14), self.dice.randrange(1, 6)))
        rows = {r[1]: r for r in table.rows}
        for k in keys:
            if k in rows and k % 2 == 0:
                del rows[k]
            elif k in rows:
                rows[k] = {**rows[k], v: 99}
            else:
                rows[k] = {c.number: c.initial for c in table.columns} | {1: k, v: 7}
                rows[k] |= {c.number: None for c in table.columns[2:]}
        source = ", ".join(f"({k})" for k in keys)
        nulls = "".join(", NULL" for _ in table.columns[2:])
        sql = (
            f"MERGE INTO {name} USING (VALUES {source}) x(key) ON {table.columns[0].name} = x.key "
            f"WHEN MATCHED AND x.key % 2 = 0 THEN DELETE "
            f"WHEN MATCHED THEN UPDATE SET {table.columns[1].name} = 99 "
            f"WHEN NOT MATCHED THEN INSERT VALUES (x.key, 7{nulls})"
        )
        self.step(sql, self.put(name, list(rows.values())))

    @staticmethod
    def _plain(table: Table) -> bool:
        return len(table.columns) > 1 and table.columns[1].type in ("INTEGER", "BIGINT", "DOUBLE")

    def _some(self, table: Table) -> tuple[str, Any]:
        """Return a condition on keys as SQL and as a function."""
        m, r = self.dice.randrange(1, 5), self.dice.randrange(4)
        return f"{table.columns[0].name} % {m} = {r % m}", lambda row: row[1] % m == r % m

    def update(self) -> None:
        name = self.pick()
        if name is None:
            return
        table = self.world[name]
        where, meets = self._some(table)
        column = self.dice.choice(table.columns[1:]) if len(table.columns) > 1 else None
        if column is None:
            return
        value = self._value(column, 0)
        if column.type != "VARCHAR" and self.dice.random() < 0.5:
            change = f"{column.name} + 1"

            def new(row: Row) -> Any:
                old = row.get(column.number, column.initial)
                return None if old is None else old + 1
        else:
            change = "NULL" if value is None else repr(value)

            def new(row: Row) -> Any:  # noqa: ARG001
                return value

        rows = [{**r, column.number: new(r)} if meets(r) else r for r in table.rows]
        self.step(f"UPDATE {name} SET {column.name} = {change} WHERE {where}", self.put(name, rows))

    def rekey(self) -> None:
        """Change keys: all of them turned round, or moved aside."""
        name = self.pick()
        if name is None:
            return
        table = self.world[name]
        k = table.columns[0].name
        by = self.dice.choice((1, 3))
        moved = [{**r, 1: (r[1] + by) % 20} for r in table.rows]
        sql = f"UPDATE {name} SET {k} = ({k} + {by}) % 20"
        if table.keyed and len({r[1] for r in moved}) < len(moved):
            self.refused(sql)
            return
        self.step(sql, self.put(name, moved))

    def delete(self) -> None:
        name = self.pick()
        if name is None:
            return
        where, meets = self._some(self.world[name])
        rows = [r for r in self.world[name].rows if not meets(r)]
        self.step(f"DELETE FROM {name} WHERE {where}", self.put(name, rows))

    def truncate(self) -> None:
        name = self.pick()
        if name is not None:
            self.step(f"TRUNCATE {name}", self.put(name, []))

    def _alter(self, name: str, columns: tuple[Column, ...], action: str) -> None:
        table = replace(self.world[name], columns=columns)
        self.step(f"ALTER TABLE {name} {action}", {**self.world, name: table})

    def add_column(self) -> None:
        name = self.pick()
        if name is None or len(self.world[name].columns) > 5:
            return
        self.numbers += 1
        kind = self.dice.choice(("INTEGER", "VARCHAR", "DOUBLE"))
        initial = self.dice.choice((None, {"INTEGER": 5, "VARCHAR": "new", "DOUBLE": 2.5}[kind]))
        taken = {c.name for c in self.world[name].columns}
        label = next(
            n for n in ("v", "s", "w", "x", "y", "z", f"c{self.numbers}") if n not in taken
        )
        default = "" if initial is None else f" DEFAULT {initial!r}"
        columns = (*self.world[name].columns, Column(self.numbers, label, kind, initial))
        self._alter(name, columns, f"ADD COLUMN {label} {kind}{default}")

    def drop_column(self) -> None:
        name = self.pick()
        if name is None or len(self.world[name].columns) < 3:
            return
        gone = self.dice.choice(self.world[name].columns[1:])
        columns = tuple(c for c in self.world[name].columns if c != gone)
        self._alter(name, columns, f"DROP COLUMN {gone.name}")

    def rename_column(self) -> None:
        name = self.pick()
        if name is None:
            return
        old = self.dice.choice(self.world[name].columns)
        self.names += 1
        new = f"n{self.names}"
        columns = tuple(replace(c, name=new) if c == old else c for c in self.world[name].columns)
        self._alter(name, columns, f"RENAME COLUMN {old.name} TO {new}")

    def widen(self) -> None:
        """INTEGER becomes BIGINT or DOUBLE; the model's numbers are the same."""
        name = self.pick()
        if name is None:
            return
        narrow = [c for c in self.world[name].columns[1:] if c.type == "INTEGER"]
        if not narrow:
            return
        old = self.dice.choice(narrow)
        new = self.dice.choice(("BIGINT", "DOUBLE"))
        columns = tuple(replace(c, type=new) if c == old else c for c in self.world[name].columns)
        self._alter(name, columns, f"ALTER COLUMN {old.name} TYPE {new}")

    def rename_table(self) -> None:
        name = self.pick()
        if name is None:
            return
        free = [n for n in "tuv" if n not in self.world]
        if free:
            new = self.dice.choice(free)
            world = {new if n == name else n: t for n, t in self.world.items()}
            self.step(f"ALTER TABLE {name} RENAME TO {new}", world)

    def set_type(self) -> None:
        name = self.pick()
        if name is not None:
            self.step(f"ALTER TABLE {name} SET (type = '{self.dice.choice(TYPES)}')", self.world)

    def compact(self) -> None:
        name = self.pick()
        whole = name is None or self.dice.random() < 0.2
        self.step("COMPACT" if whole else f"COMPACT {name}", self.world)

    def optimize(self) -> None:
        name = self.pick()
        if name is not None:
            column = self.dice.choice(self.world[name].columns).name
            self.step(f"OPTIMIZE {name} CLUSTER BY ({column})", self.world)

    def restore(self) -> None:
        """Take a table back to any version, whatever it was called and had then."""
        if self.session.in_transaction:
            return
        version = self.dice.choice(sorted(self.worlds))
        then = self.worlds[version]
        if not then:
            return
        name = self.dice.choice(sorted(then))
        old = then[name]
        # A table that bears another name now comes back under its old one.
        world = {n: t for n, t in self.world.items() if n != name and t.uid != old.uid}
        sql = f"RESTORE TABLE {name} TO VERSION {version}"
        if version in self.gone:
            with suppress(VacuumedError):
                self.step(sql, {**world, name: old})
        else:
            self.step(sql, {**world, name: old})

    def snapshot(self) -> None:
        self.names += 1
        self.held.add(self.session.timeline.head.seq)
        self.step(f"CREATE SNAPSHOT `s{self.begin}_{self.names}`", self.world)

    def watermark(self) -> None:
        """Begin a watermark, or move one on."""
        name = self.pick()
        if name is None:
            return
        head = self.session.version
        uid = self.world[name].uid
        mark = next((m for m, (u, _) in self.marks.items() if u == uid), None)
        if mark is None:
            mark = f"w{self.begin}_{uid}"
            self.step(f"CREATE WATERMARK {mark} ON {name}", self.world)
        else:
            self.step(f"ADVANCE WATERMARK {mark}", self.world)
        self.marks[mark] = (uid, head)

    def check_watermarks(self) -> None:
        """A watermark is where it was put, and leads from there to the end."""
        found = dict(self.rows("SELECT name, version FROM grizzly.watermarks"))
        now = max(self.worlds)
        for mark, (uid, version) in self.marks.items():
            if found[mark] != version:
                raise Unlike(f"{mark} is at {found[mark]}, not at {version}")
            for name, table in self.worlds[now].items():
                if table.uid == uid and not self._torn(version, now, name):
                    sql = f"SELECT * FROM (CHANGES FROM {name} SINCE WATERMARK {mark})"
                    start = self._start(version, now, name)
                    if _applied(start, self.rows(sql)) != table.bag():
                        raise Unlike(f"{sql} does not lead to the end")

    def vacuum(self) -> None:
        """Throw away what no kept version needs; nothing that is kept may be missing."""
        keep = self.dice.randrange(1, 6)
        head = self.session.version
        self.say(f"VACUUM RETAIN {keep} VERSIONS RUN")
        self.settle()
        lost = {v for v in self.worlds if v <= head - keep and v not in self.held}
        self.gone |= lost
        if self.dice.random() < 0.3:
            self.say("UNVACUUM")
            self.settle()
            self.gone.clear()

    def branch(self) -> None:
        """A branch changes one table while main changes the others; then it is merged, or not."""
        if self.session.in_transaction or not self.world:
            return
        chosen = self.dice.choice(sorted(self.world))
        self.names += 1
        name = f"b{self.begin}_{self.names}"
        mine = dict(self.worlds)
        self.say(f"CREATE BRANCH {name}")
        self.settle()
        newest = self.session.timeline.head.seq
        self.lines[name] = mine | {newest: self.world}
        main, self.only = self.world, {chosen}
        self._use(name)
        for _ in range(self.dice.randrange(1, 5)):
            self.act(BESIDE)
        self.check()
        theirs = self.world
        self._use("main")
        self.world, self.only = main, main.keys() - {chosen}
        for _ in range(self.dice.randrange(3)):
            self.act([*BESIDE, "compact"])
        self.check()
        if self.dice.random() < 0.8:
            self.step(f"MERGE BRANCH {name}", {**self.world, chosen: theirs[chosen]})
            self.lines[name] |= {max(self.worlds): self.world}
            self.check()
        self.only = None
        self.say(f"DROP BRANCH {name}")
        del self.lines[name]
        self.settle()

    def _use(self, line: str) -> None:
        self.say(f"USE BRANCH {line}")
        self.line = line

    def transaction(self) -> None:
        """Several steps as one commit, or none of them."""
        if self.session.in_transaction:
            return
        before = self.world
        self.say("BEGIN")
        for _ in range(self.dice.randrange(1, 5)):
            self.act(INSIDE)
        if self.dice.random() < 0.4:
            then = self.world
            self.say("SAVEPOINT here")
            for _ in range(self.dice.randrange(1, 4)):
                self.act(INSIDE)
            if self.dice.random() < 0.7:
                self.say("ROLLBACK TO here")
                self.world = then
        if self.dice.random() < 0.25:
            self.say("ROLLBACK")
            self.world = before
        else:
            self.say("COMMIT")
        self.settle()

    def reopen(self) -> None:
        if not self.session.in_transaction:
            self.session.close()
            self.session = connect(self.folder)

    def act(self, acts: list[str]) -> None:
        getattr(self, self.dice.choice(acts))()

    # ------------------------------------------------------------------ what must hold

    def check(self) -> None:
        """The newest state, one earlier state and the changes of two ranges are what the model says."""
        if not self.worlds:
            return
        versions = sorted(self.worlds)
        self.check_state(versions[-1], present=True)
        self.check_watermarks()
        for version in self.dice.choices(versions, k=2):
            with self._perhaps({version}):
                self.check_state(version)
        a, b = sorted(self.dice.choices(versions, k=2))
        with self._perhaps(set(range(a, b + 1))):
            self.check_changes(a, b)

    @contextmanager
    def _perhaps(self, needed: set[int]) -> Iterator[None]:
        """Let what may have been vacuumed say so; what it does say must be right all the same."""
        try:
            yield
        except VacuumedError as error:
            if not needed & self.gone:
                raise Unlike(f"{sorted(needed)} are kept: {error}") from error

    def check_state(self, version: int, *, present: bool = False) -> None:
        for name, table in self.worlds[version].items():
            behind = "" if present else f" AS OF VERSION {version}"
            found = Counter(self.rows(f"SELECT * FROM {name}{behind}"))
            if found != table.bag():
                raise Unlike(f"{name}{behind}: {dict(found)} is not {dict(table.bag())}")

    def _torn(self, a: int, b: int, name: str) -> bool:
        """Say whether a column was BIGINT and DOUBLE in a range: no type holds the values of both."""
        uid = self.worlds[b][name].uid
        kinds: dict[int, set[str]] = {}
        for version in range(a, b + 1):
            for table in self.worlds[version].values():
                for column in table.columns if table.uid == uid else ():
                    kinds.setdefault(column.number, set()).add(column.type)
        return any({"BIGINT", "DOUBLE"} <= found for found in kinds.values())

    def check_changes(self, a: int, b: int) -> None:
        for name in self.worlds[b]:
            try:
                self._check_changes(a, b, name)
            except UnsupportedError:
                if not self._torn(a, b, name):
                    raise

    def _check_changes(self, a: int, b: int, name: str) -> None:
        table = self.worlds[b][name]
        start, end = self._start(a, b, name), table.bag()
        for shape in ("FULL", "NET"):
            sql = f"CHANGES {shape} FROM {name} SINCE VERSION {a} UNTIL VERSION {b}"
            log = self.rows(f"SELECT * FROM ({sql})")
            if (found := _applied(start, log)) != end:
                raise Unlike(f"{sql}: {dict(start)} with {log} is {dict(found)}, not {dict(end)}")
            if shape == "NET":
                self._check_net(sql, log)
            elif [r[-2] for r in log] != sorted(r[-2] for r in log):
                raise Unlike(f"{sql}: not in the order of commits")
        self._check_final(a, b, name, start)

    def _start(self, a: int, b: int, name: str) -> Counter[Shown]:
        """Return the rows at ``a`` as the table's columns at ``b`` show them."""
        end = self.worlds[b][name]
        old = next((t for t in self.worlds[a].values() if t.uid == end.uid), None)
        if old is not None:
            return replace(end, rows=old.rows).bag()
        before = self.worlds[a].get(name)
        if before is None or any(t.uid == before.uid for t in self.worlds[b].values()):
            return Counter()
        there = {(c.name, c.type): c for c in before.columns}
        matched = [there.get((c.name, c.type)) for c in end.columns]
        return Counter(
            tuple(None if c is None else r.get(c.number, c.initial) for c in matched)
            for r in before.rows
        )

    def _check_net(self, sql: str, log: list[Shown]) -> None:
        for one, two in pairwise(log):
            if one[-3] == "update_preimage" and (
                two[-3] != "update_postimage" or one[:-3] == two[:-3]
            ):
                raise Unlike(f"{sql}: {one} before {two}")

    def _check_final(self, a: int, b: int, name: str, start: Counter[Shown]) -> None:
        """SINCE gives at most one row for each key, which leads from the start to the end."""
        table = self.worlds[b][name]
        sql = f"SELECT * FROM {name} SINCE VERSION {a} UNTIL VERSION {b}"
        log = self.rows(sql)
        if not table.keyed or any(n > 1 for n in Counter(r[0] for r in start.elements()).values()):
            return
        state = {r[0]: r for r in start.elements()}
        seen = Counter(r[0] for r in log)
        for row in log:
            known = row[0] in state
            if row[-3] == "delete":
                if not known or state.pop(row[0]) != row[:-3]:
                    raise Unlike(f"{sql}: {row} deletes what was not there")
                continue
            if (row[-3] == "insert") == known:
                raise Unlike(f"{sql}: {row} but known is {known}")
            state[row[0]] = row[:-3]
        if Counter(state.values()) != table.bag() or any(n > 1 for n in seen.values()):
            raise Unlike(f"{sql}: {log}")


def _applied(start: Counter[Shown], log: list[Shown]) -> Counter[Shown]:
    rows = Counter(start)
    for row in log:
        rows[row[:-3]] += -1 if row[-3] in ("delete", "update_preimage") else 1
    return Counter({r: n for r, n in rows.items() if n})


INSIDE = [
    *["insert", "upsert", "update", "delete"] * 4,
    *["merge", "rekey"] * 2,
    *["truncate", "add_column", "rename_column", "drop_column", "create", "drop", "compact"],
]
BESIDE = [
    *["insert", "upsert", "update", "delete"] * 3,
    *["merge", "rekey", "add_column", "rename_column", "compact"],
]
OUTSIDE = [
    *["insert", "upsert", "update", "delete"] * 5,
    *["merge", "rekey", "compact", "restore", "transaction", "create"] * 2,
    *["truncate", "drop", "snapshot", "reopen", "set_type", "branch", "branch", "watermark"],
    *["vacuum", "optimize"],
    *["add_column", "drop_column", "rename_column", "widen", "rename_table"],
]


def run(history: History, steps: int) -> Session:
    """Do random things and check now and then; an error tells everything that was said."""
    try:
        history.create("t")
        for n in range(1, steps + 1):
            history.act(OUTSIDE)
            if n % 5 == 0:
                history.check()
        return history.sweep()
    except Exception as error:
        with suppress(Exception):
            history.close()
        raise Unlike("\n".join([*history.said, f"{type(error).__name__}: {error}"])) from error
