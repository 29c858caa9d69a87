"""What ALTER TABLE can do, one action each.

Layer: ``grammar``. Invariant: names are as written; a path is a column's name and then the names of
fields inside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlglot import exp

    Path = tuple[exp.Identifier, ...]


@dataclass(frozen=True)
class Alteration:
    """One action of ALTER TABLE."""


@dataclass(frozen=True)
class Place:
    """Where a column or field goes; ``beside`` is the one it goes before or after."""

    where: Literal["FIRST", "LAST", "BEFORE", "AFTER", "POSITION"]
    beside: exp.Identifier | None = None
    position: int = 0


@dataclass(frozen=True)
class AddColumn(Alteration):
    """ADD [COLUMN] [IF NOT EXISTS] path type …, at the end without a place."""

    path: Path
    definition: exp.ColumnDef
    if_not_exists: bool = False
    place: Place | None = None


@dataclass(frozen=True)
class DropColumn(Alteration):
    """DROP [COLUMN] [IF EXISTS] path."""

    path: Path
    if_exists: bool = False


@dataclass(frozen=True)
class RenameColumn(Alteration):
    """RENAME [COLUMN] path TO name."""

    path: Path
    to: exp.Identifier


@dataclass(frozen=True)
class RenameTable(Alteration):
    """RENAME TO name."""

    to: exp.Identifier


@dataclass(frozen=True)
class ChangeType(Alteration):
    """ALTER [COLUMN] path TYPE type; ``using`` computes each value anew."""

    path: Path
    kind: exp.DataType
    using: exp.Expr | None = None


@dataclass(frozen=True)
class SetDefault(Alteration):
    """ALTER [COLUMN] path SET DEFAULT value; without a value, DROP DEFAULT."""

    path: Path
    value: exp.Expr | None


@dataclass(frozen=True)
class SetRequired(Alteration):
    """ALTER [COLUMN] path SET NOT NULL, or DROP NOT NULL."""

    path: Path
    required: bool


@dataclass(frozen=True)
class MoveColumn(Alteration):
    """ALTER [COLUMN] path FIRST, LAST, BEFORE x, AFTER x, or SET POSITION n."""

    path: Path
    place: Place


@dataclass(frozen=True)
class AddConstraint(Alteration):
    """ADD [CONSTRAINT name] CHECK, UNIQUE or PRIMARY KEY."""

    constraint: exp.Expr


@dataclass(frozen=True)
class DropConstraint(Alteration):
    """DROP CONSTRAINT [IF EXISTS] name; without a name, DROP PRIMARY KEY."""

    name: exp.Identifier | None
    if_exists: bool = False


@dataclass(frozen=True)
class SetOptions(Alteration):
    """SET (name = value, …)."""

    options: Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True)
class ResetOptions(Alteration):
    """RESET (name, …)."""

    names: tuple[str, ...]
