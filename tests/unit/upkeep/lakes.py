"""What the tests of upkeep share: a lakehouse, statements and their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from engine.session import Session

Row = tuple[object, ...]


def run(session: Session, sql: str) -> None:
    for result in session.run(sql):
        result.table()


def rows(session: Session, sql: str) -> list[Row]:
    (result,) = session.run(sql)
    return list(zip(*(c.to_pylist() for c in result.table().columns), strict=True))


def notes(session: Session, sql: str) -> list[str]:
    (result,) = session.run(sql)
    result.table()
    return result.notes


def objects(lake: Path) -> set[str]:
    return {p.name for p in (lake / ".grizzly" / "objects").rglob("*") if p.is_file()}


def trash(lake: Path) -> set[str]:
    return {p.name for p in (lake / ".grizzly" / "trash").rglob("*") if p.is_file()}
