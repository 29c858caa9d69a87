"""Whatever a lakehouse went through, its copies are it: backups, restored moments, and news applied."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from unittest import mock

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from engine.archive import apply, back_up, pack, restore, runs
from engine.session import Session, connect, create_lake

# Reading a statement raises the recursion limit.
pytestmark = pytest.mark.filterwarnings("ignore:The recursion limit")

STEPS = st.sampled_from(
    [
        "INSERT INTO t SELECT max(id) + 1, 'one' FROM (SELECT id FROM t UNION ALL SELECT 0)",
        (
            "INSERT INTO t SELECT i + (SELECT coalesce(max(id), 0) FROM t), md5(i::TEXT)"
            " FROM range(1, 3001) r(i)"
        ),
        "UPDATE t SET s = s || '!' WHERE id % 7 = 3",
        "DELETE FROM t WHERE id % 5 = 2",
        "COMPACT t",
        "CREATE OR REPLACE TABLE u AS SELECT * FROM t WHERE id < 50",
        "CREATE OR REPLACE SNAPSHOT s",
        "RESTORE TABLE t TO VERSION 1",
        "PUT BLOB 'b' FROM '{file}'",
        "DROP BLOB IF EXISTS b",
        "BACKUP",
    ]
)


def run(session: Session, sql: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for result in session.run(sql):
        rows = result.table().to_pylist() if result.kind == "rows" else []
    return rows


def everything(lake: Path) -> list[object]:
    with closing(connect(lake)) as session:
        names = ["grizzly.tables", "grizzly.files", "grizzly.blobs", "grizzly.timeline"]
        names += [table.name for table in session.tables()]
        return [run(session, f"FROM {name} ORDER BY ALL") for name in names]


def sound(lake: Path) -> bool:
    with closing(connect(lake, read_only=True)) as session:
        return all(finding.ok for finding in session.verify())


def live(steps: list[str], folder: Path) -> None:
    """Do what is said to a lakehouse, back it up in between, and compare all copies in the end."""
    lake, copy, file = folder / "shop", folder / "copy", folder / "file"
    create_lake(lake)
    with closing(connect(lake)) as session:
        run(session, "CREATE TABLE t (id INT PRIMARY KEY, s TEXT)")
        for number, step in enumerate(steps):
            if step == "BACKUP":
                back_up(lake, copy)
                continue
            file.write_bytes(bytes([number]) * 70_000 * (number % 2) + b"x")
            run(session, step.format(file=file))
        newest = session.version
    back_up(lake, copy)
    packed = pack(lake, folder / "shop.gobi")
    restore(copy, folder / "restored")
    expected = everything(lake)
    for other in (copy, folder / "restored", folder / "shop.gobi"):
        assert everything(other) == expected
    assert sound(copy)
    assert sound(folder / "restored")
    assert pack(folder / "restored", folder / "again.gobi").sha256 == packed.sha256
    for before in sorted({run.commits - 1 for run in runs(copy)} - {newest}):
        restore(copy, folder / "then", at=before)
        pack(lake, folder / "news.gobi", since=before)
        apply(folder / "news.gobi", folder / "then")
        assert pack(folder / "then", folder / "again.gobi").sha256 == packed.sha256
        shutil.rmtree(folder / "then")


def check(steps: list[str]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch("os.fsync"),
        mock.patch("os.fdatasync"),
    ):
        live(steps, Path(folder))


@settings(deadline=None, max_examples=2, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=3, max_size=8))
def test_copies_are_the_lakehouse(steps: list[str]) -> None:
    check(steps)


@pytest.mark.slow
@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=1, max_size=25))
def test_copies_of_long_lives_are_the_lakehouse(steps: list[str]) -> None:
    check(steps)
