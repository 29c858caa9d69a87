"""Where rows lie: their ids, their last versions, and the files and positions that hold them.

Layer: ``engine.storage``. Invariant: among the live rows of a table an id is there once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.storage import deletion
from engine.storage.predicate import Compare
from engine.storage.scan import TableScan
from engine.storage.statistics import CHANGED, ROW_ID
from engine.storage.units import FILE, POSITION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from engine.storage.deletion import Bitmap
    from engine.storage.predicate import Predicate
    from engine.storage.units import ScanColumn, ScanFile

    Numbers = npt.NDArray[np.int64]

_COLUMNS = (ROW_ID, CHANGED, FILE, POSITION)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Rows by id and last version; ``files`` are ordinals, ``positions`` count within a file."""

    rids: Numbers
    versions: Numbers
    files: Numbers
    positions: Numbers

    @classmethod
    def read(
        cls,
        columns: Sequence[ScanColumn],
        places: Sequence[tuple[ScanFile, Bitmap]],
        like: Sequence[int] | Addresses | None = None,
    ) -> Addresses:
        """Read the rows at some places of files; with ``like``, only those with one of these ids.

        Cost: the row ids and last versions, where they are stored at all.
        Raises: CorruptError.
        """
        files = [replace(file, keep=keep, deleted=None) for file, keep in places]
        prune: tuple[Predicate, ...] = ()
        exact = None
        if like is not None:
            ids = like.rids if isinstance(like, Addresses) else np.array(like, np.int64)
            if not len(ids) or not files:
                files = []
            else:
                exact = pc.field(ROW_ID).isin(pa.array(ids, pa.int64()))
                low, high = int(ids.min()), int(ids.max())
                prune = (Compare(ROW_ID, ">=", low), Compare(ROW_ID, "<=", high))
        scan = TableScan(columns, files)
        schema = pa.schema([scan.schema.field(name) for name in _COLUMNS])
        found = pa.Table.from_batches(scan.batches(_COLUMNS, prune, exact), schema=schema)
        return cls(*(column.to_numpy().astype(np.int64) for column in found.columns))

    def __len__(self) -> int:
        """Return how many rows these are."""
        return len(self.rids)

    def ids(self) -> set[int]:
        """Return the rows' ids."""
        return set(self.rids.tolist())

    def without(self, ids: Addresses) -> Addresses:
        """Return the rows whose ids are not among others' ids."""
        return self._take(~np.isin(self.rids, ids.rids))

    def same(self, other: Addresses) -> tuple[Addresses, Addresses]:
        """Return the rows that both hold unchanged, where each of them holds these."""
        _, here, there = np.intersect1d(self.rids, other.rids, return_indices=True)
        equal = self.versions[here] == other.versions[there]
        return self._take(here[equal]), other._take(there[equal])

    def by_file(self) -> Iterator[tuple[int, Bitmap]]:
        """Yield each file that holds one of the rows, and the positions in it."""
        for number in np.unique(self.files).tolist():
            positions = self.positions[self.files == number]
            yield number, deletion.bitmap(positions.astype(np.uint32))

    def _take(self, which: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Addresses:
        return Addresses(
            self.rids[which], self.versions[which], self.files[which], self.positions[which]
        )
