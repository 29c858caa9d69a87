"""What changed in a table between two versions, row by row.

Layer: ``execute``. Invariant: the rows at the start, less those that died, plus those that were born,
are the rows at the end: each commit's difference is taken from the marks of the files themselves.
A key that was deleted and inserted again by one commit was updated, whatever row ids it had.
Source: design of the lakehouse, "CHANGES SINCE": D = rows killed, I = rows born.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from engine.catalog import FileEntry
from engine.execute.keys import key_tuples
from engine.plan import comma, ident
from engine.storage import TableScan, diff

if TYPE_CHECKING:
    from engine.analyze import ChangeSource
    from engine.catalog import Table
    from engine.execute.lake import Lake
    from engine.storage import ScanFile
    from engine.timeline import Commit

INSERT, DELETE = "insert", "delete"
PRE, POST = "update_preimage", "update_postimage"


def full(source: ChangeSource, lake: Lake) -> pa.Table:
    """Return every commit's changes of a table, in order.

    Shape: the table's columns, then ``_change``, ``_version``, ``_commit_ts``, ``_rid`` and ``_n``, the
    position in the log. Cost: the rows changed and the commits in the range.
    """
    timeline = lake.workspace.timeline
    prefix = source.table.file_prefix
    entries = dict(timeline.state_at(source.since).items(prefix))
    parts: list[pa.Table] = []
    for commit in timeline.commits(source.since, source.until):
        touched = {k: v for k, v in commit.changes.items() if k.startswith(prefix)}
        if not touched:
            continue
        before = {k: entries[k] for k in touched if k in entries}
        after = {k: v for k, v in touched.items() if v is not None}
        for key in touched:
            entries.pop(key, None)
        entries.update(after)
        parts.append(_commit_changes(source.table, lake, before, after, commit))
    parts = [p for p in parts if p.num_rows]
    log = pa.concat_tables(parts) if parts else _empty(source.table, lake)
    return log.append_column("_n", pa.array(range(log.num_rows), pa.int64()))


def net_sql(source: ChangeSource, log: str) -> str:
    """Return SQL over the registered ``log`` that leaves one final row for each key.

    A row that was inserted and deleted again within the range is left out.
    """
    table = source.table
    key = comma(ident(c.name) for c in table.key_columns) or "_rid"
    columns = comma(ident(c.name) for c in table.columns)
    return (
        f"SELECT {columns}, CASE WHEN _change = '{DELETE}' THEN '{DELETE}' "  # noqa: S608
        f"WHEN _first = '{INSERT}' THEN '{INSERT}' ELSE 'update' END AS _change, "
        f"_version, _commit_ts FROM (SELECT *, "
        f"first_value(_change) OVER (PARTITION BY {key} ORDER BY _n) AS _first, "
        f"row_number() OVER (PARTITION BY {key} ORDER BY _n DESC) AS _last FROM {log}) "
        f"WHERE _last = 1 AND NOT (_first = '{INSERT}' AND _change = '{DELETE}') ORDER BY _n"
    )


def _commit_changes(
    table: Table,
    lake: Lake,
    before: dict[str, bytes],
    after: dict[str, bytes],
    commit: Commit,
) -> pa.Table:
    old = [lake.scan_file(n, FileEntry.decode(k, v)) for n, (k, v) in enumerate(before.items())]
    new = [lake.scan_file(n, FileEntry.decode(k, v)) for n, (k, v) in enumerate(after.items())]
    killed, born = [], []
    for file, dead, fresh in diff(old, new):
        if dead:
            killed.append(replace(file, keep=dead, deleted=None))
        if fresh:
            born.append(replace(file, keep=fresh, deleted=None))
    gone = _rows(table, lake, killed)
    come = _rows(table, lake, born)
    gone, come = _without_copies(gone, come)
    identity = [c.name for c in table.key_columns] or ["_rid"]
    old_ones, new_ones = _identities(gone, identity), _identities(come, identity)
    updated = pc.is_in(old_ones, value_set=new_ones)
    gone = _label(gone, pc.if_else(updated, PRE, DELETE), commit, 0)
    updated = pc.is_in(new_ones, value_set=old_ones)
    come = _label(come, pc.if_else(updated, POST, INSERT), commit, 1)
    both = pa.concat_tables([gone, come])
    order = [(name, "ascending") for name in (*identity, "_side")]
    return both.take(pc.sort_indices(both, sort_keys=order)).drop_columns(["_side"])


def _identities(rows: pa.Table, names: list[str]) -> pa.Array:
    """Return what tells rows apart: the key, or the row id in a table without one."""
    if len(names) == 1 and not pa.types.is_floating(rows.schema.field(names[0]).type):
        return rows[names[0]].combine_chunks()
    return pa.array([repr(key) for key in key_tuples(rows, names)], pa.string())


def _rows(table: Table, lake: Lake, files: list[ScanFile]) -> pa.Table:
    scan = TableScan(lake.columns(table), files)
    names = [c.name for c in table.columns] + ["_rid", "_cv"]
    schema = pa.schema([scan.schema.field(n) for n in names])
    return pa.Table.from_batches(scan.batches(names, (), None), schema=schema)


def _without_copies(gone: pa.Table, come: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Drop rows that only moved to another file: same row id, same last change."""
    if not gone.num_rows or not come.num_rows:
        return gone.drop_columns(["_cv"]), come.drop_columns(["_cv"])
    left = set(zip(gone["_rid"].to_pylist(), gone["_cv"].to_pylist(), strict=True))
    right = set(zip(come["_rid"].to_pylist(), come["_cv"].to_pylist(), strict=True))
    copies = left & right
    if not copies:
        return gone.drop_columns(["_cv"]), come.drop_columns(["_cv"])
    return _drop(gone, copies), _drop(come, copies)


def _drop(rows: pa.Table, copies: set[tuple[int, int]]) -> pa.Table:
    pairs = zip(rows["_rid"].to_pylist(), rows["_cv"].to_pylist(), strict=True)
    return rows.filter(pa.array([p not in copies for p in pairs], pa.bool_())).drop_columns(["_cv"])


def _label(rows: pa.Table, change: pa.Array, commit: Commit, side: int) -> pa.Table:
    count = rows.num_rows
    rids = rows["_rid"]
    rows = rows.drop_columns(["_rid"])
    rows = rows.append_column("_change", pc.cast(change, pa.string()))
    rows = rows.append_column("_version", pa.repeat(pa.scalar(commit.seq, pa.int64()), count))
    stamp = pa.scalar(commit.ts, pa.timestamp("us", tz="UTC"))
    rows = rows.append_column("_commit_ts", pa.repeat(stamp, count))
    rows = rows.append_column("_rid", rids)
    return rows.append_column("_side", pa.repeat(pa.scalar(side, pa.int8()), count))


def _empty(table: Table, lake: Lake) -> pa.Table:
    scan = TableScan(lake.columns(table), [])
    fields = [scan.schema.field(c.name) for c in table.columns]
    fields += [
        pa.field("_change", pa.string()),
        pa.field("_version", pa.int64()),
        pa.field("_commit_ts", pa.timestamp("us", tz="UTC")),
        pa.field("_rid", pa.int64()),
    ]
    return pa.schema(fields).empty_table()
