"""After every vacuum every kept version answers as before, and no version ever answers otherwise."""

from __future__ import annotations

import random
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from engine.errors import GrizzlyError, VacuumedError
from engine.session import connect, create_lake
from tests.unit.upkeep.lakes import Row, rows, run

if TYPE_CHECKING:
    from pathlib import Path

    from engine.session import Session


@pytest.fixture
def filed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every object gets a file of its own, however small it is."""
    monkeypatch.setattr("engine.execute.workspace.INLINE_BYTES", 0)
    monkeypatch.setattr("engine.execute.encoding.INLINE_ROWS", 0)
    monkeypatch.setattr("engine.execute.upkeep.vacuum.INLINE_BYTES", 0)


def step(session: Session, dice: random.Random) -> None:
    key, kind = dice.randrange(12), dice.randrange(9)
    statements = [
        f"UPSERT INTO t VALUES ({key}, {dice.randrange(5)})",
        f"UPSERT INTO t VALUES ({key}, {dice.randrange(5)}), ({key + 1}, 3)",
        f"UPDATE t SET v = v + 1 WHERE k % 3 = {key % 3}",
        f"DELETE FROM t WHERE k = {key}",
        "COMPACT t",
        f"CREATE OR REPLACE SNAPSHOT s{dice.randrange(3)}",
        f"DROP SNAPSHOT IF EXISTS s{dice.randrange(3)}",
        f"RESTORE TABLE t TO VERSION {max(1, session.version - dice.randrange(4))}",
        "TRUNCATE t" if dice.random() < 0.2 else f"INSERT OR IGNORE INTO t VALUES ({key}, 0)",
    ]
    try:
        run(session, statements[kind])
    except VacuumedError:
        assert kind == 7


def answers(session: Session, version: int) -> list[Row] | None:
    try:
        return rows(session, f"SELECT k, v FROM t AS OF VERSION {version} ORDER BY k")
    except VacuumedError:
        return None


def vacuum(session: Session, dice: random.Random, known: dict[int, list[Row]]) -> None:
    keep = dice.randrange(1, 6)
    held = {r[0] for r in rows(session, "SELECT version FROM grizzly.snapshots")}
    head = session.version
    run(session, f"VACUUM RETAIN {keep} VERSIONS RUN")
    for version, then in known.items():
        now = answers(session, version)
        assert now == then or (now is None and version <= head - keep and version not in held)


def history(folder: Path, seed: int, steps: int) -> None:
    create_lake(folder)
    dice = random.Random(seed)
    with closing(connect(folder)) as session:
        run(session, "CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)")
        known: dict[int, list[Row]] = {}
        gone = 0
        for number in range(steps):
            step(session, dice)
            known[session.version] = answers(session, session.version) or []
            if number % 8 == 7:
                vacuum(session, dice, known)
                gone += sum(answers(session, v) is None for v in known)
            if number % 24 == 23:
                run(session, "UNVACUUM")
                assert all(answers(session, v) == then for v, then in known.items())
        assert gone
        assert all(finding.ok for finding in session.verify())


@pytest.mark.usefixtures("filed")
@pytest.mark.parametrize("seed", range(2))
def test_what_is_kept_answers_as_before(tmp_path: Path, seed: int) -> None:
    history(tmp_path / "lake", seed, 24)


@pytest.mark.slow
@pytest.mark.usefixtures("filed")
@pytest.mark.parametrize("seed", range(100, 160))
def test_what_is_kept_answers_as_before_over_many_histories(tmp_path: Path, seed: int) -> None:
    history(tmp_path / "lake", seed, 96)


@pytest.mark.usefixtures("filed")
def test_a_step_that_fails_leaves_no_half_vacuum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever move or commit a vacuum stops at, every kept version answers and all comes back."""
    create_lake(tmp_path / "lake")
    with closing(connect(tmp_path / "lake")) as session:
        run(session, "CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)")
        for number in range(6):
            run(session, f"UPSERT INTO t SELECT i, {number} FROM range(3) r(i)")
            run(session, "COMPACT t")
        head = session.version
        known = {v: answers(session, v) for v in range(2, head + 1)}
    store = "engine.objectstore.local.LocalStore"
    for stop in range(1, 30):
        left = [stop]

        def failing(name: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt(name)

        with closing(connect(tmp_path / "lake")) as session, monkeypatch.context() as patch:
            for name in ("move", "append", "put"):
                real = getattr(type(session.timeline.store), name)

                def stopping(self: object, *args: object, real=real, name=name) -> object:  # type: ignore[no-untyped-def]
                    failing(name)
                    return real(self, *args)

                patch.setattr(f"{store}.{name}", stopping)
            try:
                run(session, "VACUUM RETAIN 1 VERSIONS RUN")
                run(session, "UNVACUUM")
            except KeyboardInterrupt:
                pass
            except GrizzlyError as error:  # pragma: no cover - would be a finding
                raise AssertionError(stop) from error
        with closing(connect(tmp_path / "lake")) as session:
            assert answers(session, head) == known[head]
            assert all(answers(session, v) in (None, then) for v, then in known.items())
            run(session, "UNVACUUM")
            assert all(answers(session, v) == then for v, then in known.items()), stop
        if left[0] > 0:
            break
    else:
        raise AssertionError("a vacuum has fewer steps than that")
