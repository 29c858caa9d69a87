"""Rows that a statement computed are checked and become files and deletion marks.

Layer: ``execute``. Invariant: nothing reaches the workspace before every constraint held.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import IntegrityError
from engine.execute.backends.base import ArrowRelation
from engine.execute.workspace import FIRST_PENDING_ROW, INLINE_BYTES
from engine.plan import OP_DELETE, OP_INSERT, comma, ident
from engine.storage import FileColumn, deletion, encode_file, shard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.catalog import Column, FileEntry, Table
    from engine.execute.backends.base import Parameters
    from engine.execute.backends.duckdb import DuckDB
    from engine.execute.lake import Lake
    from engine.execute.relations import Relations
    from engine.plan import RowWrite
    from engine.storage import Bitmap, Encoded

INLINE_ROWS = 1_000
"""Up to so many rows are tried as a part of the commit itself."""

ENCODERS = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many rows a statement wrote, and what RETURNING shows of them."""

    count: int
    returned: pa.Table | None
    types: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


class RowWriter:
    """Applies one plan to a workspace."""

    def __init__(self, backend: DuckDB, relations: Relations, lake: Lake) -> None:
        """Write into the lake's workspace."""
        self._backend = backend
        self._relations = relations
        self._lake = lake

    def apply(self, plan: RowWrite, params: Parameters = None) -> Outcome:
        """Compute, check and keep the rows of ``plan``.

        Cost: all rows written are in memory once.
        Raises: IntegrityError, and whatever computing them raises.
        """
        self._relations.make(plan.sources)
        table = plan.target.table
        rows = self._backend.table(plan.sql, params)
        entries = plan.target.catalog.files(table)
        new = rows.filter(pc.less(rows["_op"], OP_DELETE)) if rows.num_rows else rows
        touched = rows.filter(pc.greater(rows["_op"], OP_INSERT)) if rows.num_rows else rows
        killed = self._killed(touched, plan.once)
        fresh = new.drop_columns(["_op", "_file", "_pos", "_rid"])
        self._check(table, fresh)
        self._check_keys(plan, table, fresh, touched)
        returned = self._returning(plan, table, rows, params)
        self._mark(table, entries, killed)
        self.add(table, fresh, new["_rid"])
        return Outcome(rows.num_rows, *returned)

    def load(self, table: Table, rows: pa.Table) -> int:
        """Add rows in wire types to a table that has none yet; return how many.

        Raises: IntegrityError.
        """
        self._check(table, rows)
        self._check_distinct(table, table.key_columns, rows, "two rows have the same key")
        self.add(table, rows, None)
        return int(rows.num_rows)

    def add(self, table: Table, rows: pa.Table, rids: pa.ChunkedArray | None) -> None:
        """Encode rows as data files of the table; ``rids`` keep the identity of updated rows."""
        if not rows.num_rows:
            return
        workspace = self._lake.workspace
        if table.key:
            keys = rows.select([c.name for c in table.key_columns])
            workspace.keys.setdefault(table.id, []).append(keys)
        kept = _kept_rids(rids)
        if kept is not None:
            rows = rows.append_column("_rid", kept)
        for encoded in encode(rows, table):
            workspace.add_file(table, encoded)

    def _killed(self, touched: pa.Table, once: str) -> dict[int, Bitmap]:
        killed: dict[int, Bitmap] = {}
        for file in pc.unique(touched["_file"]).to_pylist():
            positions = touched.filter(pc.equal(touched["_file"], file))["_pos"].to_numpy()
            killed[file] = deletion.bitmap(positions)
            if deletion.count(killed[file]) != len(positions):
                raise IntegrityError(once, hint="make the source's rows distinct first")
        return killed

    def _mark(self, table: Table, entries: Sequence[FileEntry], killed: dict[int, Bitmap]) -> None:
        for ordinal, positions in killed.items():
            entry = entries[ordinal]
            marks = deletion.union(self._lake.marks(entry), positions)
            dead = deletion.count(marks)
            self._lake.workspace.mark(table, entry, deletion.serialize(marks), dead)

    def _check(self, table: Table, rows: pa.Table) -> None:
        for column in table.columns:
            if not column.nullable and rows[column.name].null_count:
                raise IntegrityError(
                    f"{table.qualified}.{column.name} may not be NULL",
                    subject=table.qualified,
                    hint="give a value, or a DEFAULT when creating the table",
                    code="CONSTRAINT_002",
                )
        if not table.checks or not rows.num_rows:
            return
        name = self._show("_checked", table, rows)
        for condition in table.checks:
            sql = f"SELECT 1 FROM {name} WHERE NOT ({condition}) LIMIT 1"  # noqa: S608
            if self._backend.table(sql).num_rows:
                raise IntegrityError(
                    f"a row of {table.qualified} breaks CHECK ({condition})",
                    subject=table.qualified,
                    code="CONSTRAINT_003",
                )

    def _check_keys(self, plan: RowWrite, table: Table, fresh: pa.Table, touched: pa.Table) -> None:
        distinct = [c for n in plan.distinct if (c := table.column(n)) is not None]
        self._check_distinct(table, distinct, fresh, plan.once)
        if not plan.unique or not fresh.num_rows:
            return
        self._check_distinct(table, table.key_columns, fresh, "two rows have the same key")
        shown = self._show("_fresh", table, fresh)
        self._backend.register("_gone", ArrowRelation(touched.select(["_file", "_pos"])))
        on = " AND ".join(f"n.{ident(c.name)} = t.{ident(c.name)}" for c in table.key_columns)
        keys = _as_text(table.key_columns, "n.")
        sql = (
            f"SELECT {keys} FROM {shown} n JOIN {ident(plan.target.name)} t ON {on} "  # noqa: S608
            f"ANTI JOIN _gone g ON g._file = t._file AND g._pos = t._pos LIMIT 1"
        )
        found = self._backend.table(sql)
        if found.num_rows:
            raise _duplicate(table, found)

    def _check_distinct(
        self, table: Table, key: Sequence[Column], rows: pa.Table, once: str
    ) -> None:
        if not key or rows.num_rows < 2:
            return
        shown = self._show("_fresh", table, rows)
        names = comma(ident(c.name) for c in key)
        sql = f"SELECT {_as_text(key)} FROM {shown} GROUP BY {names} HAVING count(*) > 1 LIMIT 1"  # noqa: S608
        found = self._backend.table(sql)
        if found.num_rows:
            raise IntegrityError(
                f"{once}: {_described(found)}",
                subject=table.qualified,
                hint="keep one of them, for example with SELECT DISTINCT ON (key) …",
            )

    def _returning(
        self, plan: RowWrite, table: Table, rows: pa.Table, params: Parameters
    ) -> tuple[pa.Table | None, tuple[str, ...], tuple[str, ...]]:
        if plan.returning is None:
            return None, (), ()
        shown = rows.drop_columns(["_op", "_file", "_pos", "_rid"])
        self._show("_returned", table, shown)
        stream = self._backend.stream(plan.returning, params)
        out = pa.Table.from_batches(list(stream.batches()), schema=stream.schema)
        return out, tuple(stream.types), tuple(stream.columns)

    def _show(self, name: str, table: Table, rows: pa.Table) -> str:
        self._relations.show(name, ArrowRelation(rows), [(c.name, c.type) for c in table.columns])
        return name


