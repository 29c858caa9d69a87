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
    ``unique`` asks for the table's key to be checked against all its rows. A plan that is not
    ``addressed`` yields the table's columns alone: which rows they replace, or must not meet, is asked
    of the key index. Columns that are ``kept``, by id, have the values they had.
    """

    verb: str
    target: TableSource
    sql: str
    sources: tuple[Source, ...]
    unique: bool
    distinct: tuple[str, ...] = ()
    once: str = "a row is written twice"
    returning: str | None = None
    addressed: bool = True
    kept: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class CreateTable:
    """A new table; with ``query`` its columns and rows come from there, and ``key`` names its key."""

    table: Table
    if_not_exists: bool
    replace: bool
    query: Select | None = None
    key: tuple[str, ...] = ()


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
class Demand:
    """What the rows of a table must meet before its next definition is taken.

    Either ``condition``, as SQL, is false for none; or no two agree in the columns ``distinct``.
    ``complaint`` and ``hint`` tell who breaks it. A demand that is ``fresh`` is about columns that the
    rows do not have yet: it is checked against their values to be.
    """

    condition: str | None
    distinct: tuple[str, ...]
    complaint: str
    hint: str | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class AlterTable:
    """A table's next definition, taken when all rows meet the demands.

    ``rewrite`` gives the columns, by id, whose values are computed anew from the rows as they are.
    """

    before: Table
    after: Table
    demands: tuple[Demand, ...] = ()
    rewrite: tuple[tuple[int, str], ...] = ()


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
