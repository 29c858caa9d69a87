"""ORC as pyarrow writes and reads it: the one door to ``pyarrow.orc``.

Layer: ``engine.storage``. Invariant: no type reaches the writer that it would change, refuse or abort
the process on.
pyarrow 26 writes wrong values, and says nothing, for structs that are slices and for structs within
structs whose nulls do not reach their fields; ``settled`` is what keeps such arrays away from it.
Source: ORC specification v1. Our own files hold physical types only (see ``engine.datatypes``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import orc

from engine.errors import StorageError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Sequence

STRIPE_ROWS = 122_880
"""Rows in a stripe: one batch of a scan, one row group of DuckDB's.

A multiple of it where so many rows make next to no bytes, which is when the writer will not cut.
"""
KEYED_STRIPE_ROWS = 30_720
"""Rows in a stripe of a table with a key, of which single rows are read."""
STRIPE_BYTES = 16 << 20
"""About this much Arrow data in a stripe, which leaves 2 to 4 MB of ORC."""
_MIN_STRIPE_ROWS = 64
_HEADER = 3
"""Bytes of ``ORC`` at the start, which pyarrow's content length leaves out."""
_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "compression_block_size": 64 << 10,
}
_SMALL_ROWS = 16_384
_SMALL_OPTIONS: dict[str, Any] = {"compression": "uncompressed", "file_version": "0.11"}
"""A small file is soon merged into a larger one: compressing it, and the denser run lengths of 0.12,
cost more than writing it."""
_EXACT = frozenset(
    {
        pa.bool_(),
        pa.int8(),
        pa.int16(),
        pa.int32(),
        pa.int64(),
        pa.float32(),
        pa.float64(),
        pa.string(),
        pa.binary(),
        pa.date32(),
    }
)


def write(table: pa.Table, most: int = STRIPE_ROWS) -> tuple[pa.Buffer, list[tuple[int, int]]]:
    """Encode a table of physical types, with at most ``most`` rows in a stripe.

    Shape: the file, and for each stripe its rows and the file offset where it ends.
    Raises: UnsupportedError for a type that ORC would not keep exactly.
    """
    for field in table.schema:
        _require_exact(field.type)
    rows = _stripe_rows(table, most)
    sink = pa.BufferOutputStream()
    # A stripe is written out once a batch has made it larger than stripe_size: with 1, after every
    # batch that leaves the encoders' buffers. Whether it was, the sink's position tells.
    options = _OPTIONS if table.num_rows >= _SMALL_ROWS else _SMALL_OPTIONS
    writer = orc.ORCWriter(sink, batch_size=rows, stripe_size=1, **options)
    stripes: list[tuple[int, int]] = []
    pending, end = 0, _HEADER
    for start in range(0, max(1, table.num_rows), rows):
        part = table.slice(start, rows)
        writer.write(_settled_table(part))
        pending += part.num_rows
        if sink.tell() > end:
            end = sink.tell()
            stripes.append((pending, end))
            pending = 0
    writer.close()
    data = sink.getvalue()
    written = orc.ORCFile(pa.BufferReader(data))
    if pending:
        stripes.append((pending, _HEADER + written.content_length))
    if written.nstripes != len(stripes) or _HEADER + written.content_length < end:
        raise StorageError("the ORC writer cut the rows into other stripes than it reported")
    return data, stripes


class OrcReader:
    """An open ORC file, read a stripe at a time; safe to use from several threads."""

    def __init__(self, handle: object) -> None:
        """Read the file's tail through a Python file object."""
        self._file = orc.ORCFile(pa.PythonFile(handle, mode="r"))
        self.stripes: int = self._file.nstripes
        self.rows: int = self._file.nrows

    def read(self, stripe: int, columns: Sequence[str]) -> list[pa.Array]:
        """Return columns of one stripe in the order asked for; there must be at least one."""
        batch = self._file.read_stripe(stripe, columns=list(columns))
        return [batch.column(batch.schema.get_field_index(name)) for name in columns]


def read_orc(path: str) -> pa.Table:
    """Read a whole ORC file that somebody else wrote.

    Raises: OSError or pyarrow.ArrowException when it is none.
    """
    file = orc.ORCFile(path)
    if not file.nstripes:
        return file.schema.empty_table()
    return pa.Table.from_batches([file.read_stripe(i) for i in range(file.nstripes)])