def encode(rows: pa.Table, table: Table) -> list[Encoded]:
    """Return rows as data files: one that fits into a commit, or as many as encode in parallel."""
    if not rows.num_rows:
        return []
    columns = [FileColumn(c.id, c.name, c.type) for c in table.columns]
    if rows.num_rows <= INLINE_ROWS:
        encoded = encode_file(rows, columns, inline=True)
        if len(encoded.data) <= INLINE_BYTES:
            return [encoded]
    parts = shard(rows)
    if len(parts) == 1:
        return [encode_file(parts[0], columns, inline=False)]
    with ThreadPoolExecutor(ENCODERS) as pool:
        return list(pool.map(lambda part: encode_file(part, columns, inline=False), parts))


def _kept_rids(rids: pa.ChunkedArray | None) -> pa.ChunkedArray | None:
    """Return the ids that updated rows keep; a row of this very transaction gets a new one."""
    if rids is None or rids.null_count == len(rids):
        return None
    kept = pc.if_else(pc.less(rids, FIRST_PENDING_ROW), rids, pa.scalar(None, pa.int64()))
    return None if kept.null_count == len(kept) else kept


def _duplicate(table: Table, found: pa.Table) -> IntegrityError:
    return IntegrityError(
        f"the key {_described(found)} is already there in {table.qualified}",
        subject=table.qualified,
        hint="UPSERT replaces rows that are there; INSERT OR IGNORE skips them",
    )


def _as_text(key: Sequence[Column], of: str = "") -> str:
    return comma(f"CAST({of}{ident(c.name)} AS VARCHAR) AS {ident(c.name)}" for c in key)


def _described(found: pa.Table) -> str:
    """Return the first row's key as ``(a, b) = (1, x)``."""
    values = ", ".join(str(found[n][0].as_py()) for n in found.column_names)
    return f"({', '.join(found.column_names)}) = ({values})"
