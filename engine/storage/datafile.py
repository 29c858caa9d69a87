"""Data files: rows of one table, immutable, named by the SHA-256 of their bytes.

Layer: ``engine.storage``. Invariant: what is read is what was written, value for value, or CorruptError.

Two codecs. ``orc``: zstd ORC in stripes of 122,880 rows or so, with a statistics object beside it
(``engine.storage.statistics``). ``arrow``: an Arrow IPC stream for a commit's few rows, which describes
itself (columns in the schema's metadata) and needs no statistics. Both hold physical types
(``engine.datatypes``) under physical names: the column's own name if every ORC reader takes it, else
``_<id>``; then ``_rid`` and ``_cv`` where rows were moved from other files.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import ipc

from engine.cache import remembered, shared
from engine.datatypes import DataType, Shape, conform, decode, encode, shape_of
from engine.datatypes.words import is_plain
from engine.errors import CorruptError, GrizzlyError, UsageError
from engine.storage import keyindex, orc, statistics
from engine.storage.keyhash import families, words
from engine.storage.keyindex import build
from engine.storage.rowtree import RowTree
from engine.storage.statistics import (
    HIDDEN,
    ByteRange,
    FileColumn,
    Statistics,
    StripeInfo,
    canonical,
    typed,
)
from engine.storage.verified import VerifiedFile
from engine.storage.zonemap import zone_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from contextlib import AbstractContextManager

    from engine.objectstore import ByteSource

Codec = str
SHARD_ROWS = 8 * orc.STRIPE_ROWS
KEYED_ROWS = 16_384
"""Smaller files have no key index at rest: making it anew costs less than reading it."""
_WORTH_TWO_ROWS = 4 * orc.STRIPE_ROWS
_METADATA = b"grizzly"
_READ_ERRORS = (pa.ArrowException, OSError, ValueError, KeyError, OverflowError)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A data file that is yet to be stored; ``sidecar`` is empty for the codec ``arrow``."""

    data: pa.Buffer
    sha256: str
    rows: int
    codec: Codec
    sidecar: bytes
    keys: tuple[bytes, bytes] | None = None
    """The header and the body of the key index, when the file has one."""
    tree: str | None = None
    """The root over the rows of an ORC file, in hexadecimal."""


def encode_file(
    table: pa.Table, columns: Sequence[FileColumn], *, inline: bool, key: Sequence[int] = ()
) -> Encoded:
    """Encode rows as a data file, with an index of the columns whose ids are ``key``.

    Shape: ``table`` has the columns' wire types in order, then optionally int64 ``_rid`` and ``_cv``.
    Cost: about 0.9 s per million rows of nine columns; inline, tens of microseconds.
    Raises: TypeMismatchError, UnsupportedError, UsageError when the table is not of that shape.
    """
    hidden = tuple(table.column_names[len(columns) :])
    if table.num_columns < len(columns) or not set(hidden) <= set(HIDDEN):
        raise UsageError(f"{len(columns)} columns described, {table.num_columns} given")
    types, schema, described = _layout(tuple(columns), hidden)
    at_rest = pa.table(
        [_encode_column(c, t) for c, t in zip(table.columns, types, strict=True)], schema=schema
    )
    if inline:
        return _encode_inline(at_rest, described)
    encoded = _encode_orc(at_rest, table, columns, types, key)
    return replace(
        encoded,
        keys=_encode_keys(table, columns, types, key),
        tree=RowTree(table.columns, columns, types, hidden).root.hex(),
    )


