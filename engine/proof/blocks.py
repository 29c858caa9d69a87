"""Blocks of rows: what a data file's row tree commits to, decoded.

Layer: ``engine.proof``. Invariant: every byte of a block is used, or ``ProofError``.
Format: grizzly-proof(5).
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Any, Final

from engine.proof import fields
from engine.proof.canonical import parse
from engine.proof.errors import ProofError
from engine.proof.hashing import leaf_hash
from engine.proof.hashing import root as tree_root
from engine.proof.tree import root_from_inclusion
from engine.proof.values import Decimal

BLOCK: Final = 512
_NUMBERS: Final = {
    "bool": "?",
    "i1": "b",
    "i2": "h",
    "i4": "i",
    "i8": "q",
    "u1": "B",
    "u2": "H",
    "u4": "I",
    "u8": "Q",
    "f4": "f",
    "f8": "d",
}
_HEADER: Final = ("block", "columns", "hidden", "root", "rows", "v")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a data file: its id, name and type; how values are spelled in blocks."""

    id: int
    name: str
    type: str
    layout: Any


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of all blocks of a data file."""

    columns: tuple[Column, ...]
    hidden: tuple[str, ...]
    root: bytes
    rows: int

    @classmethod
    def parse(cls, text: object, tree: bytes) -> Header:
        """Return the header that a file's ``tree`` commits to.

        Raises: ProofError.
        """
        data = fields.text(text).encode("utf-8")
        if leaf_hash(b"\x31" + data) != tree:
            raise ProofError("the header of the rows is another file's")
        found = fields.record(parse(data), _HEADER)
        if found["v"] != "grizzly-rows/1" or found["block"] != BLOCK:
            raise ProofError("the rows are of another version")
        columns = []
        for column in fields.array(found["columns"]):
            number, name, kind, layout = fields.array(column)
            columns.append(
                Column(fields.number(number), fields.text(name), fields.text(kind), layout)
            )
        hidden = tuple(fields.text(name) for name in fields.array(found["hidden"]))
        try:
            root = bytes.fromhex(fields.text(found["root"]))
        except ValueError as error:
            raise ProofError("a hash is malformed") from error
        return cls(tuple(columns), hidden, root, fields.number(found["rows"]))

    def block(self, index: int, data: bytes, path: list[bytes]) -> list[list[Any]]:
        """Return the columns of a block, the hidden ones last, if ``path`` proves it.

        Raises: ProofError.
        """
        leaf = hashlib.sha256(b"\x00\x30" + data).digest()
        count = -(-self.rows // BLOCK)
        if root_from_inclusion(index, count, leaf, path) != self.root:
            raise ProofError("the block is not in the file")
        return self.decode(data, min(BLOCK, self.rows - index * BLOCK))

    def whole(self, blocks: list[bytes]) -> list[list[Any]]:
        """Return all columns, from all blocks.

        Raises: ProofError.
        """
        leaves = [hashlib.sha256(b"\x00\x30" + data).digest() for data in blocks]
        if len(blocks) != -(-self.rows // BLOCK) or tree_root(leaves) != self.root:
            raise ProofError("the blocks are not those of the file")
        found: list[list[Any]] = [[] for _ in (*self.columns, *self.hidden)]
        for index, data in enumerate(blocks):
            part = self.decode(data, min(BLOCK, self.rows - index * BLOCK))
            for column, values in zip(found, part, strict=True):
                column.extend(values)
        return found

    def decode(self, data: bytes, rows: int) -> list[list[Any]]:
        """Return the columns that a block's bytes spell.

        Raises: ProofError.
        """
        layouts = [column.layout for column in self.columns] + ["i8"] * len(self.hidden)
        reader = _Reader(data)
        found = [_column(layout, rows, reader.prefixed()) for layout in layouts]
        reader.end()
        return found


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        found = self._data[self._at : self._at + length]
        if len(found) != length:
            raise ProofError("a block is cut short")
        self._at += length
        return found

    def prefixed(self) -> _Reader:
        return _Reader(self.take(int.from_bytes(self.take(4), "little")))

    def holds(self, items: int) -> None:
        """Refuse more items than there are bytes: each takes one at least."""
        if items > len(self._data):
            raise ProofError("a block is cut short")

    def lengths(self, rows: int) -> tuple[int, ...]:
        return struct.unpack(f"<{rows}I", self.take(4 * rows))

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    def end(self) -> None:
        if self._at != len(self._data):
            raise ProofError("a block has bytes that belong to nothing")


def _column(layout: Any, rows: int, reader: _Reader, depth: int = 0) -> list[Any]:
    if depth > 32:
        raise ProofError("a type is nested too deeply")
    try:
        if isinstance(layout, str):
            values = _plain(layout, rows, reader)
        elif layout[0] == "decimal":
            scale = fields.number(layout[1])
            cells = [reader.take(16) for _ in range(rows)]
            values = [Decimal(int.from_bytes(c, "little", signed=True), scale) for c in cells]
        else:
            return _nested(layout, rows, reader, depth + 1)
    except (TypeError, LookupError, ValueError, struct.error) as error:
        if isinstance(error, ProofError):
            raise
        raise ProofError("a type of the block is malformed") from error
    return _masked(values, _valid(rows, reader.rest()))


def _plain(layout: str, rows: int, reader: _Reader) -> list[Any]:
    if layout in {"text", "bytes"}:
        cells = [reader.take(length) for length in reader.lengths(rows)]
        return [cell.decode("utf-8") for cell in cells] if layout == "text" else list(cells)
    if layout not in _NUMBERS:
        raise ProofError("a type of the block is not known")
    spelled = struct.Struct(f"<{rows}{_NUMBERS[layout]}")
    return list(spelled.unpack(reader.take(spelled.size)))


def _nested(layout: Any, rows: int, reader: _Reader, depth: int) -> list[Any]:
    kind, *parts = layout
    if kind == "struct":
        names = [fields.text(name) for name, _ in parts[0]]
        children = [_column(part, rows, reader.prefixed(), depth) for _, part in parts[0]]
        values: list[Any] = [
            dict(zip(names, row, strict=True)) for row in zip(*children, strict=True)
        ] or [{}] * rows
        return _masked(values, _valid(rows, reader.rest()))
    if kind == "array":
        size, part = fields.number(parts[0]), parts[1]
        inner = reader.prefixed()
        valid = _valid(rows, reader.rest())
        lengths = [size if alive else 0 for alive in valid]
        inner.holds(sum(lengths))
        return _masked(_cut(_column(part, sum(lengths), inner, depth), lengths), valid)
    if kind not in {"list", "map"} or len(parts) != (1 if kind == "list" else 2):
        raise ProofError("a type of the block is not known")
    lengths = list(reader.lengths(rows))
    inside = [reader.prefixed() for _ in parts]
    for inner in inside:
        inner.holds(sum(lengths))
    columns = [
        _column(part, sum(lengths), inner, depth) for part, inner in zip(parts, inside, strict=True)
    ]
    items = columns[0] if kind == "list" else [list(pair) for pair in zip(*columns, strict=True)]
    return _masked(_cut(items, lengths), _valid(rows, reader.rest()))


def _cut(items: list[Any], lengths: list[int]) -> list[list[Any]]:
    found, at = [], 0
    for length in lengths:
        found.append(items[at : at + length])
        at += length
    return found


def _valid(rows: int, bits: bytes) -> list[bool]:
    if not bits:
        return [True] * rows
    if len(bits) != (rows + 7) // 8:
        raise ProofError("a block has bytes that belong to nothing")
    return [bool(bits[n // 8] >> n % 8 & 1) for n in range(rows)]


def _masked(values: list[Any], valid: list[bool]) -> list[Any]:
    return [value if alive else None for value, alive in zip(values, valid, strict=True)]
