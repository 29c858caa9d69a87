"""Two consumers with one watermark: each change is taken once."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import ConflictError
from engine.session import Session, connect, create_lake

if TYPE_CHECKING:
    from pathlib import Path


def said(session: Session, text: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for result in session.run(text):
        if result.kind == "rows":
            rows = result.table().to_pylist()
    return rows


def test_of_two_consumers_at_once_one_takes_the_changes(tmp_path: Path) -> None:
    create_lake(tmp_path / "lake")
    with closing(connect(tmp_path / "lake")) as one, closing(connect(tmp_path / "lake")) as two:
        said(one, "CREATE TABLE t (k INT PRIMARY KEY); CREATE TABLE copy (k INT)")
        said(one, "CREATE WATERMARK w ON t; INSERT INTO t VALUES (1), (2)")
        taken = one.version
        for session in (one, two):
            said(session, "BEGIN; INSERT INTO copy SELECT k FROM t SINCE WATERMARK w")
            said(session, "ADVANCE WATERMARK w")
        said(one, "COMMIT")
        with pytest.raises(ConflictError):
            said(two, "COMMIT")
        assert said(two, "SELECT k FROM copy ORDER BY k") == [{"k": 1}, {"k": 2}]
        assert said(two, "SELECT version FROM grizzly.watermarks") == [{"version": taken}]
        assert said(two, "SELECT k FROM t SINCE WATERMARK w") == []
