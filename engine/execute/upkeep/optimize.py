"""Rows of a table are put in another order: OPTIMIZE, and indexes for files that are there already.

Layer: ``execute``. Invariant: the multiset of rows, with their ids and versions, is the same before and
after; it is compared, from what was really written, before anything of it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from engine.errors import CorruptError
from engine.execute.placing import build, place
from engine.execute.workspace import is_pending
from engine.plan import comma, ident
from engine.storage import Compare, TableScan, merge
from engine.storage.cluster import ordered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.catalog import FileEntry, Table
    from engine.catalog.arrangement import Clustering
    from engine.catalog.indexes import Index
    from engine.execute.backends.duckdb import DuckDB
    from engine.execute.lake import Lake

GROUP_ROWS = 1 << 21
"""Rows that are in memory, and in order among each other, at a time."""
_PROBES = 32


@dataclass(frozen=True, slots=True)
class Optimized:
    """What an OPTIMIZE did: files before and after, and for each column how many stripes one value needs."""

    files: int
    made: int
    rows: int
    before: dict[str, tuple[int, int]]
    after: dict[str, tuple[int, int]]


def optimize(
    table: Table, lake: Lake, backend: DuckDB, by: Clustering, chosen: set[int] | None
) -> Optimized:
    """Rewrite files, all or those whose numbers are ``chosen``, with like rows side by side.

    Cost: reads the files three times, for a checksum before, the rows, and a checksum after; holds one
    group's rows twice.
    Raises: CorruptError, when what was written is not what was read; nothing is kept then.
    """
    workspace = lake.workspace
    names = [c.name for c in by.columns]
    all_entries = workspace.catalog.files(table)
    before = _selectivity(lake.scan_entries(table, all_entries), names)
    entries = [
        entry
        for number, entry in enumerate(all_entries)
        if not is_pending(entry.rid) and (chosen is None or number in chosen)
    ]
    made = rows = 0
    for group in _groups(entries):
        expected = _checksum(backend, lake.scan_entries(table, group))
        with workspace.unwatched():
            moved = ordered(merge(lake.scan_entries(table, group)), names, by.method)
        for entry in group:
            workspace.put(entry.state_key(table.id), None)
        added = place(workspace, table, moved)
        if _checksum(backend, lake.scan_entries(table, added)) != expected:
            raise CorruptError(
                f"rewriting {table.qualified} would have changed its rows; nothing was kept",
                subject=table.qualified,
            )
        made += len(added)
        rows += int(moved.num_rows)
    after = _selectivity(lake.scan(table, workspace.catalog), names)
    return Optimized(len(entries), made, rows, before, after)


def add_index(table: Table, lake: Lake, index: Index) -> int:
    """Index the files that a table has; return how many got the index.

    Cost: reads the columns of every file that is not a part of a commit.
    """
    workspace = lake.workspace
    names = [c.name for c in table.columns if c.id in index.columns]
    count = 0
    for entry in list(workspace.catalog.files(table)):
        if entry.codec != "orc":
            continue
        file = replace(lake.scan_file(0, entry), deleted=None)
        scan = TableScan(lake.columns(table), [file])
        schema = pa.schema([scan.schema.field(name) for name in names])
        rows = pa.Table.from_batches(scan.batches(names), schema=schema)
        kept = tuple(i for i in entry.idx if i.name != index.name.lower())
        idx = sorted((*kept, *build(workspace, table, [index], rows)), key=lambda i: i.name)
        workspace.put(entry.state_key(table.id), replace(entry, idx=tuple(idx)).encode())
        count += 1
    return count


def remove_index(table: Table, lake: Lake, index: Index) -> None:
    """Take an index out of all files' entries; its objects are garbage once no version needs them."""
    workspace = lake.workspace
    for entry in list(workspace.catalog.files(table)):
        kept = tuple(i for i in entry.idx if i.name != index.name.lower())
        if kept != entry.idx:
            workspace.put(entry.state_key(table.id), replace(entry, idx=kept).encode())


def _groups(entries: Sequence[FileEntry]) -> Iterator[list[FileEntry]]:
    """Yield files of one partition that fit into memory together."""
    group: list[FileEntry] = []
    size = 0
    for entry in sorted(entries, key=lambda e: [(p is not None, p or "") for p in e.part]):
        if group and (size + entry.live > GROUP_ROWS or entry.part != group[0].part):
            yield group
            group, size = [], 0
        group.append(entry)
        size += entry.live
    if group:
        yield group


def _checksum(backend: DuckDB, scan: TableScan) -> tuple[int, int]:
    """Return the number of rows and a sum over them that does not depend on their order."""
    names = [n for n in scan.schema.names if n not in ("_file", "_pos")]
    backend.register("_checksummed", scan)
    columns = comma(ident(name) for name in names)
    found = backend.table(
        f"SELECT count(*) AS n, COALESCE(sum(hash({columns})::HUGEINT), 0)::VARCHAR AS s"  # noqa: S608 - quoted names
        " FROM _checksummed"
    )
    backend.forget()
    return int(found["n"][0].as_py()), int(found["s"][0].as_py())


def _selectivity(scan: TableScan, names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return for each column how many stripes a lookup of one value reads on average, of how many."""
    out = {}
    for name in names:
        lows = scan.lows(name)
        step = max(1, len(lows) // _PROBES)
        read = [scan.matching(Compare(name, "=", low)) for low in lows[::step]]
        if read:
            out[name] = (round(sum(read) / len(read)), scan.stripes())
    return out
