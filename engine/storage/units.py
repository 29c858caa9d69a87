"""What a scan reads: a table's columns as they are now, its files, and the stripes of those.

Layer: ``engine.storage``. Invariant: a row counts when its file keeps it and no mark deletes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from engine.errors import CorruptError
from engine.storage import deletion
from engine.storage.statistics import CHANGED, ROW_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from engine.storage.datafile import DataFile
    from engine.storage.deletion import Bitmap
    from engine.storage.fileindex import FileIndexes

FILE = "_file"
POSITION = "_pos"
HIDDEN_SCHEMA = pa.schema(
    [(FILE, pa.int32()), (POSITION, pa.int64()), (ROW_ID, pa.int64()), (CHANGED, pa.int64())]
)
RESERVED = tuple(HIDDEN_SCHEMA.names)
"""Names that no user column may bear."""


@dataclass(frozen=True, slots=True)
class ScanColumn:
    """A column as it is now; rows of files that lack it read ``default``, a wire value.

    ``parts`` are the ids of the fields inside its type; none means 1, 2, 3 ….
    """

    id: int
    name: str
    type: str
    default: object = None
    parts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ScanFile:
    """A data file of a table: without ``deleted`` positions, and of ``keep`` only, where given."""

    file_id: int
    rid: int
    rows: int
    datafile: Callable[[], DataFile] = field(compare=False)
    deleted: Bitmap | None = None
    keep: Bitmap | None = None
    indexes: Callable[[], FileIndexes] | None = field(default=None, compare=False)
    """Opens the file's secondary indexes, where it has some."""

    @property
    def live(self) -> int:
        """Return how many rows count."""
        if self.keep is None:
            return self.rows - deletion.count(self.deleted)
        return deletion.count(deletion.minus(self.keep, self.deleted))


@dataclass(frozen=True, slots=True)
class Unit:
    """One stripe of one file: ``live`` of its rows count, those at the places ``wanted`` if given."""

    file: ScanFile
    data: DataFile
    stripe: int
    start: int
    rows: int
    live: int
    wanted: npt.NDArray[np.int64] | None


def stripes_of(file: ScanFile) -> Iterator[Unit]:
    """Yield the stripes of a file that hold rows that count."""
    data = opened(file)
    if file.keep is not None:
        yield from _kept(file, data)
        return
    for stripe, (start, info) in enumerate(zip(data.starts, data.stripes, strict=True)):
        live = info.rows - deletion.count_between(file.deleted, start, start + info.rows)
        if live:
            yield Unit(file, data, stripe, start, info.rows, live, None)


def _kept(file: ScanFile, data: DataFile) -> Iterator[Unit]:
    kept = deletion.minus(file.keep, file.deleted)
    positions = deletion.positions(kept, 0, file.rows)
    ends = np.searchsorted(positions, [*data.starts, data.rows]).tolist()
    for stripe, (start, info) in enumerate(zip(data.starts, data.stripes, strict=True)):
        low, high = ends[stripe], ends[stripe + 1]
        if low < high:
            wanted = positions[low:high] - start
            yield Unit(file, data, stripe, start, info.rows, high - low, wanted)


def whole_stripe(file: ScanFile, data: DataFile, stripe: int) -> Unit:
    """Return a stripe of which every row counts, dead or alive."""
    rows = data.stripes[stripe].rows
    return Unit(file, data, stripe, data.starts[stripe], rows, rows, None)


def opened(file: ScanFile) -> DataFile:
    """Return the data file, which must be as long as the table says.

    Raises: CorruptError.
    """
    data = file.datafile()
    if data.rows != file.rows:
        raise CorruptError(f"a data file has {data.rows} rows instead of {file.rows}")
    return data


def live_rows(unit: Unit) -> Callable[[pa.RecordBatch], pa.RecordBatch] | None:
    """Return what narrows a stripe's batch to the rows that count, or None when all do."""
    start, rows = unit.start, unit.rows
    if unit.live == rows:
        return None
    if unit.wanted is not None:
        return taking(unit.wanted)
    alive = pa.array(~deletion.mask(unit.file.deleted or deletion.EMPTY, rows, start))
    return lambda batch: pa.RecordBatch.from_arrays(
        [column.filter(alive) for column in batch.columns], schema=batch.schema
    )


def taking(places: npt.NDArray[np.int64]) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
    """Return what narrows a stripe's batch to the rows at some places of it."""
    indices = pa.array(places)
    return lambda batch: batch.take(indices)
