"""What a statement gave.

Layer: ``session``. Invariant: rows are read once, in order; reading may still raise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Result:
    """The answer to one statement.

    ``types`` are SQL type names. ``count`` is the number of rows written, ``version`` the commit made.
    Units: seconds.
    """

    tag: str
    kind: Literal["rows", "done"] = "done"
    columns: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    schema: pa.Schema = field(default_factory=lambda: pa.schema([]))
    count: int | None = None
    version: int | None = None
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    read: Callable[[], Iterator[pa.RecordBatch]] | None = None
    _kept: list[pa.RecordBatch] | None = None
    _reader: Iterator[pa.RecordBatch] | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows; what was spooled comes from memory.

        Raises: whatever computing them raises.
        """
        if self._kept is not None:
            yield from self._kept
            return
        if self.read is None:
            return
        if self._reader is None:
            self._reader = self.read()
        yield from self._reader

    def spool(self) -> None:
        """Read what is left into memory, so that the engine is free for the next statement."""
        if self._kept is None:
            self._kept = list(self.batches())

    def table(self) -> pa.Table:
        """Return all rows that were not read yet, in memory."""
        return pa.Table.from_batches(list(self.batches()), schema=self.schema)


def rows(table: pa.Table, tag: str, types: list[str]) -> Result:
    """Return a result that is already in memory."""
    return Result(
        tag,
        "rows",
        list(table.column_names),
        types,
        table.schema,
        read=lambda: iter(table.to_batches()),
    )
