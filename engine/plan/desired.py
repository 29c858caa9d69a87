"""From the definitions that are there to those that are wanted.

Layer: ``plan``. Invariant: tables, columns and fields are matched by name, so nothing is taken for
renamed; without leave to drop, nothing that holds data goes away.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from engine.catalog import Column, Table, Unique
from engine.catalog.indexes import indexes_of
from engine.datatypes import Shape, parse_type, shape_of, struct_shape
from engine.datatypes.words import quoted
from engine.plan import ddl
from engine.plan.differences import Difference, table_differences
from engine.plan.options import shown_options, with_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.catalog import Catalog


def steps_to(now: Catalog, wanted: Catalog, *, allow_drop: bool) -> list[tuple[str, Difference]]:
    """Return what leads from one catalog to another: the thing's name, and the step."""
    out = list(_drops(now, wanted)) if allow_drop else []
    schemas = {name.lower() for name in now.schemas()}
    for schema in wanted.schemas():
        if schema.lower() not in schemas:
            out.append((schema, Difference("schema created", f"CREATE SCHEMA {quoted(schema)}")))
    for table in wanted.tables():
        there = now.table(table.schema, table.name)
        goal = table if there is None else aligned(there, table, keep=not allow_drop)
        out += [(table.qualified, step) for step in table_differences(there, goal)]
        known = set() if there is None else {i.name.lower() for i in indexes_of(now.state, there)}
        for index, sql in zip(
            indexes_of(wanted.state, table), ddl.create_indexes(wanted, table), strict=True
        ):
            if index.name.lower() not in known:
                out.append((table.qualified, Difference(f"index {index.name} created", sql)))
    return [*out, *_views(now, wanted)]


def _drops(now: Catalog, wanted: Catalog) -> Iterator[tuple[str, Difference]]:
    for view in now.views():
        if wanted.view(view.schema, view.name) is None:
            sql = f"DROP VIEW {quoted(view.schema)}.{quoted(view.name)}"
            yield view.qualified, Difference("view dropped", sql, drops=True)
    for table in now.tables():
        if wanted.table(table.schema, table.name) is None:
            for step in table_differences(table, None):
                yield table.qualified, step


def _views(now: Catalog, wanted: Catalog) -> Iterator[tuple[str, Difference]]:
    for view in ddl.in_order(wanted):
        there, sql = now.view(view.schema, view.name), ddl.create_view(view)
        if there is None:
            yield view.qualified, Difference("view created", sql)
        elif ddl.create_view(there) != sql:
            again = sql.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1)
            yield view.qualified, Difference("view replaced", again)


def left_over(now: Catalog, wanted: Catalog) -> list[str]:
    """Return what is there and not wanted, by name: tables, and columns of tables."""
    out = []
    for table in now.tables():
        goal = wanted.table(table.schema, table.name)
        if goal is None:
            out.append(table.qualified)
        else:
            gone = (c.name for c in table.columns if goal.column(c.name) is None)
            out += [f"{table.qualified}.{name}" for name in gone]
    return out


def aligned(now: Table, wanted: Table, *, keep: bool) -> Table:
    """Return the wanted definition with the ids that the names have now; new names get fresh ids.

    With ``keep``, columns and fields that are not wanted stay, behind the others.
    """
    fresh = count(now.next_column)
    ids: dict[int, int] = {}
    columns = []
    for column in wanted.columns:
        there = now.column(column.name)
        ids[column.id] = next(fresh) if there is None else there.id
        columns.append(_column(there, replace(column, id=ids[column.id]), keep=keep))
    if keep:
        columns += [c for c in now.columns if wanted.column(c.name) is None]
    named = {u.columns: u.name for u in now.uniques}
    uniques = []
    for unique in wanted.uniques:
        own = tuple(ids[i] for i in unique.columns)
        uniques.append(Unique(named.get(own, unique.name), own))
    known = {c.condition: c for c in now.checks}
    key = tuple(ids[i] for i in wanted.key)
    made = replace(
        wanted,
        options={},
        id=now.id,
        name=now.name,
        schema=now.schema,
        columns=tuple(columns),
        key=key,
        key_name=now.key_name if key == now.key else wanted.key_name,
        uniques=tuple(uniques),
        checks=tuple(known.get(c.condition, c) for c in wanted.checks),
        revision=now.revision,
        next_column=next(fresh),
    )
    return with_options(made, shown_options(wanted))


def _column(now: Column | None, wanted: Column, *, keep: bool) -> Column:
    if now is None:
        return wanted
    old = shape_of(parse_type(now.type), now.parts)
    fresh = count(now.next_part or len(old.parts()) + 1)
    shape = _shape(old, shape_of(parse_type(wanted.type)), fresh, keep=keep)
    return replace(
        wanted,
        name=now.name,
        type=shape.type.text,
        initial=now.initial,
        parts=shape.parts(),
        next_part=next(fresh),
    )


def _shape(now: Shape, wanted: Shape, fresh: Iterator[int], *, keep: bool) -> Shape:
    if now.type.kind != wanted.type.kind or not wanted.children:
        return wanted
    if wanted.type.kind != "struct":
        pairs = zip(now.children, wanted.children, strict=True)
        return wanted.with_children([_shape(a, b, fresh, keep=keep) for a, b in pairs])
    names, ids, children = [], [], []
    for name, child in zip(wanted.type.names, wanted.children, strict=True):
        at = now.place(name)
        names.append(name if at is None else now.type.names[at])
        ids.append(next(fresh) if at is None else now.ids[at])
        children.append(child if at is None else _shape(now.children[at], child, fresh, keep=keep))
    for name, part, child in zip(now.type.names, now.ids, now.children, strict=True):
        if keep and part not in ids:
            names.append(name)
            ids.append(part)
            children.append(child)
    return struct_shape(names, ids, children)
