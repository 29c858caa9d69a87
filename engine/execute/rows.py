"""Rows that a statement computed are checked and become files and deletion marks.

Layer: ``execute``. Invariant: nothing reaches the workspace before every constraint held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import IntegrityError
from engine.execute.backends.base import ArrowRelation
from engine.execute.keys import described
from engine.execute.placing import place
from engine.execute.workspace import FIRST_PENDING_ROW
from engine.plan import OP_DELETE, OP_INSERT, comma, ident
from engine.storage import deletion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.catalog import Column, FileEntry, Table
    from engine.execute.backends.base import Parameters
    from engine.execute.backends.duckdb import DuckDB
    from engine.execute.lake import Lake
    from engine.execute.relations import Relations
    from engine.plan import RowWrite
    from engine.storage import Bitmap


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
        if plan.verb == "UPSERT" and plan.distinct == tuple(c.name for c in table.key_columns):
            self._relations.trust(plan.target.name)
        rows = self._backend.table(plan.sql, params)
        entries = plan.target.catalog.files(table)
        new = rows.filter(pc.less(rows["_op"], OP_DELETE)) if rows.num_rows else rows
        touched = rows.filter(pc.greater(rows["_op"], OP_INSERT)) if rows.num_rows else rows
        killed = self._killed(touched, plan.once)
        fresh = new.drop_columns(["_op", "_file", "_pos", "_rid"])
        self.check(table, fresh)
        with self._lake.workspace.unwatched():
            self._check_keys(plan, table, fresh, touched)
            self._check_uniques(plan, fresh, touched)
        returned = self._returning(plan, table, rows, params)
        self.mark(table, entries, killed)
        self.add(table, fresh, new["_rid"])
        return Outcome(rows.num_rows, *returned)

    def load(self, table: Table, rows: pa.Table) -> int:
        """Add rows in wire types to a table that has none yet; return how many.

        Raises: IntegrityError.
        """
        self.check(table, rows)
        self.check_distinct(table, table.key_columns, rows, "two rows have the same key")
        self.add(table, rows, None)
        return int(rows.num_rows)

    def add(self, table: Table, rows: pa.Table, rids: pa.ChunkedArray | None) -> list[FileEntry]:
        """Encode rows as data files of the table; ``rids`` keep the identity of updated rows."""
        if not rows.num_rows:
            return []
        workspace = self._lake.workspace
        if table.distinct:
            ids = dict.fromkeys(i for unique in table.distinct for i in unique.columns)
            keys = rows.select([c.name for c in table.columns_of(tuple(ids))])
            workspace.keys.setdefault(table.id, []).append(keys)
        kept = _kept_rids(rids)
        if kept is not None:
            rows = rows.append_column("_rid", kept)
        return place(workspace, table, rows)

    def _killed(self, touched: pa.Table, once: str) -> dict[int, Bitmap]:
        killed: dict[int, Bitmap] = {}
        for file in pc.unique(touched["_file"]).to_pylist():
            positions = touched.filter(pc.equal(touched["_file"], file))["_pos"].to_numpy()
            killed[file] = deletion.bitmap(positions)
            if deletion.count(killed[file]) != len(positions):
                raise IntegrityError(once, hint="make the source's rows distinct first")
        return killed

    def mark(self, table: Table, entries: Sequence[FileEntry], killed: dict[int, Bitmap]) -> None:
        """Mark rows dead, by the ordinal of their entry."""
        for ordinal, positions in killed.items():
            entry = entries[ordinal]
            marks = deletion.union(self._lake.marks(entry), positions)
            dead = deletion.count(marks)
            self._lake.workspace.mark(table, entry, deletion.serialize(marks), dead)

    def check(self, table: Table, rows: pa.Table) -> None:
        """Refuse rows that break NOT NULL or CHECK."""
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
        for check in table.checks:
            sql = f"SELECT * FROM {name} WHERE NOT ({check.condition}) LIMIT 1"  # noqa: S608
            found = self._backend.table(sql)
            if found.num_rows:
                raise IntegrityError(
                    f"a row of {table.qualified} breaks {check.name}, CHECK ({check.condition}): "
                    f"{described(found)}",
                    subject=table.qualified,
                    code="CONSTRAINT_003",
                )

    def _check_keys(self, plan: RowWrite, table: Table, fresh: pa.Table, touched: pa.Table) -> None:
        distinct = [c for n in plan.distinct if (c := table.column(n)) is not None]
        self.check_distinct(table, distinct, fresh, plan.once)
        if not plan.unique or not fresh.num_rows:
            return
        self.check_distinct(table, table.key_columns, fresh, "two rows have the same key")
        found = self._met(plan, table.key_columns, fresh, touched)
        if found.num_rows:
            raise _duplicate(table, found)

    def _check_uniques(self, plan: RowWrite, fresh: pa.Table, touched: pa.Table) -> None:
        table = plan.target.table
        for unique in table.uniques:
            if plan.kept.issuperset(unique.columns) or not fresh.num_rows:
                continue
            columns = table.columns_of(unique.columns)
            names = ", ".join(c.name for c in columns)
            broken = f"{unique.name}, UNIQUE ({names}), of {table.qualified}"
            self.check_distinct(table, columns, fresh, f"two rows break {broken}")
            found = self._met(plan, columns, fresh, touched)
            if found.num_rows:
                raise IntegrityError(
                    f"a row with {described(found)} is already there: {broken}",
                    subject=table.qualified,
                    hint=f"INSERT … ON CONFLICT ({names}) DO UPDATE or DO NOTHING says what to do then",
                    code="CONSTRAINT_001",
                )

    def _met(
        self, plan: RowWrite, key: Sequence[Column], fresh: pa.Table, touched: pa.Table
    ) -> pa.Table:
        """Return one key of ``fresh`` that a row of the table has which stays as it is."""
        shown = self._show("_fresh", plan.target.table, fresh)
        self._backend.register("_gone", ArrowRelation(touched.select(["_file", "_pos"])))
        on = " AND ".join(f"n.{ident(c.name)} = t.{ident(c.name)}" for c in key)
        return self._backend.table(
            f"SELECT {_as_text(key, 'n.')} FROM {shown} n "  # noqa: S608
            f"JOIN {ident(plan.target.name)} t ON {on} "
            f"ANTI JOIN _gone g ON g._file = t._file AND g._pos = t._pos LIMIT 1"
        )

    def duplicate(self, table: Table, rows: pa.Table) -> IntegrityError:
        """Return what is wrong when the keys of ``rows`` are there already."""
        shown = self._show("_fresh", table, rows)
        found = self._backend.table(f"SELECT {_as_text(table.key_columns)} FROM {shown}")  # noqa: S608
        return _duplicate(table, found)

    def check_distinct(
        self, table: Table, key: Sequence[Column], rows: pa.Table, once: str
    ) -> None:
        """Refuse rows of which two agree in ``key``."""
        if not key or rows.num_rows < 2:
            return
        shown = self._show("_fresh", table, rows)
        names = comma(ident(c.name) for c in key)
        given = " AND ".join(f"{ident(c.name)} IS NOT NULL" for c in key)
        sql = f"SELECT {_as_text(key)} FROM {shown} WHERE {given} "  # noqa: S608
        sql += f"GROUP BY {names} HAVING count(*) > 1 LIMIT 1"
        found = self._backend.table(sql)
        if found.num_rows:
            raise IntegrityError(
                f"{once}: {described(found)}",
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


def _kept_rids(rids: pa.ChunkedArray | None) -> pa.ChunkedArray | None:
    """Return the ids that updated rows keep; a row of this very transaction gets a new one."""
    if rids is None or rids.null_count == len(rids):
        return None
    kept = pc.if_else(pc.less(rids, FIRST_PENDING_ROW), rids, pa.scalar(None, pa.int64()))
    return None if kept.null_count == len(kept) else kept


def _duplicate(table: Table, found: pa.Table) -> IntegrityError:
    return IntegrityError(
        f"the key {described(found)} is already there in {table.qualified}",
        subject=table.qualified,
        hint="UPSERT replaces rows that are there; INSERT OR IGNORE skips them",
    )


def _as_text(key: Sequence[Column], of: str = "") -> str:
    return comma(f"CAST({of}{ident(c.name)} AS VARCHAR) AS {ident(c.name)}" for c in key)
