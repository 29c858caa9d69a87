"""Rows of a table as data files that are yet to be stored.

Layer: ``execute``. Invariant: few rows ride in the commit; many are encoded side by side.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from engine.cache import remembered
from engine.execute.workspace import INLINE_BYTES
from engine.storage import FileColumn, encode_file, shard

if TYPE_CHECKING:
    import pyarrow as pa

    from engine.catalog import Column, Table
    from engine.storage import Encoded

INLINE_ROWS = 1_000
"""Up to so many rows are tried as a part of the commit itself."""

ENCODERS = 2


def encode(rows: pa.Table, table: Table) -> list[Encoded]:
    """Return rows as data files: one that fits into a commit, or as many as encode in parallel."""
    if not rows.num_rows:
        return []
    columns = _file_columns(table.columns)
    if rows.num_rows <= INLINE_ROWS and rows.nbytes <= INLINE_BYTES:
        encoded = encode_file(rows, columns, inline=True)
        if len(encoded.data) <= INLINE_BYTES:
            return [encoded]
    parts = shard(rows)
    if len(parts) == 1:
        return [encode_file(parts[0], columns, inline=False, key=table.key)]
    with ThreadPoolExecutor(ENCODERS) as pool:
        return list(
            pool.map(lambda part: encode_file(part, columns, inline=False, key=table.key), parts)
        )


@remembered
def _file_columns(columns: tuple[Column, ...]) -> tuple[FileColumn, ...]:
    return tuple(FileColumn(c.id, c.name, c.type, c.parts) for c in columns)
