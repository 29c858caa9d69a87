"""An answer that was there without the relational engine.

Layer: ``execute``. Invariant: it looks like an answer of the engine, to the type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa


class Ready:
    """An answer that needs no engine: names, SQL types, schema and batches."""

    def __init__(
        self,
        columns: list[str],
        types: list[str],
        schema: pa.Schema,
        rows: Iterator[pa.RecordBatch],
    ) -> None:
        """Take what was found."""
        self.columns = columns
        self.types = types
        self.schema = schema
        self._rows = rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows.

        Raises: CorruptError, IoError.
        """
        return self._rows
