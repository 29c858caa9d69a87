"""What is to be done, with nothing left to decide: SQL for the backend, and plain data.

Layer: ``plan``. Invariant: a node holds no tree; whoever executes it needs no sqlglot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.analyze import Source, TableSource
    from engine.catalog import Table, View

OP_INSERT, OP_UPDATE, OP_DELETE = 0, 1, 2
"""The values of ``_op`` in the rows a ``RowWrite`` computes."""


@dataclass(frozen=True, slots=True)
class Select:
    """A query and where its rows come from."""

    sql: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class RowWrite:
    """Rows to insert, replace or delete in one table.

    ``sql`` yields ``_op, _file, _pos, _rid`` and then the table's columns in wire types. ``once`` says
    what is wrong when a row of the target is met twice, or two new rows agree in ``distinct``;
    ``unique`` asks for the table's key to be checked against all its rows.
    """

    verb: str
    target: TableSource
    sql: str
    sources: tuple[Source, ...]
    unique: bool
    distinct: tuple[str, ...] = ()
    once: str = "a row is written twice"
    returning: str | None = None


@dataclass(frozen=True, slots=True)
class CreateTable:
    """A new table; with ``query`` its columns and rows come from there."""

    table: Table
    if_not_exists: bool
    replace: bool
    query: Select | None = None


@dataclass(frozen=True, slots=True)
class CreateView:
    """A new view."""

    view: View
    if_not_exists: bool
    replace: bool


@dataclass(frozen=True, slots=True)
class CreateSchema:
    """A new schema."""

    name: str
    if_not_exists: bool


@dataclass(frozen=True, slots=True)
class Drop:
    """Tables, views or schemas to forget; each is a schema and a name."""

    kind: str
    names: tuple[tuple[str, str], ...]
    if_exists: bool
    cascade: bool


@dataclass(frozen=True, slots=True)
class AlterTable:
    """A table's next definition; ``fill`` must hold for all rows before it is taken."""

    before: Table
    after: Table
    conditions: tuple[str, ...] = ()
    verb: str = "ALTER TABLE"


@dataclass(frozen=True, slots=True)
class Truncate:
    """A table to empty."""

    table: Table


@dataclass(frozen=True, slots=True)
class Export:
    """A query whose rows go to a file."""

    query: Select
    path: str
    form: str
    options: dict[str, str] = field(default_factory=dict)


Plan = (
    Select
    | RowWrite
    | CreateTable
    | CreateView
    | CreateSchema
    | Drop
    | AlterTable
    | Truncate
    | Export
)
