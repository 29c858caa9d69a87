"""Keys are found in a table's files: which file, which position, for live rows alone.

Layer: ``engine.storage``. Invariant: a row is found exactly when it is live and its key equals the one
asked for, as the relational engine compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.storage import deletion
from engine.storage.keyhash import is_exact, words
from engine.storage.keyindex import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt

    from engine.datatypes import DataType
    from engine.storage.keyindex import Run
    from engine.storage.scan import TableScan

    Indices = npt.NDArray[np.int64]

_FEW = 64
"""So many candidates are looked up in a deletion vector one by one."""


class Keys(Protocol):
    """The keys of one file, dead rows' among them."""

    def find(self, needles: npt.NDArray[np.uint64]) -> tuple[Indices, Indices]:
        """Return which of the sorted ``needles`` are here, by their index, and in which rows."""
        ...


@dataclass(frozen=True, slots=True)
class KeyedFile:
    """A data file, the way to its keys and to its dead rows; each is gone when it is needed."""

    number: int
    rows: int
    keys: Callable[[], Keys]
    dead: Callable[[], deletion.Bitmap | None]


@dataclass(frozen=True, slots=True)
class Places:
    """Where keys were found: the key's row among those asked for, the file, the position in it."""

    keys: Indices
    files: Indices
    positions: Indices

    def __len__(self) -> int:
        return len(self.keys)

    def first(self) -> tuple[int, int, int]:
        """Return the first of them."""
        return int(self.keys[0]), int(self.files[0]), int(self.positions[0])

    def among(self, chosen: Sequence[int]) -> Indices:
        """Return the files as places in ``chosen``, which is sorted and holds them all."""
        return np.searchsorted(np.array(chosen, dtype=np.int64), self.files)

    def by_file(self) -> list[tuple[int, deletion.Bitmap]]:
        """Return the positions found in each file."""
        order = np.argsort(self.files, kind="stable")
        files, positions = self.files[order], self.positions[order].astype(np.uint32)
        marks = np.flatnonzero(np.diff(files, prepend=-1)).tolist()
        ends = [*marks[1:], len(files)] if marks else []
        return [
            (int(files[a]), deletion.bitmap(positions[a:b]))
            for a, b in zip(marks, ends, strict=True)
        ]

    def spread(self, values: pa.Array, rows: int) -> pa.Array:
        """Return for each of the ``rows`` keys asked for the value of its place, null without one."""
        index = np.full(rows, -1, dtype=np.int64)
        index[self.keys] = np.arange(len(self.keys))
        return values.take(pa.array(index, mask=index < 0))


def repeated(columns: Sequence[pa.ChunkedArray], types: Sequence[DataType]) -> bool:
    """Tell whether two keys have the same word, as two equal keys do.

    Cost: a sort of the words, unless they are sorted.
    """
    if len(columns[0]) < 2:
        return False
    found = words(columns, types)
    if bool((found[1:] > found[:-1]).all()):
        return False
    found = np.sort(found)
    return bool((found[1:] == found[:-1]).any())


def run_of(columns: Sequence[pa.ChunkedArray], types: Sequence[DataType]) -> Run:
    """Return the index of these keys, which stand in the order of their rows."""
    return build(words(columns, types))


def locate(
    files: Sequence[KeyedFile],
    small: Callable[[Sequence[int]], Iterable[tuple[int, int, int]]] | None,
    scan: Callable[[], TableScan],
    names: Sequence[str],
    columns: Sequence[pa.Array | pa.ChunkedArray],
    types: Sequence[DataType],
) -> Places:
    """Find keys, given as one column of wire values for each of ``names``, without nulls.

    Shape: in no order. ``small`` finds live keys, by their words, in the files that are not among
    ``files``; ``scan`` reads all of them and is asked for only where values must be compared.
    Cost: a binary search for each key and file whose range holds it.
    Raises: CorruptError, IoError.
    """
    needles = words(columns, types)
    order = np.arange(len(needles))
    if not bool((needles[1:] > needles[:-1]).all()):
        order = np.argsort(needles)
        needles = needles[order]
    found = [_live(keyed, needles) for keyed in files]
    if small is not None:
        places = np.array(list(small(needles.tolist())), dtype=np.int64).reshape(-1, 3)
        found.append(Places(places[:, 0], places[:, 1], places[:, 2]))
    hits = np.concatenate([f.keys for f in found]) if found else _NONE
    if not len(hits):
        return Places(_NONE, _NONE, _NONE)
    where = Places(
        order[hits],
        np.concatenate([f.files for f in found]),
        np.concatenate([f.positions for f in found]),
    )
    return where if is_exact(types) else _confirmed(where, scan(), names, columns)


_NONE: Indices = np.empty(0, dtype=np.int64)


def _live(keyed: KeyedFile, needles: npt.NDArray[np.uint64]) -> Places:
    hits, positions = keyed.keys().find(needles)
    dead = keyed.dead() if len(hits) else None
    if dead is not None:
        if len(hits) <= _FEW:
            alive = np.array([p not in dead for p in positions.tolist()], dtype=np.bool_)
        else:
            alive = ~deletion.mask(dead, keyed.rows)[positions]
        hits, positions = hits[alive], positions[alive]
    return Places(hits, np.full(len(hits), keyed.number, dtype=np.int64), positions)


def _confirmed(
    places: Places,
    scan: TableScan,
    names: Sequence[str],
    columns: Sequence[pa.Array | pa.ChunkedArray],
) -> Places:
    there = scan.pick(places.files, places.positions, names)
    wanted = pa.array(places.keys)
    same: npt.NDArray[np.bool_] = np.ones(len(places), dtype=np.bool_)
    for stored, column in zip(there.columns, columns, strict=True):
        same &= _equal(stored, _flat(column.take(wanted)))
    return Places(places.keys[same], places.files[same], places.positions[same])


def _equal(a: pa.Array, b: pa.Array) -> npt.NDArray[np.bool_]:
    found = pc.equal(a, b)
    if pa.types.is_floating(a.type):
        found = pc.or_(found, pc.and_(pc.is_nan(a), pc.is_nan(b)))
    out: npt.NDArray[np.bool_] = found.fill_null(fill_value=False).to_numpy(zero_copy_only=False)
    return out


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
