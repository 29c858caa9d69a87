"""A table's rows at one version, streamed out of its data files.

Layer: ``engine.storage``. Invariant: ``batches`` yields exactly the live rows that satisfy the filter,
ordered by file, then position; pruning and deletion marks never show.

Hidden columns follow the user's: ``_file`` (the ordinal given), ``_pos`` (position in the file),
``_rid`` (row id: as stored, else the file's first plus position) and ``_cv`` (version of the last
change: as stored, else the file's own).
"""

from __future__ import annotations

import itertools
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.datatypes import DataType, Shape, adapt, parse_type, shape_of
from engine.errors import CorruptError, UsageError
from engine.storage import deletion
from engine.storage.datafile import bare
from engine.storage.predicate import columns_of, may_match
from engine.storage.statistics import CHANGED, ROW_ID
from engine.storage.zonemap import Zone, from_bound, zone_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    import numpy.typing as npt

    from engine.storage.datafile import DataFile
    from engine.storage.deletion import Bitmap
    from engine.storage.fileindex import FileIndexes
    from engine.storage.predicate import Predicate
    from engine.storage.zonemap import Bound

    Indices = npt.NDArray[np.int64]

FILE = "_file"
POSITION = "_pos"
HIDDEN_SCHEMA = pa.schema(
    [(FILE, pa.int32()), (POSITION, pa.int64()), (ROW_ID, pa.int64()), (CHANGED, pa.int64())]
)
RESERVED = tuple(HIDDEN_SCHEMA.names)
"""Names that no user column may bear."""
BATCH_ROWS = 122_880
_SMALL_ROWS = 16_384
"""Stripes below this are joined with their neighbours, so that many small files cost little."""
_JOINED_ROWS = 65_536
_THREADS = 2
_AHEAD = 3
_BIGINT = parse_type("BIGINT")
_DAY_US = 86_400_000_000
_ENDLESS_DAY = 2**31 - 1


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
class Pruning:
    """How much of a table is left to be read: of its files, stripes and rows; by which indexes."""

    files: int
    files_left: int
    stripes: int
    stripes_left: int
    rows_left: int
    indexes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Column:
    """A column that is read: where its values come from in files that lack it."""

    id: int
    shape: Shape
    default: pa.Scalar | None

    @property
    def type(self) -> DataType:
        return self.shape.type


@dataclass(frozen=True, slots=True)
class _Unit:
    """One stripe of one file that must be read."""

    file: ScanFile
    data: DataFile
    stripe: int
    start: int
    rows: int


