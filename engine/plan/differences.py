"""What tells two definitions of a table apart: in words, and as the ALTER TABLEs that lead across.

Layer: ``plan``. Invariant: the statements, run in order on the one definition, give the other, but for
its revision and for ids of what is new. Columns, and fields inside them, are matched by their ids.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.datatypes import parse_type, shape_of
from engine.datatypes.words import quoted
from engine.plan import ddl
from engine.plan.constraints import renamed_checks
from engine.plan.members import Member, Members
from engine.plan.options import shown_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.catalog import Catalog, Column, Table
    from engine.datatypes import Shape
    from engine.plan.members import Action


@dataclass(frozen=True, slots=True)
class Difference:
    """One step from a definition to another; ``drops`` when it takes something away."""

    words: str
    sql: str
    drops: bool = False


def table_differences(before: Table | None, after: Table | None) -> list[Difference]:
    """Return the steps from one definition of a table to another; None is no table."""
    if after is None:
        if before is None:
            return []
        return [Difference("table dropped", f"DROP TABLE {ddl.table_name(before)}", drops=True)]
    if before is None:
        return [Difference("table created", sql) for sql in ddl.create_table(after)[:1]] + [
            Difference("comment set", sql) for sql in ddl.create_table(after)[1:]
        ]
    return list(_steps(before, after))


def catalog_differences(before: Catalog, after: Catalog) -> list[tuple[Table, Difference]]:
    """Return the steps that lead from the tables of one catalog to those of another, by table id."""
    old = {t.id: t for t in before.tables()}
    new = {t.id: t for t in after.tables()}
    out = []
    for table_id in [*old, *(i for i in new if i not in old)]:
        a, b = old.get(table_id), new.get(table_id)
        shown = b or a
        if shown is not None:
            out += [(shown, step) for step in table_differences(a, b)]
    return out


def _steps(before: Table, after: Table) -> Iterator[Difference]:
    if (before.schema, before.name) != (after.schema, after.name):
        sql = f"ALTER TABLE {ddl.table_name(before)} RENAME TO {quoted(after.name)}"
        yield Difference(f"renamed to {after.qualified}", sql)
    alter = f"ALTER TABLE {ddl.table_name(after)}"
    for words, action, drops in _actions(before, after):
        yield Difference(words, f"{alter} {action}", drops)
    yield from _comments(before, after)


def _actions(before: Table, after: Table) -> Iterator[Action]:
    """Yield words, action and whether it drops, in an order that works."""
    yield from _dropped_rules(before, after)
    columns = Members("column", ())
    old, new = ([_member(c) for c in table.columns] for table in (before, after))
    yield from columns.actions(old, new)
    known = {c.id: c for c in before.columns}
    for column in after.columns:
        if column.id in known:
            yield from _column_actions(known[column.id], column)
    yield from columns.moves(old, new)
    yield from _added_rules(before, after)
    gone = [name for name in before.options if name not in after.options]
    if gone:
        yield f"options reset: {', '.join(gone)}", f"RESET ({', '.join(gone)})", False
    changed = {n: v for n, v in after.options.items() if before.options.get(n) != v}
    if changed:
        shown = shown_options(after)
        text = ddl.options_sql({name: shown[name] for name in changed})
        yield f"options set: {text}", f"SET ({text})", False


def _column_actions(old: Column, new: Column) -> Iterator[Action]:
    name = quoted(new.name)
    a = shape_of(parse_type(old.type), old.parts)
    b = shape_of(parse_type(new.type), new.parts)
    yield from _shape_actions((new.name,), a, b)
    if old.default != new.default:
        done = f"SET DEFAULT {new.default}" if new.default is not None else "DROP DEFAULT"
        words = f"default of {new.name}: {new.default or 'none'}"
        yield words, f"ALTER COLUMN {name} {done}", False
    if old.nullable != new.nullable:
        word = "DROP" if new.nullable else "SET"
        words = f"column {new.name} {'may be' if new.nullable else 'is not'} NULL"
        yield words, f"ALTER COLUMN {name} {word} NOT NULL", False


def _shape_actions(path: tuple[str, ...], a: Shape, b: Shape) -> Iterator[Action]:
    if a == b:
        return
    same = a.type.kind == b.type.kind and a.type.is_nested and a.type.size == b.type.size
    shown, sql = ".".join(path), ".".join(map(quoted, path))
    if not same:
        words = f"column {shown}: {a.type.text} became {b.type.text}"
        yield words, f"ALTER COLUMN {sql} TYPE {b.type.text}", False
        return
    if a.type.kind != "struct":
        for step, x, y in zip(b.steps(), a.children, b.children, strict=True):
            yield from _shape_actions((*path, step), x, y)
        return
    yield from _field_actions(path, a, b)


def _field_actions(path: tuple[str, ...], a: Shape, b: Shape) -> Iterator[Action]:
    fields = Members("field", path)
    old, new = (
        [
            Member(part, name, child.type.text, f"{quoted(name)} {child.type.text}")
            for part, name, child in zip(s.ids, s.type.names, s.children, strict=True)
        ]
        for s in (a, b)
    )
    yield from fields.actions(old, new)
    for part, name, child in zip(b.ids, b.type.names, b.children, strict=True):
        if part in a.ids:
            yield from _shape_actions((*path, name), a.children[a.ids.index(part)], child)
    yield from fields.moves(old, new)


def _member(column: Column) -> Member:
    return Member(column.id, column.name, column.type, ddl.column_sql(column))


def _dropped_rules(before: Table, after: Table) -> Iterator[Action]:
    kept = {c.name for c in after.checks if c in _renamed(before, after).checks}
    kept |= {u.name for u in after.distinct if u in before.distinct}
    names = [u.name for u in before.distinct] + [c.name for c in before.checks]
    for name in names:
        if name not in kept:
            yield f"constraint {name} dropped", f"DROP CONSTRAINT {quoted(name)}", False


def _added_rules(before: Table, after: Table) -> Iterator[Action]:
    if after.key and after.distinct[0] not in before.distinct:
        yield f"{ddl.key_sql(after)} added", f"ADD {ddl.key_sql(after)}", False
    for unique in after.uniques:
        if unique not in before.distinct:
            text = ddl.unique_sql(after, unique)
            yield f"{text} added", f"ADD {text}", False
    same = _renamed(before, after).checks
    for check in after.checks:
        if check not in same:
            text = ddl.check_sql(check)
            yield f"{text} added", f"ADD {text}", False


def _renamed(before: Table, after: Table) -> Table:
    """Return ``before`` with its CHECKs as they read once columns have their names of ``after``."""
    now = {c.id: c.name for c in after.columns}
    table = before
    for column in before.columns:
        name = now.get(column.id, column.name)
        if name != column.name:
            table = replace(table, checks=renamed_checks(table, column.name, name))
    return table


def _comments(before: Table, after: Table) -> Iterator[Difference]:
    if before.comment != after.comment:
        sql = ddl.comment_sql("TABLE", ddl.table_name(after), after.comment)
        yield Difference(f"comment: {after.comment or 'none'}", sql)
    old = {c.id: c.comment for c in before.columns}
    for column in after.columns:
        if old.get(column.id) != column.comment:
            name = f"{ddl.table_name(after)}.{quoted(column.name)}"
            sql = ddl.comment_sql("COLUMN", name, column.comment)
            yield Difference(f"comment on {column.name}: {column.comment or 'none'}", sql)
