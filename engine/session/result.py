"""What a statement gave.

Layer: ``session``. Invariant: rows are read once, in order; reading may still raise.
"""

from __future__ import annotations

from collections import deque
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
    _kept: deque[pa.RecordBatch] = field(default_factory=deque)
    _reader: Iterator[pa.RecordBatch] | None = None
    _failure: Exception | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows that nobody took yet, however many callers share them.

        Raises: whatever computing them raises.
        """
        while (batch := self._next()) is not None:
            yield batch

    def spool(self) -> None:
        """Read what is left into memory, so that the engine is free for the next statement.

        What goes wrong on the way is raised to whoever reads this far, and to nobody else.
        """
        try:
            while (batch := self._read()) is not None:
                self._kept.append(batch)
        except Exception as error:  # noqa: BLE001 - kept for the reader it belongs to
            self._failure = error

    def _next(self) -> pa.RecordBatch | None:
        if self._kept:
            return self._kept.popleft()
        if self._failure is not None:
            raise self._failure
        return self._read()

    def _read(self) -> pa.RecordBatch | None:
        if self._reader is None:
            self._reader = iter(()) if self.read is None else self.read()
        return next(self._reader, None)

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
