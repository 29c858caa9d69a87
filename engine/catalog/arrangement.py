"""How a table wants its rows arranged: by what they are clustered, by what files are parted.

Layer: ``catalog``. Invariant: both are kept as text of a table's options, with columns by id
(``#1``), so that renaming a column changes neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.catalog.tables import Column, Table

CLUSTER, PARTITION = "cluster_by", "partition_by"
"""The names of the options."""
METHODS: Final = ("sort", "zorder")
TRANSFORMS: Final = ("identity", "year", "month", "day", "hour", "bucket", "truncate")
_CALL: Final = re.compile(r"(\w+)\((.*)\)\Z", re.DOTALL)
_ID: Final = re.compile(r"#(\d+)")


@dataclass(frozen=True, slots=True)
class Clustering:
    """By which columns rows are put near each other, and how."""

    method: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class PartitionField:
    """A column by whose value files are parted; ``width`` is of ``bucket`` and ``truncate`` only."""

    transform: str
    width: int
    column: Column


def clustering_of(table: Table) -> Clustering | None:
    """Return a table's clustering, of those columns that are there still; None without any."""
    text = table.options.get(CLUSTER)
    if text is None:
        return None
    method, inner = call_of(text)
    columns = tuple(columns_in(table, inner))
    return Clustering(method, columns) if columns else None


def partitioning_of(table: Table) -> tuple[PartitionField, ...]:
    """Return by what a table's new files are parted; nothing when by nothing."""
    found = []
    for item in split(table.options.get(PARTITION, "")):
        transform, inner = call_of(item)
        width, _, rest = inner.rpartition(",")
        columns = list(columns_in(table, rest))
        if columns:
            found.append(PartitionField(transform or "identity", int(width or 0), columns[0]))
    return tuple(found)


def named(table: Table, text: str) -> str:
    """Return an option's text with the columns' names in the place of their ids."""
    names = {str(c.id): c.name for c in table.columns}
    return _ID.sub(lambda match: names.get(match[1], match[0]), text)


def split(text: str) -> list[str]:
    """Return the items of a list, parted by commas outside brackets."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    return [part for part in (*parts, text[start:].strip()) if part]


def call_of(text: str) -> tuple[str, str]:
    """Return the name and the inside of ``name(inside)``; without a name, all of it is inside."""
    match = _CALL.match(text)
    return (match[1].lower(), match[2]) if match else ("", text)


def columns_in(table: Table, text: str) -> Iterator[Column]:
    """Yield the columns that an option's text names by id, as far as they are there."""
    by_id = {c.id: c for c in table.columns}
    for number in _ID.findall(text):
        if int(number) in by_id:
            yield by_id[int(number)]
