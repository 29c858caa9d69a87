"""Random histories: every version is what DuckDB's table was then, and S(a) ⊎ CHANGES = S(b)."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from engine.errors import IntegrityError
from engine.session import Session, connect, create_lake

Row = tuple[object, ...]
COLUMNS = "id, a, b"
LEAVING, ARRIVING = ("delete", "update_preimage"), ("insert", "update_postimage")


class History:
    """The same random statements on a lakehouse and on DuckDB's own table, remembered by version."""

    def __init__(self, session: Session, native: duckdb.DuckDBPyConnection, seed: int) -> None:
        self._session = session
        self._native = native
        self._dice = random.Random(seed)
        self.versions: dict[int, Counter[Row]] = {}
        self.script: list[str] = []
        table = "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b VARCHAR)"
        native.execute(table)
        self._lake(table)
        self._remember()

    def _lake(self, sql: str) -> None:
        self.script.append(sql)
        for result in self._session.run(sql):
            if result.kind == "rows":
                result.table()

    def _remember(self) -> None:
        rows = self._native.execute(f"SELECT {COLUMNS} FROM t").fetchall()
        self.versions[self._session.version] = Counter(rows)

    def _span(self) -> tuple[int, int]:
        low = self._dice.randrange(60)
        return low, low + self._dice.choice([0, 1, 3, 10, 40])

    def _rows(self) -> str:
        low, high = self._span()
        return f"SELECT i, {self._dice.randrange(9)}, 'v{len(self.script)}' FROM range({low}, {high}) r(i)"

    def _where(self) -> str:
        low, high = self._span()
        return self._dice.choice(
            [f"id BETWEEN {low} AND {high}", f"a = {low % 9}", f"id % 7 = {low % 7}", f"id = {low}"]
        )

    def _statement(self) -> tuple[str, str]:
        """Return a statement for the lakehouse and its twin for DuckDB."""
        kind = self._dice.randrange(7)
        if kind < 2:
            rows = self._rows()
            return f"UPSERT INTO t {rows}", f"INSERT OR REPLACE INTO t {rows}"
        if kind == 2:
            rows = f"{self._rows()} WHERE i NOT IN (SELECT id FROM t)"
            return (f"INSERT INTO t {rows}",) * 2
        if kind == 3:
            return (f"UPDATE t SET a = a + 1, b = b || '.' WHERE {self._where()}",) * 2
        if kind == 4:
            return (f"UPDATE t SET id = id + 1000 WHERE {self._where()} AND id < 100",) * 2
        return (f"DELETE FROM t WHERE {self._where()}",) * 2

    def step(self) -> None:
        roll = self._dice.random()
        if roll < 0.1:
            self._lake("COMPACT t")
        elif roll < 0.2 and len(self.versions) > 1:
            self._restore(self._dice.choice(sorted(self.versions)))
        elif roll < 0.4:
            self._transaction(self._dice.choice(["COMMIT", "COMMIT", "ROLLBACK"]))
        else:
            self._alone(*self._statement())
        self._remember()

    def _alone(self, ours: str, theirs: str) -> None:
        try:
            self._native.execute(theirs)
        except duckdb.ConstraintException:
            with pytest.raises(IntegrityError):
                self._lake(ours)
        else:
            self._lake(ours)

    def _transaction(self, end: str) -> None:
        pairs = [("BEGIN", "BEGIN"), *(self._statement() for _ in range(3)), (end, end)]
        for ours, theirs in pairs:
            try:
                self._native.execute(theirs)
            except duckdb.ConstraintException:
                # DuckDB cannot delete and insert one key twice in a transaction; take neither.
                self._native.execute("ROLLBACK")
                self._lake("ROLLBACK")
                return
            self._lake(ours)

    def _restore(self, version: int) -> None:
        self._native.execute("DELETE FROM t")
        rows = list(self.versions[version].elements())
        if rows:
            self._native.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
        self._lake(f"RESTORE TABLE t TO VERSION {version}")


def rows_of(session: Session, sql: str) -> list[dict[str, object]]:
    (result,) = session.run(sql)
    return list(result.table().to_pylist())


def plain(rows: list[dict[str, object]], *kinds: str) -> Counter[Row]:
    return Counter(
        (row["id"], row["a"], row["b"]) for row in rows if not kinds or row["_change"] in kinds
    )


def check_between(session: Session, history: History, since: int, until: int) -> None:
    before, after = history.versions[since], history.versions[until]
    full = rows_of(session, f"CHANGES FROM t SINCE VERSION {since} UNTIL VERSION {until}")
    assert {row["_change"] for row in full} <= {*LEAVING, *ARRIVING}
    arrived, left = plain(full, *ARRIVING), plain(full, *LEAVING)
    assert before + arrived == after + left
    net = rows_of(session, f"SELECT * FROM t SINCE VERSION {since} UNTIL VERSION {until}")
    keys = [row["id"] for row in net]
    now = {row[0]: row for row in after}
    then = {row[0]: row for row in before}
    for row in net:
        if row["_change"] == "delete":
            assert row["id"] in then
        else:
            assert (row["id"], row["a"], row["b"]) == now[row["id"]]
    changed = {key for key in {*now, *then} if now.get(key) != then.get(key)}
    assert changed <= set(keys)


def relive(folder: Path, seed: int, steps: int) -> None:
    create_lake(folder)
    with contextlib.closing(connect(folder)) as session, contextlib.closing(duckdb.connect()) as db:
        history = History(session, db, seed)
        dice = random.Random(seed)
        try:
            for _ in range(steps):
                history.step()
                assert (
                    plain(rows_of(session, "SELECT * FROM t")) == history.versions[session.version]
                )
            known = sorted(history.versions)
            for version in known:
                found = rows_of(session, f"SELECT * FROM t AS OF VERSION {version}")
                assert plain(found) == history.versions[version]
            for _ in range(8):
                since, until = sorted((dice.choice(known), dice.choice(known)))
                check_between(session, history, since, until)
            assert [f for f in session.verify() if not f.ok] == []
        except BaseException as error:
            error.add_note("\n".join([f"seed {seed}", *history.script]))
            raise


@pytest.mark.parametrize("kept", ["in the log", "as ORC"])
@pytest.mark.parametrize("seed", range(2))
def test_a_random_history_is_kept(
    seed: int, kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kept == "as ORC":
        monkeypatch.setattr("engine.execute.encoding.INLINE_ROWS", 0)
        monkeypatch.setattr("engine.execute.workspace.INLINE_BYTES", 0)
    relive(tmp_path / "lake", seed, 12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 160))
def test_many_random_histories_are_kept(seed: int, tmp_path: Path) -> None:
    relive(tmp_path / "lake", seed, 40)