def write_orc(table: pa.Table, path: str) -> None:
    """Write a table of wire types as an ORC file for others to read.

    Shape: unsigned integers become the next wider signed type, times become text, arrays lists.
    Raises: UnsupportedError when ORC has no such type, or a timestamp is outside 1677 to 2262.
    """
    schema = pa.schema([pa.field(f.name, _foreign(f.type)) for f in table.schema])
    try:
        table = table.cast(schema)
        orc.write_table(
            _settled_table(table), path, stripe_size=64 << 20, batch_size=8192, **_OPTIONS
        )
    except pa.ArrowException as error:
        raise UnsupportedError(
            f"ORC cannot hold these values: {error}", hint="export to Parquet or Arrow instead"
        ) from error


def settled(array: pa.Array, alive: pa.Array | None = None) -> pa.Array:
    """Return equal values in the one layout that the ORC writer takes: no offset, no value below a null.

    ``alive`` tells which of the array's parents are not null.
    """
    t = array.type
    valid = array.is_valid() if alive is None else pc.and_(array.is_valid(), alive)
    if pa.types.is_struct(t):
        fields = [t.field(i) for i in range(t.num_fields)]
        parts = [settled(array.field(i), valid) for i in range(t.num_fields)]
        return pa.StructArray.from_arrays(parts, fields=fields, mask=pc.invert(valid))
    order = pa.array(np.arange(len(array), dtype=np.int64))
    array = array.take(pc.if_else(valid, order, pa.scalar(None, pa.int64())))
    if pa.types.is_map(t):
        names = [pa.field("key", t.key_type, nullable=False), pa.field("value", t.item_type)]
        parts = [settled(array.keys), settled(array.items)]
        return _with_values(array, pa.StructArray.from_arrays(parts, fields=names))
    if pa.types.is_list(t):
        return _with_values(array, settled(array.values))
    return array


def _with_values(array: pa.Array, values: pa.Array) -> pa.Array:
    """Return a list or map array with other values below the same offsets."""
    own = array.buffers()[:2]
    nulls, start = array.null_count, array.offset
    return pa.Array.from_buffers(array.type, len(array), own, nulls, start, children=[values])


def _settled_table(table: pa.Table) -> pa.Table:
    columns = [
        pa.chunked_array([settled(pa.concat_arrays(c.chunks))], type=c.type)
        if pa.types.is_nested(c.type) and c.num_chunks
        else c
        for c in table.columns
    ]
    return pa.table(columns, schema=table.schema)


def _stripe_rows(table: pa.Table, most: int) -> int:
    if not table.num_rows:
        return most
    fit = STRIPE_BYTES * int(table.num_rows) // max(1, int(table.nbytes))
    return max(_MIN_STRIPE_ROWS, min(most, fit))


def _require_exact(t: pa.DataType) -> None:
    if pa.types.is_list(t) or pa.types.is_struct(t) or pa.types.is_map(t):
        parts = [t.key_type, t.item_type] if pa.types.is_map(t) else []
        for part in parts or [t.field(i).type for i in range(t.num_fields)]:
            _require_exact(part)
    elif pa.types.is_decimal128(t):
        if t.scale < 0:  # std::terminate in the writer
            raise UnsupportedError("a decimal with a negative scale cannot be stored")
    elif t not in _EXACT:
        raise UnsupportedError(f"values of Arrow type {t} cannot be stored exactly")


_SIGNED = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
}


def _foreign(t: pa.DataType) -> pa.DataType:
    if pa.types.is_map(t):
        return pa.map_(_foreign(t.key_type), _foreign(t.item_type))
    if pa.types.is_struct(t):
        fields = [t.field(i) for i in range(t.num_fields)]
        return pa.struct([(f.name, _foreign(f.type)) for f in fields])
    if pa.types.is_list(t) or pa.types.is_fixed_size_list(t) or pa.types.is_large_list(t):
        return pa.list_(_foreign(t.value_type))
    return _foreign_plain(t)


def _foreign_plain(t: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(t):
        return pa.timestamp("ns", t.tz)
    if pa.types.is_time(t) or pa.types.is_null(t):
        return pa.string()
    if pa.types.is_decimal(t):
        return pa.decimal128(t.precision, max(0, t.scale))
    return t.value_type if pa.types.is_dictionary(t) else _SIGNED.get(t, t)
