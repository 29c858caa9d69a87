"""Stored objects in memory, that count and can be damaged; and tables built of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from engine.datatypes import parse_type
from engine.storage import (
    DataFile,
    Encoded,
    FileColumn,
    ScanColumn,
    ScanFile,
    TableScan,
    encode_file,
)
from engine.storage.orc import STRIPE_ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.storage import Bitmap


class MemorySource:
    """Bytes under a name; every one has a stamp of its own until told otherwise."""

    def __init__(self, data: object, name: str = "objects/ab/cdef") -> None:
        self.data = bytes(memoryview(data))
        self.name = name
        self.stamp: object = object()
        self.reads: list[tuple[int, int]] = []

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        self.reads.append((offset, length))
        return self.data[offset : offset + length]

    def replace(self, data: bytes) -> None:
        self.data = data
        self.stamp = object()


def columns_of(types: dict[str, str]) -> list[FileColumn]:
    return [FileColumn(i, name, text) for i, (name, text) in enumerate(types.items(), start=1)]


def table_of(types: dict[str, str], **values: list[object]) -> pa.Table:
    return pa.table(
        {name: pa.array(values[name], parse_type(text).wire) for name, text in types.items()}
    )


def bulky(stripes: int, more: int = 0) -> pa.Table:
    """Return rows that ORC cannot shrink to nothing, so that it makes this many stripes."""
    rows = stripes * STRIPE_ROWS + more
    noise = np.random.default_rng(5).integers(0, 1 << 40, rows)
    return pa.table({"id": pa.array(range(rows), pa.int32()), "noise": pa.array(noise)})


BULKY = {"id": "INTEGER", "noise": "BIGINT"}


def stored(
    table: pa.Table, types: dict[str, str], *, inline: bool = False
) -> tuple[DataFile, MemorySource, Encoded]:
    """Encode a table and open what came out."""
    encoded = encode_file(table, columns_of(types), inline=inline)
    source = MemorySource(encoded.data)
    sidecar = None if inline else encoded.sidecar
    return DataFile(source, encoded.sha256, sidecar, encoded.codec), source, encoded


def scan_file(
    data: DataFile,
    ordinal: int,
    version: int | None = None,
    deleted: Bitmap | None = None,
    keep: Bitmap | None = None,
) -> ScanFile:
    rid = (ordinal + 1 if version is None else version) << 32
    return ScanFile(ordinal, rid, data.rows, lambda: data, deleted, keep)


def scan_of(types: dict[str, str], files: Sequence[ScanFile]) -> TableScan:
    columns = [ScanColumn(c.id, c.name, c.type) for c in columns_of(types)]
    return TableScan(columns, files)


def rows_of(scan: TableScan, columns: Sequence[str], *more: object) -> list[dict[str, object]]:
    return [row for batch in scan.batches(columns, *more) for row in batch.to_pylist()]