def shard(table: pa.Table, max_rows: int = SHARD_ROWS) -> list[pa.Table]:
    """Cut a big table into parts of about the same size to encode side by side, in whole stripes."""
    rows = int(table.num_rows)
    parts = max(-(-rows // max_rows), 2 if rows >= _WORTH_TWO_ROWS else 1)
    stripes = -(-rows // (parts * orc.STRIPE_ROWS))
    size = min(max_rows, max(1, stripes) * orc.STRIPE_ROWS)
    return [table.slice(start, size) for start in range(0, rows, size)] or [table]


def physical_names(columns: Sequence[FileColumn]) -> list[str]:
    """Return the names that columns bear inside a file."""
    seen: set[str] = set()
    out = []
    for column in columns:
        own = is_plain(column.name) and column.name.lower() not in seen
        seen.add(column.name.lower())
        out.append(column.name if own else f"_{column.id}")
    return out


@remembered
def _layout(
    columns: tuple[FileColumn, ...], hidden: tuple[str, ...]
) -> tuple[tuple[DataType, ...], pa.Schema, pa.Schema]:
    """Return a file's types, its schema, and that with what an inlined file says of its columns."""
    types = typed(columns, hidden)
    fields = (*physical_names(columns), *hidden)
    schema = pa.schema([pa.field(f, t.physical) for f, t in zip(fields, types, strict=True)])
    described = canonical(
        [[c.id, c.name, c.type, *([list(c.parts)] if c.parts else [])] for c in columns]
    )
    return types, schema, schema.with_metadata({_METADATA: described})


def _encode_column(column: pa.ChunkedArray, t: DataType) -> pa.ChunkedArray:
    return pa.chunked_array([encode(c, t) for c in column.chunks], type=t.physical)


def _encode_inline(at_rest: pa.Table, described: pa.Schema) -> Encoded:
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, described) as writer:
        writer.write_table(at_rest)
    data = sink.getvalue()
    return Encoded(data, hashlib.sha256(data).hexdigest(), at_rest.num_rows, "arrow", b"")


def _encode_keys(
    table: pa.Table, columns: Sequence[FileColumn], types: Sequence[DataType], key: Sequence[int]
) -> tuple[bytes, bytes] | None:
    places = {c.id: place for place, c in enumerate(columns)}
    if not key or table.num_rows < KEYED_ROWS:
        return None
    chosen = [types[places[i]] for i in key]
    found = families(chosen)
    if found is None:
        return None
    run = build(words([table.column(places[i]) for i in key], chosen))
    return keyindex.encode(run, list(zip(key, found, strict=True)))


def _encode_orc(
    at_rest: pa.Table,
    table: pa.Table,
    columns: Sequence[FileColumn],
    types: Sequence[DataType],
    key: Sequence[int],
) -> Encoded:
    data, ends = orc.write(at_rest, orc.KEYED_STRIPE_ROWS if key else orc.STRIPE_ROWS)
    digest = hashlib.sha256(data).hexdigest()
    view = memoryview(data)
    ranges, stripes = [], []
    offset = start = 0
    for rows, end in ends:
        ranges.append(_range(view, offset, end))
        part = [
            zone_of(_wire(c.slice(start, rows), t), t)
            for c, t in zip(table.columns, types, strict=True)
        ]
        stripes.append(StripeInfo(rows, dict(zip(at_rest.column_names, part, strict=True))))
        offset, start = end, start + rows
    ranges.append(_range(view, offset, len(view)))
    found = Statistics(
        sha256=digest,
        size=len(view),
        rows=table.num_rows,
        columns=tuple(columns),
        fields=tuple(at_rest.column_names),
        types=tuple(types),
        ranges=tuple(ranges),
        stripes=tuple(stripes),
    )
    return Encoded(data, digest, table.num_rows, "orc", found.to_bytes())


def _wire(column: pa.ChunkedArray, t: DataType) -> pa.ChunkedArray:
    return pa.chunked_array([conform(c, t) for c in column.chunks], type=t.wire)


def _range(view: memoryview, start: int, stop: int) -> ByteRange:
    return ByteRange(start, stop - start, hashlib.sha256(view[start:stop]).hexdigest())


class DataFile:
    """An open data file, verified part by part as it is read; safe to use from several threads."""

    def __init__(
        self, source: ByteSource, sha256: str, sidecar: bytes | None, codec: Codec = "orc"
    ) -> None:
        """Open a file whose statistics object, if it has one, was verified by its own digest.

        Cost: an ORC file is not touched before ``read``; an inline one is read whole.
        Raises: CorruptError.
        """
        self._source = source
        self._sha256 = sha256
        self._lock = threading.Lock()
        self._open: tuple[VerifiedFile, orc.OrcReader] | None = None
        self._table: pa.RecordBatch | None = None
        self.codec = codec
        if codec == "arrow":
            self._table, found = _read_inline(source, sha256)
        elif codec == "orc" and sidecar is not None:
            found = statistics.from_bytes(sidecar, source.name)
            if found.sha256 != sha256:
                raise CorruptError(
                    f"the statistics of {source.name} are of another file", subject=source.name
                )
        else:
            raise UsageError(f"cannot read {source.name}: codec {codec!r} without statistics")
        self.rows = found.rows
        self.columns = found.columns
        self.stripes = found.stripes
        self.starts = list(accumulate((s.rows for s in found.stripes), initial=0))[:-1]
        """The position at which each stripe begins."""
        self._ranges = found.ranges
        self._types = dict(zip(found.fields, found.types, strict=True))
        named = zip(found.columns, found.fields, strict=False)
        self._fields = {c.id: field for c, field in named}
        self._shapes = {
            c.id: shape_of(t, c.parts) for c, t in zip(found.columns, found.types, strict=False)
        }

    @property
    def stamp(self) -> Hashable:
        """Return what changes when somebody rewrites the bytes."""
        return self._source.stamp

    def field_of(self, column_id: int) -> str | None:
        """Return the physical name of a column, or None when the file was written without it."""
        return self._fields.get(column_id)

    def shape_of(self, column_id: int) -> Shape:
        """Return the type of a column that the file has, and the ids of the fields inside it."""
        return self._shapes[column_id]

    def type_of(self, field: str) -> DataType | None:
        """Return the type of a physical name, hidden ones included, or None when there is none."""
        return self._types.get(field)

    def read(self, stripe: int, columns: Sequence[str]) -> pa.RecordBatch:
        """Return columns, by physical name, of one stripe.

        Shape: wire types, in the order asked for; with no columns, still the stripe's rows.
        Raises: CorruptError when the file is not what was written.
        """
        if not columns:
            return bare(self.stripes[stripe].rows)
        return pa.RecordBatch.from_arrays(self.arrays(stripe, columns), names=list(columns))

    def arrays(self, stripe: int, columns: Sequence[str]) -> list[pa.Array]:
        """Return what ``read`` does, as the columns alone."""
        if self._table is not None:
            return [self._table.column(c) for c in columns]
        stamp = self._source.stamp if columns else None
        if stamp is None:
            return self._decoded(stripe, columns) if columns else []
        names = {c: ("column", self._sha256, stamp, stripe, c) for c in columns}
        held = {c: shared.find(name) for c, name in names.items()}
        missing = [c for c, array in held.items() if array is None]
        if missing:
            for column, array in zip(missing, self._decoded(stripe, missing), strict=True):
                held[column] = array
                shared.keep(names[column], array)
        return [held[c] for c in columns]

    def _decoded(self, stripe: int, columns: Sequence[str]) -> list[pa.Array]:
        handle, reader = self._reader()
        with handle.hold(stripe), self._translated(handle):
            arrays = reader.read(stripe, columns)
        if any(len(a) != self.stripes[stripe].rows for a in arrays):
            raise self._corrupt("has another row count than its statistics say")
        try:
            return [decode(a, self._types[c]) for a, c in zip(arrays, columns, strict=True)]
        except CorruptError as error:
            raise self._corrupt(f"holds what was never written: {error.message}") from error

    def _reader(self) -> tuple[VerifiedFile, orc.OrcReader]:
        with self._lock:
            if self._open is None:
                handle = VerifiedFile(self._source, self._sha256, self._ranges)
                tail = len(self._ranges) - 1
                with handle.hold(tail), handle.only_from(tail), self._translated(handle):
                    reader = orc.OrcReader(handle)
                if reader.stripes != len(self.stripes) or reader.rows != self.rows:
                    raise self._corrupt("has other stripes than its statistics say")
                self._open = handle, reader
            return self._open

    def _translated(self, handle: VerifiedFile) -> AbstractContextManager[None]:
        return _Translated(self._source.name, handle)

    def _corrupt(self, what: str) -> CorruptError:
        return CorruptError(f"{self._source.name} {what}", subject=self._source.name)


def bare(rows: int) -> pa.RecordBatch:
    """Return a batch of rows without columns."""
    return pa.RecordBatch.from_struct_array(pa.nulls(rows, pa.struct([])))


class _Translated:
    """Turns what pyarrow raises on reading into CorruptError; an error of our own wins."""

    def __init__(self, subject: str, handle: VerifiedFile | None = None) -> None:
        self._subject = subject
        self._handle = handle

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if not isinstance(error, _READ_ERRORS) or isinstance(error, MemoryError):
            return
        failure = self._handle.failure if self._handle is not None else None
        if isinstance(failure, GrizzlyError):
            raise failure
        raise CorruptError(
            f"{self._subject} cannot be decoded: {error}", subject=self._subject
        ) from error


def _read_inline(source: ByteSource, sha256: str) -> tuple[pa.RecordBatch, Statistics]:
    data = source.read(0, source.size)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise CorruptError(
            f"{source.name} is damaged: its bytes are not what was written", subject=source.name
        )
    with _Translated(source.name):
        table = ipc.open_stream(data).read_all()
        described = json.loads(table.schema.metadata[_METADATA])
        columns = tuple(FileColumn(*c[:3], *map(tuple, c[3:])) for c in described)
    fields = tuple(table.column_names)
    types = typed(columns, fields[len(columns) :])
    decoded = [
        decode(c.combine_chunks() if c.num_chunks != 1 else c.chunk(0), t)
        for c, t in zip(table.columns, types, strict=True)
    ]
    batch = pa.RecordBatch.from_arrays(decoded, names=list(fields)) if fields else bare(0)
    stripes = (StripeInfo(table.num_rows, {}),) if table.num_rows else ()
    found = Statistics(sha256, len(data), table.num_rows, columns, fields, types, (), stripes)
    return batch, found