class TableScan:
    """Reads a table's files as one relation; safe to use from several threads, any number of times."""

    def __init__(self, columns: Sequence[ScanColumn], files: Sequence[ScanFile]) -> None:
        """Describe what to read; nothing is read yet."""
        types = [parse_type(c.type) for c in columns]
        self._columns = {
            c.name: _Column(c.id, shape_of(t, c.parts), _default(c, t))
            for c, t in zip(columns, types, strict=True)
        }
        if len({*self._columns, *RESERVED}) != len(columns) + len(RESERVED):
            raise UsageError(f"column names must differ, and none may be {', '.join(RESERVED)}")
        self._files = tuple(files)
        self.asked: list[Predicate] = []
        """The conditions that somebody wanted to know the use of."""
        self.width = len(columns)
        named = [pa.field(c.name, t.wire) for c, t in zip(columns, types, strict=True)]
        self.schema = pa.schema([*named, *HIDDEN_SCHEMA])

    def rows(self) -> int:
        """Return the exact number of rows, from bookkeeping alone."""
        return sum(f.live for f in self._files)

    def prunes(self, predicate: Predicate) -> bool:
        """Tell whether zone maps or indexes refute a condition for at least one row."""
        if predicate not in self.asked:
            self.asked.append(predicate)
        return any(_where(f, [predicate]) is not None for f in self._files if f.live) or any(
            not self._matches(u, [predicate]) for u in self._units()
        )

    def stripes(self) -> int:
        """Return how many stripes hold rows."""
        return sum(1 for _ in self._units())

    def matching(self, predicate: Predicate) -> int:
        """Return how many stripes may hold a row that satisfies a condition, by their zone maps."""
        return sum(self._matches(u, [predicate]) for u in self._units())

    def lows(self, name: str) -> list[object]:
        """Return the least value of a column in each stripe, where it is known."""
        found = (self._zone(u, name) for u in self._units())
        zones = [zone for zone in found if zone is not None and zone[0].low is not None]
        return [from_bound(zone.low, t) for zone, t in zones]

    def pruning(self) -> Pruning:
        """Return what the conditions asked about so far leave to be read."""
        all_units, left = list(self._units()), list(self._units(self.asked))
        left = [u for u in left if self._matches(u, self.asked)]
        used = {
            name
            for file in self._files
            if file.indexes is not None and file.live
            for predicate in self.asked
            for name in file.indexes().names(predicate)
        }
        return Pruning(
            len({id(u.data) for u in all_units}),
            len({id(u.data) for u in left}),
            len(all_units),
            len(left),
            sum(_live_between(u) for u in left),
            tuple(sorted(used)),
        )

    def batches(
        self,
        columns: Sequence[str],
        prune: Sequence[Predicate] = (),
        filter: pc.Expression | None = None,  # noqa: A002 (the name the field uses)
    ) -> Iterator[pa.RecordBatch]:
        """Yield columns of the rows that satisfy ``filter``.

        Shape: wire types in the order asked for, at most 122,880 rows each.
        ``prune`` only saves reading: each must follow from ``filter``, or be meant to be approximate.
        Cost: reads only stripes that ``prune`` cannot refute, two at a time, at most three ahead.
        Raises: CorruptError.
        """
        unknown = [name for name in columns if name not in self.schema.names]
        if unknown:
            raise UsageError(f"there is no column {unknown[0]}")
        units = [u for u in self._units(prune) if self._matches(u, prune)]
        if not columns and filter is None:
            yield from (bare(n) for u in units for n in _sizes(_live_between(u)))
            return
        first = [] if filter is None else self._mentioned(columns, prune, filter)

        def run(job: list[_Unit]) -> list[pa.RecordBatch]:
            batch = self._run(job, list(columns), first, filter)
            return [batch.slice(at, BATCH_ROWS) for at in range(0, batch.num_rows, BATCH_ROWS)]

        for done in _ahead(run, list(_jobs(units))):
            yield from done

    def pick(self, files: Indices, positions: Indices, columns: Sequence[str]) -> pa.RecordBatch:
        """Return columns of single rows, dead or alive: ``positions[i]`` of this scan's file ``files[i]``.

        Shape: wire types, in the order asked for. Cost: the stripes that the rows are in.
        Raises: CorruptError.
        """
        order = np.lexsort((positions, files))
        parts = []
        for number in np.unique(files).tolist():
            file = self._files[number]
            places = positions[order[files[order] == number]]
            for unit in _stripes(file):
                low, high = np.searchsorted(places, [unit.start, unit.start + unit.rows])
                if low < high:
                    parts.append(self._read(unit, columns, _taking(places[low:high] - unit.start)))
        if len(parts) == 1 and len(order) == 1:
            return parts[0]
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        found = parts or [self._empty(columns)]
        return _joined(found).take(pa.array(back))

    def row_ids(self, files: Indices, positions: Indices) -> pa.Array:
        """Return the ids of single rows, addressed as in ``pick``.

        Cost: arithmetic, but for files that hold moved rows.
        """
        first = np.array([f.rid for f in self._files], dtype=np.int64)
        out = first[files] + positions
        moved = [n for n in np.unique(files).tolist() if self._files[n].datafile().type_of(ROW_ID)]
        if moved:
            at = np.isin(files, moved)
            out[at] = self.pick(files[at], positions[at], [ROW_ID]).column(0).to_numpy()
        return pa.array(out)

    def _empty(self, columns: Sequence[str]) -> pa.RecordBatch:
        schema = pa.schema([self.schema.field(n) for n in columns])
        return pa.RecordBatch.from_arrays([pa.array([], f.type) for f in schema], schema=schema)

    def _run(
        self,
        job: list[_Unit],
        columns: list[str],
        first: list[str],
        filtered: pc.Expression | None,
    ) -> pa.RecordBatch:
        """Read stripes as one batch: what the filter needs first, the rest only if a row passes."""
        if filtered is None:
            return _joined([self._read(u, columns) for u in job])
        head = _joined([self._read(u, first) for u in job])
        index = pa.array(np.arange(head.num_rows, dtype=np.int64))
        nameless = max(self.schema.names, key=len) + "_"  # no column has this name
        passed = head.append_column(nameless, index).filter(filtered)
        if not passed.num_rows or not columns:
            return bare(passed.num_rows)
        rest = [name for name in columns if name not in first]
        arrays = {name: passed.column(name) for name in first}
        if rest:
            tail = _joined([self._read(u, rest) for u in job])
            if passed.num_rows < tail.num_rows:
                tail = tail.take(passed.column(nameless))
            arrays.update(zip(rest, tail.columns, strict=True))
        return pa.RecordBatch.from_arrays(
            [arrays[name] for name in columns],
            schema=pa.schema([self.schema.field(name) for name in columns]),
        )

    def _mentioned(
        self, columns: Sequence[str], prune: Sequence[Predicate], filtered: pc.Expression
    ) -> list[str]:
        """Return columns that are enough for the filter, which does not tell what it mentions."""
        known = {name for p in prune for name in columns_of(p)} & set(self.schema.names)
        for names in (sorted(known), sorted({*known, *columns})):
            try:
                pa.schema([self.schema.field(n) for n in names]).empty_table().filter(filtered)
            except pa.ArrowInvalid:
                continue
            return names
        return list(self.schema.names)

    def _units(self, prune: Sequence[Predicate] = ()) -> Iterator[_Unit]:
        for whole in self._files:
            file = whole
            found = _where(whole, prune) if prune and whole.live else None
            if found is not None:
                file = replace(whole, keep=found if whole.keep is None else found & whole.keep)
            if file.live:
                yield from (unit for unit in _stripes(file) if _live_between(unit))

    def _matches(self, unit: _Unit, prune: Sequence[Predicate]) -> bool:
        def zones(name: str) -> tuple[Zone, DataType] | None:
            return self._zone(unit, name)

        return all(may_match(p, zones) for p in prune)

    def _zone(self, unit: _Unit, name: str) -> tuple[Zone, DataType] | None:
        column = self._columns.get(name)
        if column is None:
            return _hidden_zone(unit, name)
        inside = unit.data.field_of(column.id)
        if inside is None:
            return _constant_zone(column, unit.rows)
        zone = unit.data.stripes[unit.stripe].zones.get(inside)
        written = unit.data.type_of(inside)
        if zone is not None and written is not None and written != column.type:
            zone = _widened_zone(zone, written, column.type)
        return None if zone is None else (zone, column.type)

    def _read(
        self,
        unit: _Unit,
        need: Sequence[str],
        only: Callable[[pa.Array], pa.Array] | None = None,
    ) -> pa.RecordBatch:
        """Return columns of a stripe's live rows, or of what ``only`` takes of all of them."""
        sources = {name: self._source(unit, name) for name in need}
        inside = list(dict.fromkeys(s for s in sources.values() if s is not None))
        stored = unit.data.read(unit.stripe, inside)
        chosen = only or _chosen(unit)
        arrays = []
        for name in need:
            source = sources[name]
            values = None if source is None else stored.column(inside.index(source))
            array = self._values(unit, name, values)
            arrays.append(array if chosen is None else chosen(array))
        return pa.RecordBatch.from_arrays(
            arrays, schema=pa.schema([self.schema.field(n) for n in need])
        )

    def _source(self, unit: _Unit, name: str) -> str | None:
        """Return the physical name that a column's values are read from, if there is one."""
        column = self._columns.get(name)
        if column is not None:
            return unit.data.field_of(column.id)
        return name if unit.data.type_of(name) is not None and name in (ROW_ID, CHANGED) else None

    def _values(self, unit: _Unit, name: str, stored: pa.Array | None) -> pa.Array:
        column = self._columns.get(name)
        if column is None:
            return _hidden_values(unit, name, stored)
        if stored is None:
            return _constant(column, unit.rows)
        return adapt(stored, unit.data.shape_of(column.id), column.shape).cast(column.type.wire)


