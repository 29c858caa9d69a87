"""What changed in a table between two versions, row by row.

Layer: ``execute``. Invariant: the rows at the start, less those that died, plus those that were born,
are the rows at the end: each difference is taken from the marks of the files themselves.
A key that was deleted and inserted again in one step was updated, whatever row ids it had. Rows are
shown in the columns of the table at the end; a table that took the place of one that is gone begins
with the end of that one's rows.
Source: design of the lakehouse, "CHANGES SINCE": D = rows killed, I = rows born.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from engine.analyze.sources import RESERVED, ChangeSource
from engine.catalog import FileEntry, commits_on, differing_on
from engine.datatypes import parse_type
from engine.execute.lives import lives
from engine.execute.ready import Ready
from engine.storage import POST, PRE, ScanFile, TableScan, diff, log, sides

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.catalog import Table
    from engine.execute.lake import Lake
    from engine.plan import Select
    from engine.storage import Bitmap, Sides
    from engine.timeline import Commit

UPDATE = "update"
"""What SINCE calls a row that was there before and is there now."""

BATCH_ROWS = 122_880
_BARE = re.compile(rf'SELECT \* FROM {RESERVED}s0 AS ("[^"]+"|\w+)')  # noqa: S608 - to match
_TYPES = ("VARCHAR", "BIGINT", "TIMESTAMP WITH TIME ZONE")
_STAMP = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class Changed:
    """Rows, and the table whose columns they have."""

    table: Table
    rows: pa.Table


def changes(source: ChangeSource, lake: Lake) -> Changed:
    """Return what happened to a table's rows, in the order of ``source.shape``.

    Shape: the table's columns, then ``_change``, ``_version`` and ``_commit_ts``.
    Cost: FULL, the commits of the range and the rows changed; NET, the files that differ between the
    two ends and the rows changed, however many commits made them so.
    Raises: CorruptError.
    """
    made = _Changes(source, lake)
    return Changed(made.table, made.full() if source.shape == "full" else made.net())


def listed(plan: Select, lake: Lake) -> Ready | None:
    """Return the answer of a query that is a list of changes and no more, or None for any other.

    Nothing has to be computed, so the relational engine has no part in it.
    """
    source = plan.sources[0] if len(plan.sources) == 1 else None
    if not isinstance(source, ChangeSource) or not _BARE.fullmatch(plan.sql):
        return None
    if any(parse_type(c.type).kind != "plain" for c in source.table.columns):
        return None
    made = changes(source, lake)
    kinds = [parse_type(c.type) for c in made.table.columns]
    table = made.rows
    types = [*(kind.text for kind in kinds), *_TYPES]
    return Ready(table.column_names, types, table.schema, iter(table.to_batches(BATCH_ROWS)))


@dataclass(frozen=True, slots=True)
class _Step:
    """One group of rows: what differed, and the version and time it is known by."""

    found: list[tuple[ScanFile, Bitmap, Bitmap]]
    version: int
    ts: int


class _Changes:
    """Makes the changes of one source."""

    def __init__(self, source: ChangeSource, lake: Lake) -> None:
        self._source = source
        self._lake = lake
        self._since = lake.workspace.state_at(source.since)
        self._until = lake.workspace.state_at(source.until)
        self._log = self._read() if source.shape == "full" else []
        between = [changed for _, changed in self._log]
        found = lives(source, self._since, self._until, between, lake.columns)
        self.table, self._columns = found.table, found.columns
        self._owner: dict[int, str] = {}

    def _read(self) -> list[tuple[Commit, dict[str, bytes | None]]]:
        """Return the commits of the range that touched any table's definition or files, in order."""
        source, workspace = self._source, self._lake.workspace
        found = []
        for commit, changed in commits_on(
            workspace.timeline, source.since, source.until, workspace.branch
        ):
            touched = {k: v for k, v in changed.items() if k.startswith(("f/", "t/"))}
            if touched:
                found.append((commit, touched))
        return found

    def full(self) -> pa.Table:
        """Return every commit's changes, in order."""
        prefixes = tuple(f"f/{table_id}/" for table_id in self._columns)
        now: dict[str, bytes | None] = {}
        steps = []
        for commit, changed in self._log:
            after = {k: v for k, v in changed.items() if k.startswith(prefixes)}
            if after:
                before = {k: now[k] if k in now else self._since.get(k) for k in after}
                now |= after
                steps.append(_Step(self._diff(before, after), commit.seq, commit.ts))
        both = sides([step.found for step in steps])
        versions = pa.array([step.version for step in steps], pa.int64())
        times = {step.version: step.ts for step in steps}
        died, arrived = (versions.take(pa.array(side.group)) for side in (both.gone, both.come))
        return self._listed(both, died, arrived, times)

    def net(self) -> pa.Table:
        """Return the first preimage and the last postimage of each row that is not what it was.

        A row bears the version that made it what it is; one that is gone, or that came back from
        before the range, bears the end of the range.
        """
        source = self._source
        before: dict[str, bytes] = {}
        after: dict[str, bytes] = {}
        for table_id in self._columns:
            ours, theirs = differing_on(self._since, self._until, f"f/{table_id}/")
            before |= ours
            after |= theirs
        both = sides([self._diff(before, after)])
        end = pa.scalar(source.until, pa.int64())
        own = both.come.versions()
        inside = pc.and_(pc.greater(own, source.since), pc.less_equal(own, source.until))
        arrived = pc.if_else(inside, own, end)
        died = pa.repeat(end, both.gone.rows)
        timeline = self._lake.workspace.timeline
        seen = {source.until, *pc.unique(arrived).to_pylist()}
        out = self._listed(both, died, arrived, {v: timeline.commit_at(v).ts for v in seen})
        if source.shape == "net":
            return out
        out = out.filter(pc.not_equal(out["_change"], PRE))
        place = out.schema.get_field_index("_change")
        final = pc.if_else(pc.equal(out["_change"], POST), UPDATE, out["_change"])
        return out.set_column(place, "_change", final)

    def _diff(
        self, before: Mapping[str, bytes | None], after: Mapping[str, bytes | None]
    ) -> list[tuple[ScanFile, Bitmap, Bitmap]]:
        return diff(self._files(before), self._files(after))

    def _files(self, entries: Mapping[str, bytes | None]) -> list[ScanFile]:
        files = []
        for n, (key, value) in enumerate(entries.items()):
            if value is not None:
                file = self._lake.scan_file(n, FileEntry.decode(key, value))
                self._owner[file.rid] = key.split("/")[1]
                files.append(file)
        return files

    def _listed(
        self,
        both: Sides,
        died: pa.Array,
        arrived: pa.Array,
        times: Mapping[int, int],
    ) -> pa.Table:
        dead = self._rows(both.gone.files).append_column("_version", died)
        born = self._rows(both.come.files).append_column("_version", arrived)
        key = [c.name for c in self.table.key_columns]
        out = log(both, dead, born, key, net=self._source.shape != "full")
        known = pa.array(times.keys(), pa.int64())
        stamps = pa.array(times.values(), _STAMP)
        when = stamps.take(pc.index_in(out["_version"].combine_chunks(), value_set=known))
        return out.append_column("_commit_ts", when)

    def _rows(self, files: Sequence[ScanFile]) -> pa.Table:
        """Return the rows of files in the columns of the table at the end."""
        names = [c.name for c in self.table.columns]
        batches: list[pa.RecordBatch] = []
        empty = TableScan(self._columns[self.table.id], [])
        for owner, run in groupby(files, lambda f: self._owner[f.rid]):
            scan = TableScan(self._columns[owner], list(run))
            batches += scan.batches(names)
        schema = pa.schema([empty.schema.field(n) for n in names])
        return pa.Table.from_batches(batches, schema=schema)
