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
from engine.datatypes import common, parse_type, shape_of
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
    found = {table.id: columns(wide)}
    if first is None:
        before = Catalog(since).table(table.schema, table.name)
        new = [t for t in made if _named(t) == _named(table) and since.get(t.state_key) is None]
        for other in new if before is None else [before, *new]:
            if other.id not in found and until.get(other.state_key) is None:
                found[other.id] = _by_name(table, columns(wide), columns(other))
    return Lives(wide, found)


def _named(table: Table) -> tuple[str, str]:
    return table.schema.lower(), table.name.lower()


def _widest(table: Table, others: Sequence[Table]) -> Table:
    """Return the table, each column of the widest type it had: RESTORE can make a column narrower."""
    columns = []
    for column in table.columns:
        shape = _shape(column)
        for other in {_shape(c) for t in others for c in t.columns if c.id == column.id}:
            try:
                shape = common(shape, other)
            except UnsupportedError:
                raise UnsupportedError(
                    f"{table.qualified}.{column.name} was {other.type.text} in this range, and"
                    f" {shape.type.text}: no type holds the values of both",
                    hint="ask for the changes up to the one and from there on, one by one",
                ) from None
        if shape != _shape(column):
            column = replace(column, type=shape.type.text, parts=shape.parts())  # noqa: PLW2901
        columns.append(column)
    return replace(table, columns=tuple(columns))


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
