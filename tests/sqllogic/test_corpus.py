"""Every statement of the corpus means on a lakehouse what it means to DuckDB."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.session import connect, create_lake
from tests.sqllogic.oracle import Oracle, cases, check

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(CORPUS.glob("*.sql"))


FORMED = {"types", "nested", "writes", "aggregates"}
"""What depends most on the form that rows are kept in; the others meet ORC in the slow tests."""


def kept_as() -> Iterator[object]:
    for path in FILES:
        yield pytest.param(path, "in the log", id=f"{path.stem}-in the log")
        marks = () if path.stem in FORMED else pytest.mark.slow
        yield pytest.param(path, "as ORC", id=f"{path.stem}-as ORC", marks=marks)


@pytest.mark.parametrize(("path", "kept"), list(kept_as()))
def test_the_lakehouse_answers_as_duckdb_does(
    path: Path, kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kept == "as ORC":
        monkeypatch.setattr("engine.execute.encoding.INLINE_ROWS", 0)
        monkeypatch.setattr("engine.execute.workspace.INLINE_BYTES", 0)
    create_lake(tmp_path / "lake")
    wrong = []
    with (
        contextlib.closing(connect(tmp_path / "lake")) as session,
        contextlib.closing(Oracle()) as oracle,
    ):
        for case in cases(path):
            problem = check(case, oracle, session)
            if problem is not None:
                wrong.append(f"{path.name}:{case.line}: {case.sql}\n    {problem}")
    assert not wrong, "\n".join([f"{len(wrong)} wrong", *wrong])


def test_the_corpus_is_large_and_varied() -> None:
    found = [case for path in FILES for case in cases(path)]
    assert len(FILES) >= 10
    assert sum(case.has_rows for case in found) >= 300
    assert sum(case.fails for case in found) >= 15
