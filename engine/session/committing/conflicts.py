"""What two writers may not both do: definitions, names, keys, and what one of them has read.

Layer: ``session``. Invariant: adding columns commutes with everything; anything else that both sides
defined, and whatever one side judged by rows that the other changed, is a conflict.
Source: design of the lakehouse, conflict rules.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from engine.catalog import MAIN, Catalog, Table, View, key_name, name_key
from engine.errors import ConflictError
from engine.execute import indexable, key_tuples, lookup
from engine.storage import TableScan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow.compute as pc

    from engine.catalog import FileEntry, Mapping, Unique
    from engine.execute import Lake
    from engine.session.committing.rowmerge import RowMerge
    from engine.storage import Bitmap

    Changes = dict[str, bytes | None]
    Made = Sequence[tuple[str, FileEntry, Bitmap]]

RETRY_HINT = "nothing of this transaction was kept; run it again"

_TITLES = {
    "b": "the branch",
    "blob": "the blob",
    "i": "the index",
    "ref": "the snapshot",
    "s": "the schema",
    "t": "the table's definition",
    "v": "the view",
    "w": "the watermark",
    "y": "the application's sequence",
}


def conflict(what: str) -> ConflictError:
    """Return the error that tells what another writer did."""
    return ConflictError(f"another writer {what}", hint=RETRY_HINT)


def changed_both(key: str) -> ConflictError:
    """Return the error for one thing that both sides changed."""
    return conflict(f"changed {_TITLES.get(key.split('/', 1)[0], 'the same thing')}")


def additive(before: Table, after: Table) -> bool:
    """Say whether a definition only gained what rows written before it need not have.

    These are columns that may be null, or have a value for older rows; comments and options.
    """
    known = {c.id for c in before.columns}
    kept = tuple(c for c in after.columns if c.id in known)
    fresh = [c for c in after.columns if c.id not in known]
    same = replace(
        after,
        columns=before.columns,
        next_column=before.next_column,
        revision=before.revision,
        options=before.options,
        comment=before.comment,
    )
    return (
        same == before
        and kept == before.columns
        and all(c.nullable or c.initial not in (None, "NULL") for c in fresh)
    )


def commutes(table_id: str, before: bytes | None, after: bytes | None) -> bool:
    """Say whether rows may be written while a definition changes from ``before`` to ``after``."""
    if before == after:
        return True
    if before is None or after is None:
        return False
    return additive(Table.decode(table_id, before), Table.decode(table_id, after))


def check_names(base: Mapping, head: Mapping, ours: Changes) -> None:
    """Refuse a name that the others took meanwhile, and a schema that is not there or not empty.

    Raises: ConflictError.
    """
    mine = [_named(k, v) for k, v in ours.items() if v is not None and k[:2] in ("t/", "v/")]
    dropped = [key_name(k) for k, v in ours.items() if v is None and k.startswith("s/")]
    if not mine and not dropped:
        return
    now = Catalog(head)
    for one in mine:
        for other in (now.table(one.schema, one.name), now.view(one.schema, one.name)):
            if (
                other is not None
                and other.state_key not in ours
                and base.get(other.state_key) != head.get(other.state_key)
            ):
                raise conflict(f"took the name '{one.qualified}'")
        key = name_key("s", one.schema.lower())
        if one.schema.lower() != MAIN and key not in ours and head.get(key) is None:
            raise conflict(f"dropped the schema '{one.schema}'")
    inside: list[Table | View] = [*now.tables(), *now.views()]
    for name in dropped:
        for other in inside:
            if other.schema.lower() == name and other.state_key not in ours:
                raise conflict(f"put {other.qualified} into the schema")


def _named(key: str, value: bytes) -> Table | View:
    if key.startswith("t/"):
        return Table.decode(key[2:], value)
    return View.decode(key[2:], value)


def same_keys(
    lake: Lake, table: Table, rule: Unique, ours: Iterable[pa.Table | pa.RecordBatch], theirs: Made
) -> Iterator[tuple[str, int]]:
    """Yield the places of the others' new rows that have a key which we give to a row too.

    Shape: (state key, position). Cost: what a look-up costs where the key is indexed; else the keys of
    the files that the others added.
    """
    if not theirs:
        return
    names = [c.name for c in table.columns_of(rule.columns)]
    if rule.columns == table.key and indexable(table):
        parts = [p if isinstance(p, pa.Table) else pa.Table.from_batches([p]) for p in ours]
        keys = pa.concat_tables([p.select(names) for p in parts])
        found = lookup(lake, table, [entry for _, entry, _ in theirs], keys)
        for ordinal, positions in found.by_file():
            key, _, kept = theirs[ordinal]
            yield from ((key, position) for position in positions & kept)
        return
    mine = {key for part in ours for key in key_tuples(part, names) if None not in key}
    for key, entry, kept in theirs:
        scan = places_of(lake, table, [(entry, kept)])
        for batch in scan.batches([*names, "_pos"]):
            positions = batch.column(len(names)).to_pylist()
            for values, position in zip(key_tuples(batch, names), positions, strict=True):
                if values in mine:
                    yield key, position


def was_read(
    lake: Lake, table: Table, conditions: Sequence[pc.Expression], merge: RowMerge
) -> bool:
    """Say whether the others changed rows that a transaction read; no condition means all rows."""
    news = merge.news()
    if not news or not conditions:
        return bool(news)
    scan = places_of(lake, table, news)
    columns = [c.name for c in table.columns]
    schema = pa.schema([scan.schema.field(name) for name in columns])
    rows = pa.Table.from_batches(scan.batches(columns), schema=schema)
    try:
        return any(rows.filter(condition).num_rows for condition in conditions)
    except (pa.ArrowException, KeyError):
        # The condition is on a column that this transaction added, or on a row's address.
        return True


def places_of(lake: Lake, table: Table, places: Iterable[tuple[FileEntry, Bitmap]]) -> TableScan:
    """Return a scan of just these positions of some files, dead or alive."""
    files = [
        replace(lake.scan_file(n, entry), keep=keep, deleted=None)
        for n, (entry, keep) in enumerate(places)
    ]
    return TableScan(lake.columns(table), files)
