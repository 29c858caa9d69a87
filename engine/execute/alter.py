"""ALTER TABLE carried out: rows are judged, then the definition changes.

Layer: ``execute``. Invariant: a definition is taken only when every row that is there meets it; data
files stay as they are, but for TYPE … USING.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from engine.analyze import TableSource
from engine.datatypes import adapt, parse_type, shape_of
from engine.errors import IntegrityError
from engine.execute.backends.base import ArrowRelation
from engine.execute.keys import described
from engine.plan import comma, ident, literal, stored_default

if TYPE_CHECKING:
    from engine.catalog import Column, Table
    from engine.execute.backends.duckdb import DuckDB
    from engine.execute.lake import Lake
    from engine.execute.relations import Relations
    from engine.execute.rows import RowWriter
    from engine.plan import AlterTable, Demand

_ROWS, _OLD = "_altered", "_old"


class Alterer:
    """Changes the definition of one table in a workspace."""

    def __init__(
        self, backend: DuckDB, relations: Relations, lake: Lake, writer: RowWriter
    ) -> None:
        """Write into the lake's workspace."""
        self._backend = backend
        self._relations = relations
        self._lake = lake
        self._writer = writer

    def apply(self, plan: AlterTable) -> None:
        """Take the next definition.

        Cost: a scan of the table for each demand; nothing else reads rows but a rewrite.
        Raises: IntegrityError when a row does not meet a demand.
        """
        before, after = plan.before, plan.after
        if after == before:
            return
        workspace = self._lake.workspace
        filled = any(f.live for f in workspace.catalog.files(before))
        old = {c.id: c for c in before.columns}
        columns = tuple(self._column(old.get(c.id), c) for c in after.columns)
        after = replace(after, columns=columns)
        if filled:
            for demand in plan.demands:
                self._must_hold(after if demand.fresh else before, demand)
        if plan.rewrite and filled:
            self._rewrite(before, after, dict(plan.rewrite))
        workspace.put(after.state_key, after.encode())

    def fixed(self, column: Column) -> str:
        """Return the value a default has now as a constant: rows that are there keep it."""
        kind = parse_type(column.type).text
        sql = f"SELECT CAST(CAST(({column.default}) AS {kind}) AS VARCHAR) AS v"
        return _constant(self._backend.table(sql)["v"][0].as_py(), kind)

    def _column(self, before: Column | None, after: Column) -> Column:
        """Return a column with its default tried, and what older rows hold as a constant."""
        retyped = before is not None and (before.type, before.parts) != (after.type, after.parts)
        if before is not None and not retyped and before.default == after.default:
            return after
        value = None if after.default is None else self.fixed(after)
        if before is None:
            return after if value is None else replace(after, initial=value)
        if not retyped or after.initial is None:
            return after
        old = shape_of(parse_type(before.type), before.parts)
        new = shape_of(parse_type(after.type), after.parts)
        held = self._backend.table(f"SELECT {stored_default(after.initial, before.type)} AS v")
        one = adapt(held["v"].combine_chunks(), old, new)
        self._relations.show("_initial", ArrowRelation(pa.table({"v": one})), [("v", after.type)])
        text = self._backend.table("SELECT CAST(v AS VARCHAR) AS v FROM _initial")["v"][0].as_py()
        return replace(after, initial=_constant(text, new.type.text))

    def _must_hold(self, table: Table, demand: Demand) -> None:
        self._relations.make_table(_ROWS, table)
        if demand.condition is not None:
            sql = f"SELECT * FROM {_ROWS} WHERE NOT ({demand.condition}) LIMIT 1"  # noqa: S608
        else:
            names = comma(ident(name) for name in demand.distinct)
            given = " AND ".join(f"{ident(name)} IS NOT NULL" for name in demand.distinct)
            sql = f"SELECT {names} FROM {_ROWS} WHERE {given} "  # noqa: S608
            sql += f"GROUP BY {names} HAVING count(*) > 1 LIMIT 1"
        found = self._backend.table(sql)
        if found.num_rows:
            raise IntegrityError(
                f"{demand.complaint}: {described(found)}",
                subject=table.qualified,
                hint=demand.hint,
                code="CONSTRAINT_004",
            )

    def _rewrite(self, before: Table, after: Table, values: dict[int, str]) -> None:
        """Write all rows again, with some columns computed anew; each row stays the row it is."""
        workspace = self._lake.workspace
        self._relations.make([TableSource(_OLD, before, workspace.catalog, hidden=True)])
        kept = {c.id: ident(c.name) for c in before.columns}
        new = comma(f"{values.get(c.id) or kept[c.id]} AS {ident(c.name)}" for c in after.columns)
        rows = self._backend.table(f"SELECT {new}, _rid AS _kept FROM {_OLD}")  # noqa: S608
        for entry in workspace.catalog.files(before):
            workspace.put(entry.state_key(before.id), None)
        rids = rows["_kept"]
        rows = rows.drop_columns(["_kept"])
        self._writer.check(after, rows)
        for unique in after.distinct:
            key = after.columns_of(unique.columns)
            self._writer.check_distinct(after, key, rows, f"two rows would break {unique.name}")
        self._writer.add(after, rows, rids)


def _constant(text: str | None, kind: str) -> str:
    return "NULL" if text is None else f"CAST({literal(text)} AS {kind})"
