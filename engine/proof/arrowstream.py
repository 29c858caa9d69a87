"""Arrow streams of a commit's few rows, read with nothing but the standard library.

Layer: ``engine.proof``. Invariant: only what this program writes is read; anything else is ``ProofError``.
Source: Apache Arrow Columnar Format, "IPC Streaming Format", and FlatBuffers' internals.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from engine.proof.blocks import Column
from engine.proof.errors import ProofError
from engine.proof.values import Decimal

_SCHEMA: Final = 1
_BATCH: Final = 3
_INT, _FLOAT, _BINARY, _TEXT, _BOOL, _DECIMAL, _DATE = 2, 3, 4, 5, 6, 7, 8
_LIST, _STRUCT, _MAP = 12, 13, 17


class _Table:
    """A FlatBuffers table."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self._fields = at - struct.unpack_from("<i", data, at)[0]
        self._count = (struct.unpack_from("<H", data, self._fields)[0] - 4) // 2

    def _place(self, field: int) -> int:
        if field >= self._count:
            return 0
        offset = struct.unpack_from("<H", self._data, self._fields + 4 + 2 * field)[0]
        return self._at + offset if offset else 0

    def number(self, field: int, form: str, default: int = 0) -> int:
        place = self._place(field)
        return int(struct.unpack_from("<" + form, self._data, place)[0]) if place else default

    def _target(self, place: int) -> int:
        return place + int(struct.unpack_from("<I", self._data, place)[0])

    def table(self, field: int) -> _Table:
        return _Table(self._data, self._target(self._place(field)))

    def text(self, field: int) -> str:
        place = self._place(field)
        if not place:
            return ""
        start = self._target(place)
        length = struct.unpack_from("<I", self._data, start)[0]
        return self._data[start + 4 : start + 4 + length].decode("utf-8")

    def _vector(self, field: int) -> tuple[int, int]:
        place = self._place(field)
        if not place:
            return 0, 0
        start = self._target(place)
        return start + 4, int(struct.unpack_from("<I", self._data, start)[0])

    def tables(self, field: int) -> list[_Table]:
        start, count = self._vector(field)
        if count > len(self._data):
            raise ProofError("the rows of the commit are malformed")
        return [_Table(self._data, self._target(start + 4 * n)) for n in range(count)]

    def pairs(self, field: int) -> list[tuple[int, int]]:
        start, count = self._vector(field)
        if count > len(self._data):
            raise ProofError("the rows of the commit are malformed")
        return [struct.unpack_from("<qq", self._data, start + 16 * n) for n in range(count)]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows with their columns, the hidden ones last."""

    columns: tuple[Column, ...]
    hidden: tuple[str, ...]
    rows: int
    values: list[list[Any]]


def read(data: bytes) -> Rows:
    """Return the rows of an Arrow stream.

    Raises: ProofError.
    """
    try:
        return _read(data)
    except ProofError:
        raise
    except _MALFORMED as error:
        raise ProofError("the rows of the commit are malformed") from error


_MALFORMED: Final = (
    struct.error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
    StopIteration,
)


def _read(data: bytes) -> Rows:
    at, schema = 0, None
    columns: list[list[Any]] = []
    rows = 0
    while at + 8 <= len(data):
        mark, length = struct.unpack_from("<Ii", data, at)
        if mark != 0xFFFFFFFF or length <= 0:
            break
        message = data[at + 8 : at + 8 + length]
        root = _Table(message, int(struct.unpack_from("<I", message)[0]))
        kind, size = root.number(1, "B"), root.number(3, "q")
        body = data[at + 8 + length : at + 8 + length + size]
        at += 8 + length + size
        if kind == _SCHEMA:
            schema = root.table(2)
            columns = [[] for _ in schema.tables(1)]
        elif kind == _BATCH and schema is not None:
            batch = _Batch(root.table(2), body)
            for column, found in zip(columns, schema.tables(1), strict=True):
                column.extend(batch.column(found))
            rows += batch.rows
        else:
            raise ProofError("the rows of the commit are malformed")
    if schema is None:
        raise ProofError("the rows of the commit are malformed")
    described = {entry.text(0): entry.text(1) for entry in schema.tables(2)}
    named = tuple(Column(c[0], c[1], c[2], None) for c in json.loads(described["grizzly"]))
    hidden = tuple(found.text(0) for found in schema.tables(1)[len(named) :])
    return Rows(named, hidden, rows, columns)


class _Batch:
    """One record batch, whose buffers are taken in the order of the fields."""

    def __init__(self, table: _Table, body: bytes) -> None:
        self.rows = table.number(0, "q")
        self._nodes = iter(table.pairs(1))
        self._buffers = iter(table.pairs(2))
        self._body = body

    def _buffer(self) -> bytes:
        offset, length = next(self._buffers)
        found = self._body[offset : offset + length]
        if offset < 0 or len(found) != length:
            raise ProofError("the rows of the commit are malformed")
        return found

    def column(self, field: _Table) -> list[Any]:
        rows, nulls = next(self._nodes)
        if not 0 <= rows <= 8 * len(self._body):
            raise ProofError("the rows of the commit are malformed")
        bits = self._buffer()
        valid = [not nulls or bool(bits[n // 8] >> n % 8 & 1) for n in range(rows)]
        values = self._values(field, rows)
        return [value if alive else None for value, alive in zip(values, valid, strict=True)]

    def _values(self, field: _Table, rows: int) -> list[Any]:
        kind = field.number(2, "B")
        if kind == _BOOL:
            bits = self._buffer()
            return [bool(bits[n // 8] >> n % 8 & 1) for n in range(rows)]
        if kind in {_BINARY, _TEXT}:
            ends = self._offsets(rows)
            data = self._buffer()
            cells = [data[a:b] for a, b in pairwise(ends)]
            return [cell.decode("utf-8") for cell in cells] if kind == _TEXT else list(cells)
        if kind in {_LIST, _MAP}:
            ends = self._offsets(rows)
            items = self.column(field.tables(5)[0])
            if kind == _MAP:
                items = [list(item.values()) for item in items]
            return [items[a:b] for a, b in pairwise(ends)]
        if kind == _STRUCT:
            children = field.tables(5)
            parts = [self.column(child) for child in children]
            names = [child.text(0) for child in children]
            return [
                {n: part[row] for n, part in zip(names, parts, strict=True)} for row in range(rows)
            ]
        return self._numbers(field, kind, rows)

    def _offsets(self, rows: int) -> tuple[int, ...]:
        data = self._buffer()
        return struct.unpack_from(f"<{rows + 1}i", data) if data else (0,)

    def _numbers(self, field: _Table, kind: int, rows: int) -> list[Any]:
        data, form = self._buffer(), field.table(3)
        if kind == _DECIMAL and form.number(2, "i", 128) == 128:
            cells = [data[16 * n : 16 * n + 16] for n in range(rows)]
            scale = form.number(1, "i")
            return [Decimal(int.from_bytes(c, "little", signed=True), scale) for c in cells]
        letter = None
        if kind == _INT:
            letter = {8: "b", 16: "h", 32: "i", 64: "q"}[form.number(0, "i")]
            letter = letter if form.number(1, "?") else letter.upper()
        elif kind == _FLOAT:
            letter = {1: "f", 2: "d"}[form.number(0, "h")]
        elif kind == _DATE and form.number(0, "h", 1) == 0:
            letter = "i"
        if letter is None:
            raise ProofError("the rows of the commit have a type that is not known")
        return list(struct.unpack_from(f"<{rows}{letter}", data))
