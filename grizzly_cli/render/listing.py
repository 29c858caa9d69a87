"""Rows that no statement made, in the shape of a result.

Layer: ``grizzly_cli.render``. Invariant: it is drawn by the same code as a result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SQL = {"int64": "BIGINT", "bool": "BOOLEAN", "double": "DOUBLE"}


@dataclass(frozen=True, slots=True)
class Listing:
    """A table with the names and types of a result."""

    table: Any
    columns: list[str]
    types: list[str]

    @classmethod
    def of(cls, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Listing:
        """Make a listing of rows of text, numbers and truth values."""
        values = [pa.array([row[i] for row in rows]) for i in range(len(columns))]
        return cls.of_table(pa.table(dict(zip(columns, values, strict=True))))

    @classmethod
    def of_table(cls, table: Any, types: Sequence[str] | None = None) -> Listing:
        """Make a listing of an Arrow table."""
        names = [_SQL.get(str(field.type), "VARCHAR") for field in table.schema]
        return cls(table, table.column_names, list(types or names))

    @property
    def schema(self) -> Any:
        """Return the Arrow schema."""
        return self.table.schema

    def batches(self) -> Iterator[Any]:
        """Yield the rows."""
        yield from self.table.to_batches()