def _taking(places: Indices) -> Callable[[pa.Array], pa.Array]:
    indices = pa.array(places)
    return lambda array: array.take(indices)


def _stripes(file: ScanFile) -> Iterator[_Unit]:
    """Yield the stripes of a file."""
    data = file.datafile()
    if data.rows != file.rows:
        raise CorruptError(f"a data file has {data.rows} rows instead of {file.rows}")
    start = 0
    for index, stripe in enumerate(data.stripes):
        yield _Unit(file, data, index, start, stripe.rows)
        start += stripe.rows


def _default(column: ScanColumn, t: DataType) -> pa.Scalar | None:
    value = column.default
    if value is None:
        return None
    if isinstance(value, pa.Scalar):
        return value.cast(t.wire)
    return pa.scalar(value, type=t.wire)


def _widened_zone(zone: Zone, written: DataType, now: DataType) -> Zone | None:
    """Return a zone of the type a file was written in as one of a wider type, where it is known."""
    if now.wire == written.wire:
        return zone
    if written.wire == pa.date32():
        low, high = (_midnight(bound) for bound in (zone.low, zone.high))
        return None if low is None or high is None else replace(zone, low=low, high=high)
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    if all(any(kind(t.wire) for kind in numbers) for t in (written, now)):
        return zone
    return None


