"""UNIQUE between writers, and definitions that are judged while others write."""

from __future__ import annotations

import random
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from engine.errors import ConflictError, IntegrityError
from engine.session import connect, create_lake

if TYPE_CHECKING:
    from pathlib import Path

    from engine.session import Session

WRITERS, WRITES, VALUES = 2, 12, 12


def run(session: Session, sql: str, params: object = None) -> list[tuple[object, ...]]:
    (result,) = session.run(sql, params)  # type: ignore[arg-type]
    columns = [column.to_pylist() for column in result.table().columns]
    return list(zip(*columns, strict=True))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    create_lake(tmp_path / "lake")
    return tmp_path / "lake"


def test_writers_never_share_a_unique_value(lake: Path) -> None:
    """Every insert either is there or was told that its value is taken; NULLs never collide."""
    with closing(connect(lake)) as session:
        run(session, "CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR UNIQUE, w INTEGER UNIQUE)")
    kept: list[int] = []
    failures: list[BaseException] = []

    def write(number: int) -> None:
        pick = random.Random(number)
        with closing(connect(lake)) as session:
            for at in range(WRITES):
                value, row = pick.randrange(VALUES), number * WRITES + at
                try:
                    text = "INSERT INTO t VALUES (?, ?, ?)"
                    run(session, text, [row, f"v{value}", value if value % 3 else None])
                except IntegrityError as error:
                    if error.code != "CONSTRAINT_001":
                        failures.append(error)
                except BaseException as error:
                    failures.append(error)
                    raise
                else:
                    kept.append(row)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with closing(connect(lake)) as session:
        assert [row for (row,) in run(session, "SELECT id FROM t ORDER BY id")] == sorted(kept)
        ((rows, values, some, distinct),) = run(
            session, "SELECT count(*), count(DISTINCT v), count(w), count(DISTINCT w) FROM t"
        )
    assert rows == values == len(kept)
    assert some == distinct


@pytest.mark.parametrize(
    ("alteration", "row"),
    [
        ("ADD UNIQUE (v)", "(3, 'a')"),
        ("ADD CHECK (id < 3)", "(3, 'c')"),
        ("ADD PRIMARY KEY (id)", "(1, 'c')"),
        ("ALTER COLUMN v SET NOT NULL", "(3, NULL)"),
    ],
)
def test_a_constraint_and_a_row_that_breaks_it_cannot_both_be_kept(
    lake: Path, alteration: str, row: str
) -> None:
    with closing(connect(lake)) as one, closing(connect(lake)) as two:
        run(one, "CREATE TABLE t (id INTEGER, v VARCHAR)")
        run(one, "INSERT INTO t VALUES (1, 'a'), (2, 'b')")
        for first, second in ((one, two), (two, one)):
            run(one, "BEGIN")
            run(two, "BEGIN")
            run(one, f"ALTER TABLE t {alteration}")
            run(two, f"INSERT INTO t VALUES {row}")
            run(first, "COMMIT")
            with pytest.raises(ConflictError):
                run(second, "COMMIT")
            run(one, "RESTORE TABLE t TO VERSION 2")
