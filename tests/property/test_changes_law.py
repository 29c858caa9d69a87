"""S(a) with its changes up to b is S(b), for any history."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from engine.session import connect, create_lake

if TYPE_CHECKING:
    from pathlib import Path

    from engine.session import Session

Row = tuple[object, ...]


def rows(session: Session, sql: str) -> list[Row]:
    (result,) = session.run(sql)
    table = result.table()
    return list(zip(*(c.to_pylist() for c in table.columns), strict=True))


def run(session: Session, sql: str) -> None:
    for result in session.run(sql):
        result.spool()


def step(session: Session, dice: random.Random, newest: int) -> None:
    """Do one random thing to the table."""
    key = dice.randrange(12)
    kind = dice.randrange(10)
    if kind < 3:
        run(session, f"UPSERT INTO t VALUES ({key}, {dice.randrange(5)})")
    elif kind == 3:
        run(session, f"UPDATE t SET v = v + 1 WHERE k % 3 = {key % 3}")
    elif kind == 4:
        run(session, f"DELETE FROM t WHERE k = {key}")
    elif kind == 5:
        run(session, f"INSERT OR IGNORE INTO t SELECT x, x FROM range({key}) r(x)")
    elif kind == 6:
        run(session, "COMPACT t")
    elif kind == 7:
        run(session, f"RESTORE TABLE t TO VERSION {dice.randrange(1, newest + 1)}")
    elif kind == 8:
        run(
            session,
            f"BEGIN; DELETE FROM t WHERE k = {key}; INSERT INTO t VALUES ({key}, 9);"
            f" UPDATE t SET v = 7 WHERE k = {key}; COMMIT",
        )
    else:
        run(session, "TRUNCATE t" if dice.random() < 0.3 else "DELETE FROM t WHERE v > 3")


def check(session: Session, a: int, b: int) -> None:
    before = Counter(rows(session, f"SELECT k, v FROM t AS OF VERSION {a}"))
    after = Counter(rows(session, f"SELECT k, v FROM t AS OF VERSION {b}"))
    log = rows(
        session,
        f"SELECT k, v, _change FROM (CHANGES FROM t SINCE VERSION {a} UNTIL VERSION {b})",
    )
    for k, v, change in log:
        before[k, v] += -1 if change in ("delete", "update_preimage") else 1
    assert {r: n for r, n in before.items() if n} == dict(after), (a, b)


def check_net(session: Session, a: int, b: int) -> None:
    """SINCE gives one final row for each key that differs."""
    before = dict(rows(session, f"SELECT k, v FROM t AS OF VERSION {a}"))
    after = dict(rows(session, f"SELECT k, v FROM t AS OF VERSION {b}"))
    found = rows(session, f"SELECT k, v, _change FROM t SINCE VERSION {a} UNTIL VERSION {b}")
    keys = [k for k, _, _ in found]
    assert len(keys) == len(set(keys))
    for k, v, change in found:
        if change == "delete":
            assert k in before
            del before[k]
        else:
            assert (change == "insert") == (k not in before), (k, change)
            before[k] = v
    assert before == after, (a, b)


def history(folder: Path, seed: int, steps: int) -> None:
    create_lake(folder)
    session = connect(folder)
    try:
        run(session, "CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)")
        dice = random.Random(seed)
        for _ in range(steps):
            step(session, dice, session.timeline.head.seq)
        newest = session.timeline.head.seq
        for _ in range(steps):
            a, b = sorted(dice.randrange(1, newest + 1) for _ in range(2))
            check(session, a, b)
            check_net(session, a, b)
    finally:
        session.close()


@pytest.mark.parametrize("seed", range(3))
def test_a_state_and_its_changes_make_the_later_state(tmp_path: Path, seed: int) -> None:
    history(tmp_path / "lake", seed, 25)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 140))
def test_the_law_over_many_histories(tmp_path: Path, seed: int) -> None:
    history(tmp_path / "lake", seed, 80)