def _midnight(day: Bound | None) -> int | None:
    """Return the microseconds of a day's beginning; None for days without end or number."""
    return day * _DAY_US if isinstance(day, int) and abs(day) < _ENDLESS_DAY else None


def _constant(column: _Column, rows: int) -> pa.Array:
    if column.default is None:
        return pa.nulls(rows, column.type.wire)
    return pa.repeat(column.default, rows)


def _constant_zone(column: _Column, rows: int) -> tuple[Zone, DataType]:
    one = zone_of(_constant(column, 1), column.type)
    nulls = rows if one.nulls else 0
    return Zone(
        rows, nulls, nan=one.nan, values=one.values, low=one.low, high=one.high
    ), column.type


def _hidden_zone(unit: _Unit, name: str) -> tuple[Zone, DataType] | None:
    if unit.data.type_of(name) is not None:
        stored = unit.data.stripes[unit.stripe].zones.get(name)
        return (stored, _BIGINT) if stored is not None and not stored.nulls else None
    first, last = unit.start, unit.start + unit.rows - 1
    rid = unit.file.rid
    bounds: dict[str, tuple[int, int]] = {
        FILE: (unit.file.file_id, unit.file.file_id),
        POSITION: (first, last),
        ROW_ID: (rid + first, rid + last),
        CHANGED: (rid >> 32, rid >> 32),
    }
    if name not in bounds:
        return None
    low, high = bounds[name]
    return Zone(unit.rows, 0, low=low, high=high), _BIGINT


def _hidden_values(unit: _Unit, name: str, stored: pa.Array | None) -> pa.Array:
    rows, rid = unit.rows, unit.file.rid
    if name == FILE:
        return pa.array(np.full(rows, unit.file.file_id, dtype=np.int32))
    if name == CHANGED:
        own = pa.array(np.full(rows, rid >> 32, dtype=np.int64))
    else:
        base = unit.start + (rid if name == ROW_ID else 0)
        own = pa.array(np.arange(base, base + rows, dtype=np.int64))
    return own if stored is None else pc.coalesce(stored, own)


def _where(file: ScanFile, prune: Sequence[Predicate]) -> Bitmap | None:
    """Return the rows of a file that its indexes leave, or None when they leave all."""
    if file.indexes is None:
        return None
    found = file.indexes().where(*prune)
    return None if found is None or len(found) >= file.rows else found


def _live_between(unit: _Unit) -> int:
    start, stop = unit.start, unit.start + unit.rows
    file = unit.file
    if file.keep is not None:
        return deletion.count_between(deletion.minus(file.keep, file.deleted), start, stop)
    return unit.rows - deletion.count_between(file.deleted, start, stop)


def _chosen(unit: _Unit) -> Callable[[pa.Array], pa.Array] | None:
    """Return what narrows a stripe's array to its live rows, or None when all are."""
    file, start, rows = unit.file, unit.start, unit.rows
    if file.keep is not None:
        wanted = deletion.minus(file.keep, file.deleted)
        indices = pa.array(deletion.positions(wanted, start, start + rows))
        return lambda array: array.take(indices)
    if not deletion.count_between(file.deleted, start, start + rows):
        return None
    alive = pa.array(~deletion.mask(file.deleted or deletion.EMPTY, rows, start))
    return lambda array: array.filter(alive)


def _jobs(units: Iterable[_Unit]) -> Iterator[list[_Unit]]:
    """Group neighbouring small stripes; a big one is a job of its own."""
    group: list[_Unit] = []
    size = 0
    for unit in units:
        big = unit.rows >= _SMALL_ROWS
        if group and (big or size + unit.rows > _JOINED_ROWS):
            yield group
            group, size = [], 0
        if big:
            yield [unit]
            continue
        group.append(unit)
        size += unit.rows
    if group:
        yield group


def _joined(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    return parts[0] if len(parts) == 1 else pa.concat_batches(parts)


def _sizes(rows: int) -> Iterator[int]:
    for at in range(0, rows, BATCH_ROWS):
        yield min(BATCH_ROWS, rows - at)


def _ahead(run: Callable[[list[_Unit]], Any], jobs: Sequence[list[_Unit]]) -> Iterator[Any]:
    """Run jobs in threads of their own and yield results in order; stop cleanly when abandoned."""
    if len(jobs) < 2:
        yield from map(run, jobs)
        return
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="scan")
    try:
        waiting = iter(jobs)
        running: deque[Future[Any]] = deque(
            pool.submit(run, job) for job in itertools.islice(waiting, _AHEAD)
        )
        while running:
            done = running.popleft().result()
            running.extend(pool.submit(run, job) for job in itertools.islice(waiting, 1))
            yield done
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
