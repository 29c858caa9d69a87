"""Which tables' rows belong to the changes of one table, and how their columns are read.

Layer: ``execute``. Invariant: a table is what its id says, under any name. Only a table that was made
within the range in the place of one that is gone takes over the rows of that one, by the names of
columns: to whoever follows the name, they left when it was dropped. A column is of a type that holds
every value it had in the range.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.catalog import Catalog, Table
from engine.datatypes import parse_type, shape_of, unified
from engine.errors import UnsupportedError
from engine.storage import ScanColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from engine.analyze import ChangeSource
    from engine.catalog import Column, Mapping
    from engine.datatypes import Shape

NOWHERE = -1
"""The id of a column that no file has."""


@dataclass(frozen=True, slots=True)
class Lives:
    """The table as its changes show it, and by id each table whose files are read, and how."""

    table: Table
    columns: dict[str, list[ScanColumn]]


def lives(
    source: ChangeSource,
    since: Mapping,
    until: Mapping,
    between: Iterable[dict[str, bytes | None]],
    columns: Callable[[Table], list[ScanColumn]],
) -> Lives:
    """Return whose rows are read, from the two ends and what changed between them, step by step.

    Raises: UnsupportedError when a column had types of which none holds the values of all.
    """
    made = [
        Table.decode(key[2:], value)
        for changed in between
        for key, value in changed.items()
        if key.startswith("t/") and value is not None
    ]
    table, first = source.table, since.get(source.table.state_key)
    own = [t for t in made if t.id == table.id]
    if first is not None:
        own.append(Table.decode(table.id, first))
    wide = _widest(table, own)
    others: dict[str, Table] = {}
    if first is None:
        before = Catalog(since).table(table.schema, table.name)
        new = [t for t in made if _named(t) == _named(table) and since.get(t.state_key) is None]
        for other in new if before is None else [before, *new]:
            if other.id != table.id and until.get(other.state_key) is None:
                others.setdefault(other.id, other)
    for other in others.values():
        wide = _wide_as(wide, table, other, _widest(other, [t for t in made if t.id == other.id]))
    found = {table.id: columns(wide)}
    for other in others.values():
        found[other.id] = _by_name(table, columns(wide), columns(other))
    return Lives(wide, found)


def _named(table: Table) -> tuple[str, str]:
    return table.schema.lower(), table.name.lower()


def _widest(table: Table, others: Sequence[Table]) -> Table:
    """Return the table, each column of the widest type it had: RESTORE can make a column narrower."""
    columns = []
    for column in table.columns:
        wide = column
        for other in {_shape(c) for t in others for c in t.columns if c.id == column.id}:
            wide = _widened(table, wide, other)
        columns.append(wide)
    return replace(table, columns=tuple(columns))


def _wide_as(wide: Table, table: Table, other: Table, most: Table) -> Table:
    """Return ``wide`` with columns that hold what those took in which another table gave way to it.

    ``most`` is that other table with the widest types it had. Columns go by name and first type.
    """
    there = {c.name.lower(): (c, m) for c, m in zip(other.columns, most.columns, strict=True)}
    columns = []
    for column, own in zip(wide.columns, table.columns, strict=True):
        was, grown = there.get(own.name.lower(), (None, None))
        if was is None or grown is None or was.type != own.type or was.type == grown.type:
            columns.append(column)
        elif parse_type(was.type).is_nested:
            raise _torn(table, column, grown.type)
        else:
            columns.append(_widened(table, column, _shape(grown)))
    return replace(wide, columns=tuple(columns))


def _widened(table: Table, column: Column, other: Shape) -> Column:
    """Return a column of a type that also holds the values of another.

    Raises: UnsupportedError when there is none.
    """
    own = _shape(column)
    try:
        shape = unified(own, other)
    except UnsupportedError:
        raise _torn(table, column, other.type.text) from None
    return column if shape == own else replace(column, type=shape.type.text, parts=shape.parts())


def _torn(table: Table, column: Column, other: str) -> UnsupportedError:
    return UnsupportedError(
        f"{table.qualified}.{column.name} was {other} in this range, and {column.type}:"
        " no type holds the values of both",
        hint="ask for the changes up to the one and from there on, one by one",
    )


def _shape(column: Column) -> Shape:
    return shape_of(parse_type(column.type), column.parts)


def _by_name(
    table: Table, columns: Sequence[ScanColumn], others: Sequence[ScanColumn]
) -> list[ScanColumn]:
    """Return columns to be read from another table's files: of the same name and type, else NULL."""
    there = {c.name.lower(): c for c in others}
    out = []
    for column, own in zip(columns, table.columns, strict=True):
        other = there.get(own.name.lower())
        if other is not None and other.type == own.type:
            out.append(replace(other, name=column.name, type=column.type))
        else:
            out.append(ScanColumn(NOWHERE, column.name, column.type))
    return out
