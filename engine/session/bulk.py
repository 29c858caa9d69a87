"""Rows and keys that come from a program rather than from a text.

Layer: ``session``. Invariant: they mean what INSERT, UPSERT and SELECT … WHERE key = … mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from engine.datatypes import conform, parse_type
from engine.errors import (
    BindError,
    ExecutionError,
    TypeMismatchError,
    UnsupportedError,
    UsageError,
)
from engine.execute import BackendError, exact_column, takes_rows
from engine.plan import ident
from engine.session.result import Result
from grammar import suggest

if TYPE_CHECKING:
    from engine.catalog import Table
    from engine.execute import Workspace
    from engine.session.frame import Frame

Columns = dict[str, "list[object] | pa.ChunkedArray"]
"""What is known of rows: a column by name, as Python's values or as Arrow's."""


def add(frame: Frame, workspace: Workspace, name: str, rows: object, *, replace: bool) -> Result:
    """Add rows to a table, or with ``replace`` put them in the place of those with their keys.

    Shape: Arrow data, a data frame, a list of dicts, or of sequences in the order of the columns.
    Raises: BindError, UsageError, ExecutionError, IntegrityError.
    """
    table = _table(frame, workspace, name)
    if replace and not table.key:
        raise BindError(f"{table.qualified} has no primary key", code="SEMANTIC_010")
    if not takes_rows(table):
        raise UnsupportedError(
            f"{table.qualified} has constraints that only statements check",
            hint=f"use {'UPSERT' if replace else 'INSERT'} INTO {table.qualified}",
        )
    given = _columns(table, rows)
    exact = _exact(table, given)
    if exact is None:
        exact = _converted(frame, workspace, table, given)
    named = {name.lower() for name in given}
    kept = [c.name for c in table.columns if replace and c.name.lower() not in named]
    count = frame.executor.add(table, exact, workspace, replace=replace, kept=kept)
    return Result("UPSERT" if replace else "INSERT", count=count)


def key_query(frame: Frame, name: str, key: object) -> tuple[str, list[object]]:
    """Return the query for the row with a key, and its parameters.

    Raises: BindError, UsageError.
    """
    table = _table(frame, frame.workspace(), name)
    names = [c.name for c in table.key_columns]
    if not names:
        raise BindError(f"{table.qualified} has no primary key", code="SEMANTIC_010")
    if isinstance(key, Mapping):
        values = [key[n] for n in names if n in key] if len(key) == len(names) else []
    elif len(names) > 1 and isinstance(key, Sequence) and not isinstance(key, str | bytes):
        values = list(key)
    else:
        values = [key]
    if len(values) != len(names):
        raise UsageError(
            f"the key of {table.qualified} is ({', '.join(names)})",
            hint="give one value for each of its columns",
        )
    fixed = " AND ".join(f"{ident(n)} = ?" for n in names)
    return f"SELECT * FROM {ident(table.schema)}.{ident(table.name)} WHERE {fixed}", values  # noqa: S608


def first(result: Result) -> dict[str, Any] | None:
    """Return the first row of an answer by column, or None when it has none."""
    for batch in result.batches():
        if batch.num_rows:
            values = (column[0].as_py() for column in batch.columns)
            return dict(zip(result.columns, values, strict=True))
    return None


def _table(frame: Frame, workspace: Workspace, name: str) -> Table:
    schema, dot, bare = name.rpartition(".")
    found = workspace.catalog.table(schema if dot else frame.schema, bare)
    if found is None:
        best = suggest(name, [t.qualified for t in workspace.catalog.tables()])
        raise BindError(
            f"there is no table '{name}'", hint=f"did you mean '{best}'?" if best else None
        )
    return found


def _columns(table: Table, rows: object) -> Columns:
    found = _arrow(rows)
    if found is not None:
        given: Columns = dict(zip(found.column_names, found.columns, strict=True))
        if len(given) != found.num_columns:
            raise UsageError("two columns of the rows have the same name")
    else:
        given = _python(table, rows)
    for name in given:
        if table.column(name) is None:
            best = suggest(name, [c.name for c in table.columns])
            raise BindError(
                f"{table.qualified} has no column '{name}'",
                hint=f"did you mean '{best}'?" if best else None,
                code="SEMANTIC_004",
            )
    if not given:
        raise UsageError("there is nothing to add", hint="give at least one row with a column")
    return given


def _arrow(rows: object) -> pa.Table | None:
    if isinstance(rows, pa.Table):
        return rows
    if isinstance(rows, pa.RecordBatch):
        return pa.Table.from_batches([rows])
    if type(rows).__module__.partition(".")[0] == "pandas":
        return pa.Table.from_pandas(rows, preserve_index=False)
    return pa.table(rows) if hasattr(rows, "__arrow_c_stream__") else None


def _python(table: Table, rows: object) -> Columns:
    if not isinstance(rows, Sequence) or isinstance(rows, str | bytes):
        raise UsageError(
            f"rows come as Arrow data, a data frame or a list, not as {type(rows).__name__}"
        )
    if all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(str(name) for row in rows for name in row))
        return {name: [row.get(name) for row in rows] for name in names}
    width = len(table.columns)
    if any(not isinstance(row, Sequence) or len(row) != width for row in rows):
        raise UsageError(
            f"each row needs a value for each of the {width} columns of {table.qualified}",
            hint="give dicts to leave columns out",
        )
    turned = zip(*cast("Sequence[Sequence[object]]", rows), strict=True)
    return {c.name: list(values) for c, values in zip(table.columns, turned, strict=False)}


def _exact(table: Table, given: Columns) -> pa.Table | None:
    """Return rows whose values are all of their columns' types; None when some must be converted."""
    by_name = {name.lower(): values for name, values in given.items()}
    found: dict[str, pa.Array | pa.ChunkedArray] = {}
    for column in table.columns:
        values, kind = by_name.get(column.name.lower()), parse_type(column.type)
        if values is None or kind.kind != "plain":
            return None
        if isinstance(values, list):
            array = exact_column(values, kind)
        else:
            array = _conformed(values, column.type)
        if array is None:
            return None
        found[column.name] = array
    return pa.table(found)


def _conformed(values: pa.ChunkedArray, type_text: str) -> pa.ChunkedArray | None:
    kind = parse_type(type_text)
    try:
        chunks = [conform(chunk, kind) for chunk in values.chunks]
        for chunk in chunks:
            chunk.validate(full=True)
    except (TypeMismatchError, pa.ArrowException):
        return None
    return pa.chunked_array(chunks, type=kind.wire)


def _converted(frame: Frame, workspace: Workspace, table: Table, given: Columns) -> pa.Table:
    try:
        rows = pa.table(dict(given))
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise UsageError(f"these values have no common type: {error}") from None
    try:
        return frame.executor.conformed(table, rows, workspace)
    except BackendError as error:
        raise ExecutionError(error.message.splitlines()[0], subject=table.qualified) from None
