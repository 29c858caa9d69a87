"""A table's rows at one version, streamed out of its data files.

Layer: ``engine.storage``. Invariant: ``batches`` yields exactly the live rows that satisfy the filter,
ordered by file, then position; pruning and deletion marks never show.

Hidden columns follow the user's: ``_file`` (the ordinal given), ``_pos`` (position in the file),
``_rid`` (row id: as stored, else the file's first plus position) and ``_cv`` (version of the last
change: as stored, else the file's own).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from engine.errors import UsageError
from engine.storage.datafile import bare
from engine.storage.jobs import BATCH_ROWS, ahead, jobs_of, joined, sizes
from engine.storage.predicate import columns_of
from engine.storage.pruning import Pruning, left_by_indexes, may_hold, units_left
from engine.storage.scanzones import zone_in
from engine.storage.statistics import ROW_ID
from engine.storage.units import HIDDEN_SCHEMA, RESERVED, live_rows, opened, taking, whole_stripe
from engine.storage.values import read_columns, source_of, values_of
from engine.storage.zonemap import from_bound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt
    import pyarrow.compute as pc

    from engine.storage.predicate import Predicate
    from engine.storage.units import ScanColumn, ScanFile, Unit

    Indices = npt.NDArray[np.int64]


class TableScan:
    """Reads a table's files as one relation; safe to use from several threads, any number of times."""

    def __init__(self, columns: Sequence[ScanColumn], files: Sequence[ScanFile]) -> None:
        """Describe what to read; nothing is read yet."""
        self._columns = read_columns(columns)
        if len({*self._columns, *RESERVED}) != len(columns) + len(RESERVED):
            raise UsageError(f"column names must differ, and none may be {', '.join(RESERVED)}")
        self._files = tuple(files)
        self.asked: list[Predicate] = []
        """The conditions that somebody wanted to know the use of."""
        self.width = len(columns)
        named = [pa.field(name, c.type.wire) for name, c in self._columns.items()]
        self.schema = pa.schema([*named, *HIDDEN_SCHEMA])
        self._schemas: dict[tuple[str, ...], pa.Schema] = {}

    def rows(self) -> int:
        """Return the exact number of rows, from bookkeeping alone."""
        return sum(f.live for f in self._files)

    def prunes(self, predicate: Predicate) -> bool:
        """Tell whether zone maps or indexes refute a condition for at least one row."""
        if predicate not in self.asked:
            self.asked.append(predicate)
        by_index = (left_by_indexes(f, [predicate]) is not None for f in self._files if f.live)
        return any(by_index) or any(
            not may_hold(u, self._columns, [predicate]) for u in self._left()
        )

    def stripes(self) -> int:
        """Return how many stripes hold rows."""
        return sum(1 for _ in self._left())

    def matching(self, predicate: Predicate) -> int:
        """Return how many stripes may hold a row that satisfies a condition, by their zone maps."""
        return sum(may_hold(u, self._columns, [predicate]) for u in self._left())

    def lows(self, name: str) -> list[object]:
        """Return the least value of a column in each stripe, where it is known."""
        column = self._columns.get(name)
        found = (zone_in(u, name, column) for u in self._left())
        zones = [zone for zone in found if zone is not None and zone[0].low is not None]
        return [from_bound(zone.low, t) for zone, t in zones]

    def pruning(self) -> Pruning:
        """Return what the conditions asked about so far leave to be read."""
        all_units, left = list(self._left()), list(self._left(self.asked))
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
            sum(u.live for u in left),
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
        units = list(self._left(prune))
        if not columns and filter is None:
            yield from (bare(n) for u in units for n in sizes(u.live))
            return
        first = [] if filter is None else self._mentioned(columns, prune, filter)

        def run(job: list[Unit]) -> list[pa.RecordBatch]:
            batch = self._run(job, list(columns), first, filter)
            return [batch.slice(at, BATCH_ROWS) for at in range(0, batch.num_rows, BATCH_ROWS)]

        for done in ahead(run, list(jobs_of(units))):
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
            data = opened(file)
            within = np.searchsorted(data.starts, places, "right") - 1
            for stripe in np.unique(within).tolist():
                unit = whole_stripe(file, data, stripe)
                only = taking(places[within == stripe] - unit.start)
                parts.append(self._read(unit, columns, only))
        if len(parts) == 1 and len(order) == 1:
            return parts[0]
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        found = parts or [self._empty(columns)]
        return joined(found).take(pa.array(back))

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
        schema = self._shown(columns)
        return pa.RecordBatch.from_arrays([pa.array([], f.type) for f in schema], schema=schema)

    def _run(
        self,
        job: list[Unit],
        columns: list[str],
        first: list[str],
        filtered: pc.Expression | None,
    ) -> pa.RecordBatch:
        """Read stripes as one batch: what the filter needs first, the rest only if a row passes."""
        if filtered is None:
            return joined([self._read(u, columns) for u in job])
        head = joined([self._read(u, first) for u in job])
        index = pa.array(np.arange(head.num_rows, dtype=np.int64))
        nameless = max(self.schema.names, key=len) + "_"  # no column has this name
        passed = head.append_column(nameless, index).filter(filtered)
        if not passed.num_rows or not columns:
            return bare(passed.num_rows)
        rest = [name for name in columns if name not in first]
        arrays = {name: passed.column(name) for name in first}
        if rest:
            tail = joined([self._read(u, rest) for u in job])
            if passed.num_rows < tail.num_rows:
                tail = tail.take(passed.column(nameless))
            arrays.update(zip(rest, tail.columns, strict=True))
        return pa.RecordBatch.from_arrays(
            [arrays[name] for name in columns],
            schema=self._shown(columns),
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

    def _shown(self, names: Sequence[str]) -> pa.Schema:
        """Return the schema of some columns."""
        key = tuple(names)
        if key not in self._schemas:
            self._schemas[key] = pa.schema([self.schema.field(name) for name in names])
        return self._schemas[key]

    def _left(self, conditions: Sequence[Predicate] = ()) -> Iterator[Unit]:
        return units_left(self._files, self._columns, conditions)

    def _read(
        self,
        unit: Unit,
        need: Sequence[str],
        only: Callable[[pa.RecordBatch], pa.RecordBatch] | None = None,
    ) -> pa.RecordBatch:
        """Return columns of a stripe's live rows, or of what ``only`` takes of all of them."""
        wanted = [(name, self._columns.get(name)) for name in need]
        sources = [source_of(unit, name, column) for name, column in wanted]
        inside = list(dict.fromkeys(s for s in sources if s is not None))
        stored = dict(zip(inside, unit.data.arrays(unit.stripe, inside), strict=True))
        arrays = [
            values_of(unit, name, column, None if source is None else stored[source])
            for (name, column), source in zip(wanted, sources, strict=True)
        ]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._shown(need))
        chosen = only or live_rows(unit)
        return batch if chosen is None else chosen(batch)
