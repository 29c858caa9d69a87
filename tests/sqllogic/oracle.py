"""The same SQL against DuckDB's own tables and against a lakehouse, and what to call equal.

Both answers become Arrow, then text by DuckDB's own cast to VARCHAR from the type that each side
claims, so that values, types and names are all compared. Top-level floats may differ by what
another order of summation makes of them; everything else must be the same.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from grammar.errors import GrizzlyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from engine.session import Session

_ORDERED = re.compile(r"\border\s+by\b[^()]*$", re.IGNORECASE)
_ROWS = re.compile(
    r"\(*\s*(SELECT|WITH|FROM|VALUES|PIVOT|UNPIVOT|DESCRIBE)\b|.*\bRETURNING\b",
    re.IGNORECASE | re.DOTALL,
)
_NAME = re.compile(r"[^\W\d]\w*")
_STATEMENT_END = re.compile(r";[ \t]*(?:\n|$)")


@dataclass(frozen=True)
class Case:
    """One statement of a corpus file."""

    sql: str
    line: int
    fails: bool
    refused: bool

    @property
    def has_rows(self) -> bool:
        return _ROWS.match(self.sql) is not None

    @property
    def ordered(self) -> bool:
        return _ORDERED.search(self.sql) is not None


@dataclass(frozen=True)
class Answer:
    """Names, types and rows; every value is text or None."""

    names: list[str]
    types: list[str]
    rows: list[tuple[str | None, ...]]


def cases(path: Path) -> Iterator[Case]:
    """Yield the statements of a file.

    A line `-- error` before one means that it must fail on both sides, `-- refused: why` that
    DuckDB answers and a lakehouse says that it does not.
    """
    text = path.read_text(encoding="utf-8")
    at = 0
    for end in _STATEMENT_END.finditer(text):
        lines = text[at : end.start()].split("\n")
        sql = "\n".join(line for line in lines if not line.startswith("--")).strip()
        if sql:
            line = text.count("\n", 0, end.start()) + 1
            refused = any(line.startswith("-- refused: ") for line in lines)
            yield Case(sql, line, "-- error" in lines, refused)
        at = end.end()


class Oracle:
    """DuckDB with its own tables."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'; SET arrow_lossless_conversion = true")

    def close(self) -> None:
        self.connection.close()

    def answer(self, sql: str) -> Answer:
        relation = self.connection.sql(sql)
        if relation is None:
            return Answer([], [], [])
        types = [str(kind).replace('"NULL"', "NULL") for kind in relation.types]
        return self.text(relation.to_arrow_table(), relation.columns, types)

    def text(self, table: pa.Table, names: list[str], types: list[str]) -> Answer:
        """Return what an Arrow table says, as text."""
        positions = range(len(names))
        table = table.rename_columns([f"c{i}" for i in positions])
        columns = ", ".join(
            f"c{i}::VARCHAR" if "NULL" in types[i] else f"c{i}::{types[i]}::VARCHAR"
            for i in positions
        )
        self.connection.register("answer", table)
        try:
            rows = self.connection.execute(f"SELECT {columns} FROM answer").fetchall()
        finally:
            self.connection.unregister("answer")
        return Answer(names, types, rows)


def lake_answer(session: Session, sql: str, oracle: Oracle) -> Answer:
    """Run one statement on a lakehouse."""
    answers = []
    for result in session.run(sql):
        if result.kind == "rows":
            answers.append(oracle.text(result.table(), list(result.columns), list(result.types)))
        else:
            answers.append(Answer([], [], []))
    assert len(answers) == 1
    return answers[0]


def difference(expected: Answer, found: Answer, *, ordered: bool) -> str | None:
    """Return how two answers differ, or None."""
    if not _same_names(expected.names, found.names):
        return f"names {found.names} where DuckDB has {expected.names}"
    if expected.types != found.types:
        return f"types {found.types} where DuckDB has {expected.types}"
    if len(expected.rows) != len(found.rows):
        return f"{len(found.rows)} rows where DuckDB has {len(expected.rows)}"
    floats = [kind in {"DOUBLE", "FLOAT"} for kind in expected.types]
    wanted, got = expected.rows, found.rows
    if not ordered:
        wanted, got = _sorted(wanted, floats), _sorted(got, floats)
    for one, other in zip(wanted, got, strict=True):
        if not all(map(_same, one, other, floats)):
            return f"row {other} where DuckDB has {one}"
    return None


def _same_names(wanted: list[str], got: list[str]) -> bool:
    """Say whether names agree; what an expression without an alias is called is not compared."""
    return len(wanted) == len(got) and all(
        one == other or not _NAME.fullmatch(one) for one, other in zip(wanted, got, strict=True)
    )


def check(case: Case, oracle: Oracle, session: Session) -> str | None:
    """Run a case on both sides; return what is wrong, or None."""
    expected = found = None
    oracle_error = lake_error = ""
    try:
        expected = oracle.answer(case.sql)
    except duckdb.Error as error:
        oracle_error = str(error).split("\n", 1)[0]
    try:
        found = lake_answer(session, case.sql, oracle)
    except GrizzlyError as error:
        lake_error = f"{type(error).__name__}: {error.message}"
    except Exception as error:  # noqa: BLE001 - whatever escapes is a finding
        return f"ESCAPED {type(error).__name__}: {error}"
    if bool(oracle_error) != case.fails:
        return f"the corpus is wrong about DuckDB: {oracle_error or 'it does not fail'}"
    if bool(lake_error) != (case.fails or case.refused):
        return lake_error or "does not fail"
    if expected is None or found is None or not case.has_rows:
        return None
    return difference(expected, found, ordered=case.ordered)


def _sorted(rows: list[tuple[str | None, ...]], floats: list[bool]) -> list[tuple[str | None, ...]]:
    def key(row: tuple[str | None, ...]) -> list[tuple[bool, str]]:
        return [
            (value is None, "" if value is None else f"{float(value):.6e}" if real else value)
            for value, real in zip(row, floats, strict=True)
        ]

    return sorted(rows, key=key)


def _same(one: str | None, other: str | None, real: bool) -> bool:
    if one == other:
        return True
    if not real or one is None or other is None:
        return False
    return math.isclose(float(one), float(other), rel_tol=1e-9, abs_tol=1e-12)
