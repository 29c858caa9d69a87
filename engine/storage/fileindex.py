"""Secondary indexes of a data file: in which rows a condition may hold.

Layer: ``engine.storage``. Invariant: a row that satisfies a condition is always among those named; a
condition that an index cannot judge, it lets pass.

``bloom`` keeps a Bloom filter for each block of rows and answers equality; ``btree`` keeps the sorted
words of ``keyindex`` and answers equality, and ranges of whole numbers, dates and moments, to the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from engine.storage import bloom, deletion, keyindex
from engine.storage.keyhash import is_exact, words
from engine.storage.predicate import And, Compare, In, Or, columns_of, unwrapped, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from engine.datatypes import DataType
    from engine.storage.deletion import Bitmap
    from engine.storage.predicate import Predicate

    Words = npt.NDArray[np.uint64]

_SIGN = 1 << 63
_LIMIT = 1 << 64
_MOST = 0.25
"""A range that could be more than this share of the rows is read without the index."""
_MIRRORED = frozenset({"<", "<=", ">", ">="})


def can_index(t: DataType) -> bool:
    """Tell whether columns of a type can be indexed: equality must be that of the values' words."""
    if t.is_nested or pa.types.is_boolean(t.wire):
        return False
    return is_exact([t]) or t.text == "VARCHAR" or pa.types.is_decimal(t.wire)


def build(kind: str, column: pa.ChunkedArray, column_id: int, t: DataType) -> list[bytes]:
    """Return the index objects of a column's values: one for ``bloom``, two for ``btree``."""
    array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    rows = np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False)).astype(np.uint64)
    found = words([array.drop_null()], [t])
    if kind == "bloom":
        return [bloom.encode(found, rows, len(array))]
    run = keyindex.build(found)
    placed = keyindex.Run(run.words, rows[run.rows].astype(np.uint32))
    return list(keyindex.encode(placed, [(column_id, t.text)]))


class ColumnIndex(Protocol):
    """An open index of one column of one file."""

    def equal(self, words: Words) -> Bitmap:
        """Return the rows that may hold one of some values."""
        ...


class Tree:
    """An open ``btree`` index."""

    def __init__(self, keys: keyindex.StoredKeys) -> None:
        """Look things up in sorted words."""
        self._keys = keys

    def equal(self, words: Words) -> Bitmap:
        """Return the rows that hold one of some values, or values of the same word."""
        _, rows = self._keys.find(np.sort(words))
        return deletion.bitmap(np.sort(rows).astype(np.uint32))

    def between(self, low: int, high: int) -> Bitmap | None:
        """Return the rows whose words are from ``low`` to ``high``, None when it would be most rows."""
        if self._keys.share(low, high) > _MOST:
            return None
        rows = self._keys.between(low, high)
        return deletion.bitmap(np.sort(rows).astype(np.uint32))


@dataclass(frozen=True, slots=True)
class Indexed:
    """An index of a column: its name, the column's type, and how to open it."""

    name: str
    type: DataType
    open: Callable[[], ColumnIndex]


class FileIndexes:
    """All indexes of one file, by the names of the columns."""

    def __init__(self, columns: Mapping[str, Sequence[Indexed]]) -> None:
        """Open nothing yet."""
        self._columns = columns

    def where(self, *nodes: Predicate) -> Bitmap | None:
        """Return the rows in which all of some conditions may hold, or None when no index can tell.

        Raises: CorruptError, IoError.
        """
        found: Bitmap | None = None
        ranges: dict[str, list[Compare]] = {}
        for node in _conjuncts(nodes):
            if isinstance(node, Compare) and node.op in _MIRRORED:
                ranges.setdefault(node.column, []).append(node)
            else:
                found = _both(found, self._one(node))
        for column, bounds in ranges.items():
            for index in self._columns.get(column, ()):
                found = _both(found, _range(index, bounds))
        return found

    def _one(self, node: Predicate) -> Bitmap | None:
        if isinstance(node, Or):
            left, right = self.where(node.left), self.where(node.right)
            return None if left is None or right is None else left | right
        if isinstance(node, Compare) and node.op not in {"=", "=="}:
            return None
        if not isinstance(node, Compare | In):
            return None
        values = node.values if isinstance(node, In) else (node.value,)
        found: Bitmap | None = None
        for index in self._columns.get(node.column, ()):
            found = _both(found, _among(index, values))
        return found

    def names(self, node: Predicate) -> set[str]:
        """Return the names of the indexes that judge a condition."""
        if self.where(node) is None:
            return set()
        return {i.name for column in columns_of(node) for i in self._columns.get(column, ())}


def _conjuncts(nodes: Iterable[Predicate]) -> Iterator[Predicate]:
    for node in nodes:
        if isinstance(node, And):
            yield from _conjuncts((node.left, node.right))
        else:
            yield node


def _both(a: Bitmap | None, b: Bitmap | None) -> Bitmap | None:
    if a is None or b is None:
        return b if a is None else a
    return a & b


def _range(index: Indexed, bounds: Sequence[Compare]) -> Bitmap | None:
    """Return the rows within bounds; None when an index cannot tell, or when it would be most rows."""
    if not is_exact([index.type]):
        return None
    low, high = 0, _LIMIT - 1
    for bound in bounds:
        number = whole(bound.value, index.type)
        word = None if number is None else _word(number, index.type)
        if word is None:
            return None
        if bound.op in {">", ">="}:
            low = max(low, word + (bound.op == ">"))
        else:
            high = min(high, word - (bound.op == "<"))
    opened = index.open()
    if not isinstance(opened, Tree):
        return None
    return deletion.EMPTY if low > high else opened.between(low, high)


def _among(index: Indexed, values: Sequence[object]) -> Bitmap | None:
    found = []
    for value in values:
        word = _literal(value, index.type)
        if word is None:
            return None
        found.append(word)
    return index.open().equal(np.array(found, dtype=np.uint64))


def _literal(value: object, t: DataType) -> int | None:
    """Return the word of a value as it is in the column; None when that is not certain."""
    if is_exact([t]):
        number = whole(value, t)
        return None if number is None else _word(number, t)
    value = unwrapped(value)
    if pa.types.is_string(t.wire):
        return _hash(value, t) if isinstance(value, str) else None
    if not isinstance(value, Decimal | int) or isinstance(value, bool):
        return None
    try:
        return _hash(Decimal(value), t)
    except (pa.ArrowException, ValueError):
        return None


def _hash(value: object, t: DataType) -> int:
    return int(words([pa.array([value], t.wire)], [t])[0])


def _word(number: int, t: DataType) -> int | None:
    word = number if pa.types.is_uint64(t.wire) else number + _SIGN
    return word if 0 <= word < _LIMIT else None
