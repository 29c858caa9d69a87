"""Where the rows of a bound statement come from.

Layer: ``analyze``. Invariant: a source names things; it opens and reads nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.catalog import Blob, Catalog, Table
    from grammar.timetravel import Shape


RESERVED = "_grizzly_"
"""What the names of sources begin with; nothing in a statement may."""


@dataclass(frozen=True, slots=True)
class TableSource:
    """A table at one state; ``hidden`` adds the columns that address its rows."""

    name: str
    table: Table
    catalog: Catalog
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class ChangeSource:
    """The changes of a table in the versions ``(since, until]``; ``table`` is as at the end."""

    name: str
    table: Table
    since: int
    until: int
    shape: Shape


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file in a foreign format, and its reader's options as SQL literals."""

    name: str
    path: str
    reader: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BlobSource:
    """A blob, read as a file of a foreign format; without a reader, one row of all its bytes."""

    name: str
    blob: Blob
    reader: str | None
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SystemSource:
    """A table of the ``grizzly`` schema at one version, computed on demand."""

    name: str
    relation: str
    catalog: Catalog
    version: int


@dataclass(frozen=True, slots=True)
class ViewSource:
    """A view, already bound; it is defined after the sources it reads."""

    name: str
    sql: str
    columns: tuple[str, ...]


Source = TableSource | ChangeSource | FileSource | BlobSource | SystemSource | ViewSource
