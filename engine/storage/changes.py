"""Which rows of a table's files differ between two versions, and which of them belong together.

Layer: ``engine.storage``. Invariant: live(a) - killed + born = live(b), file by file; and rows that only
moved to another file, equal in ``_rid`` and ``_cv``, are in neither.

A *group* is one step of history: a commit, or all the commits of a range at once. Rows are matched
within their group only. Everything is done on whole columns; no row becomes a Python object, except
where keys are nested.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.storage import deletion
from engine.storage.statistics import CHANGED, ROW_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from engine.storage.deletion import Bitmap
    from engine.storage.units import ScanFile

    Ints = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

INSERT, DELETE = "insert", "delete"
PRE, POST = "update_preimage", "update_postimage"
_KINDS = pa.array([PRE, DELETE, POST, INSERT])


def diff(a: Sequence[ScanFile], b: Sequence[ScanFile]) -> list[tuple[ScanFile, Bitmap, Bitmap]]:
    """Return for each file that differs its killed and its born positions.

    Shape: (file, killed, born), by first row id; the file is ``b``'s where both have it. Files are the
    same when their first row id is. A file that was rewritten counts as killed and born whole: rows
    whose ``_rid`` and ``_cv`` are equal on both sides were moved, not changed.
    Cost: bitmaps only, no file is opened.
    """
    before = {f.rid: f for f in a}
    after = {f.rid: f for f in b}
    out = []
    for rid in sorted(before.keys() | after.keys()):
        was, now = _live(before.get(rid)), _live(after.get(rid))
        killed, born = deletion.minus(was, now), deletion.minus(now, was)
        if killed or born:
            out.append((after.get(rid) or before[rid], killed, born))
    return out


@dataclass(frozen=True, slots=True)
class Side:
    """Rows that died, or rows that were born: files narrowed to them, by group, then as listed."""

    files: tuple[ScanFile, ...]
    group: Ints
    rid: Ints
    changed: Ints

    def versions(self) -> pa.Array:
        """Return the version in which each row was last changed."""
        return pa.array(self.changed)

    @property
    def rows(self) -> int:
        """Return how many rows there are."""
        return len(self.rid)


@dataclass(frozen=True, slots=True)
class Sides:
    """What died and what was born; ``at`` is the place of the dead row of each new row's id, or -1."""

    gone: Side
    come: Side
    at: Ints


def sides(parts: Sequence[Sequence[tuple[ScanFile, Bitmap, Bitmap]]]) -> Sides:
    """Return what died and what was born in each group, without the rows that only moved.

    Shape: ``parts`` holds what ``diff`` found, group by group.
    Cost: opens the files, and reads row ids where they are stored.
    Raises: CorruptError.
    """
    gone = _side([(n, f, killed) for n, part in enumerate(parts) for f, killed, _ in part])
    come = _side([(n, f, born) for n, part in enumerate(parts) for f, _, born in part])
    at = _partners(gone.group, gone.rid, come.group, come.rid)
    if not gone.rows or not come.rows:
        return Sides(gone, come, at)
    copied = (at >= 0) & (gone.changed[at] == come.changed)
    if not copied.any():
        return Sides(gone, come, at)
    stayed = np.ones(gone.rows, dtype=np.bool_)
    stayed[at[copied]] = False
    at, place = at[~copied], np.cumsum(stayed) - 1
    at = np.where(at >= 0, place[at], -1)
    return Sides(_narrowed(gone, stayed), _narrowed(come, ~copied), at)


def log(both: Sides, dead: pa.Table, born: pa.Table, key: Sequence[str], *, net: bool) -> pa.Table:
    """Return what happened to rows as one table, each preimage right before its postimage.

    Shape: the columns of ``dead`` and ``born``, which hold the rows of the sides and end in
    ``_version``; ``_change`` comes before that. By group; within one, the rows that died as they lay,
    then the new ones. A preimage bears the version of its postimage.
    ``key`` names the columns that tell rows apart, or nothing: then row ids do. With ``net``, a row
    whose values are the same before and after is left out.
    """
    gone, come = both.gone, both.come
    at = _matched(both, dead, born, key)
    paired = np.flatnonzero(at >= 0)
    updated = np.zeros(gone.rows, dtype=np.bool_)
    updated[at[paired]] = True
    follows = np.arange(gone.rows + come.rows)
    follows[at[paired]] = gone.rows + paired
    kind = np.concatenate([np.where(updated, 0, 1), np.where(at >= 0, 2, 3)])
    names = dead.column_names[:-1]
    order = _order(gone, come, at, updated)
    if net and len(paired):
        same = paired[_equal_rows(dead.select(names), born.select(names), at[paired], paired)]
        kept = np.ones(len(order), dtype=np.bool_)
        kept[at[same]] = False
        kept[gone.rows + same] = False
        order = order[kept[order]]
    rows = pa.concat_tables([dead, born]).combine_chunks()
    shown = rows.select(names).take(pa.array(order))
    shown = shown.append_column("_change", _KINDS.take(pa.array(kind[order])))
    return shown.append_column("_version", rows["_version"].take(pa.array(follows[order])))


def _order(gone: Side, come: Side, at: Ints, updated: Mask) -> Ints:
    """Return the order of all rows: by group, each behind the row that it follows, or behind all."""
    place = np.arange(gone.rows) + np.cumsum(updated) - updated
    new = at < 0
    behind = gone.rows + len(at) - int(new.sum()) + np.cumsum(new) - 1
    place = np.concatenate([place, np.where(new, behind, place[at] + 1 if gone.rows else behind)])
    group = np.concatenate([gone.group, come.group])
    if len(group) and group.min() != group.max():
        return np.lexsort((place, group))
    order = np.empty(len(place), dtype=np.int64)
    order[place] = np.arange(len(place))
    return order


def _live(file: ScanFile | None) -> Bitmap:
    if file is None:
        return deletion.EMPTY
    kept = deletion.bitmap(range(file.rows)) if file.keep is None else file.keep
    return deletion.minus(kept, file.deleted)


def _side(picked: Sequence[tuple[int, ScanFile, Bitmap]]) -> Side:
    picked = [(n, f, bits) for n, f, bits in picked if bits]
    files = tuple(replace(f, keep=bits, deleted=None) for _, f, bits in picked)
    found = [_identities(f, bits) for _, f, bits in picked]
    sizes = [deletion.count(bits) for _, _, bits in picked]
    return Side(
        files,
        np.repeat(np.array([n for n, _, _ in picked], dtype=np.int64), sizes),
        _joined([rid for rid, _ in found]),
        _joined([changed for _, changed in found]),
    )


def _identities(file: ScanFile, bits: Bitmap) -> tuple[Ints, Ints]:
    """Return the row id and last version of the rows at these positions of a file."""
    positions = deletion.positions(bits, 0, file.rows)
    own = file.rid + positions, np.full(len(positions), file.rid >> 32, dtype=np.int64)
    data = file.datafile()
    stored = [name for name in (ROW_ID, CHANGED) if data.type_of(name) is not None]
    if not stored:
        return own
    found = dict(zip((ROW_ID, CHANGED), own, strict=True))
    start = 0
    for stripe, info in enumerate(data.stripes):
        low, high = np.searchsorted(positions, [start, start + info.rows])
        if low < high:
            batch = data.read(stripe, stored)
            inside = pa.array(positions[low:high] - start)
            for name in stored:
                values = batch.column(name).take(inside)
                known = values.is_valid().to_numpy(zero_copy_only=False)
                numbers = values.fill_null(0).to_numpy(zero_copy_only=False)
                found[name][low:high] = np.where(known, numbers, found[name][low:high])
        start += info.rows
    return found[ROW_ID], found[CHANGED]


def _narrowed(side: Side, kept: Mask) -> Side:
    """Return a side with some of its rows only; files that hold none of them are not opened again."""
    files = []
    start = 0
    for file in side.files:
        keep = file.keep or deletion.EMPTY
        stop = start + deletion.count(keep)
        mask = kept[start:stop]
        if mask.any():
            positions = deletion.positions(keep, 0, file.rows)[mask]
            files.append(replace(file, keep=deletion.bitmap(positions.astype(np.uint32))))
        start = stop
    return Side(tuple(files), side.group[kept], side.rid[kept], side.changed[kept])


def _partners(group: Ints, identity: Ints, other_group: Ints, other: Ints) -> Ints:
    """Return for each of the others the place of the one with its group and identity, or -1.

    Each place is given once, to the first that asks.
    """
    if not len(identity) or not len(other):
        return np.full(len(other), -1, dtype=np.int64)
    one, two = identity, np.where(other_group == group[0], other, -1)
    if group[-1] != group[0]:
        steps = int(max(group[-1], other_group[-1])) + 1
        _, codes = np.unique(np.concatenate([identity, other]), return_inverse=True)
        one = codes[: len(identity)] * steps + group
        two = codes[len(identity) :] * steps + other_group
    sorted_already = bool((one[1:] > one[:-1]).all())
    order = None if sorted_already else np.argsort(one, kind="stable")
    ranked = one if order is None else one[order]
    place = np.minimum(np.searchsorted(ranked, two), len(ranked) - 1)
    hit = ranked[place] == two
    at = np.where(hit, place if order is None else order[place], -1).astype(np.int64)
    found = at[hit]
    if bool((found[1:] > found[:-1]).all()):
        return at
    _, first = np.unique(at, return_index=True)
    once = np.full(len(at), -1, dtype=np.int64)
    once[first] = at[first]
    return once


def _matched(both: Sides, dead: pa.Table, born: pa.Table, key: Sequence[str]) -> Ints:
    """Return for each row that was born the place of the row that it is the next image of, or -1.

    Without a key that is the row of the same id. With one it is the row of the same key, whatever its
    id, for rows that are written again are new rows; ids come first only because they are quick.
    """
    gone, come, at = both.gone, both.come, both.at.copy()
    if not key or not gone.rows or not come.rows:
        return at
    paired = np.flatnonzero(at >= 0)
    moved = paired[~_equal_keys(dead, born, at[paired], paired, key)]
    at[moved] = -1
    free = np.ones(gone.rows, dtype=np.bool_)
    free[at[at >= 0]] = False
    left, right = np.flatnonzero(free), np.flatnonzero(at < 0)
    if len(left) and len(right):
        ours, theirs = _codes(dead.select(key), left, born.select(key), right)
        found = _partners(gone.group[left], ours, come.group[right], theirs)
        hit = found >= 0
        at[right[hit]] = left[found[hit]]
    return at


def _codes(dead: pa.Table, left: Ints, born: pa.Table, right: Ints) -> tuple[Ints, Ints]:
    """Return numbers that are equal where the keys of rows are equal."""
    codes = np.zeros(len(left) + len(right), dtype=np.int64)
    for ours, theirs in zip(dead.columns, born.columns, strict=True):
        column = pa.chunked_array([*ours.take(left).chunks, *theirs.take(right).chunks], ours.type)
        if pa.types.is_floating(column.type):
            column = pc.add(column, pa.scalar(0.0, column.type))  # -0.0 and 0.0 are one key
        elif pa.types.is_nested(column.type):
            column = pa.chunked_array([pa.array([repr(v) for v in column.to_pylist()])])
        encoded = column.combine_chunks().dictionary_encode()
        codes = codes * (len(encoded.dictionary) + 1) + encoded.indices.fill_null(-1).to_numpy()
        _, codes = np.unique(codes, return_inverse=True)
    return codes[: len(left)], codes[len(left) :]


def _equal_keys(
    dead: pa.Table, born: pa.Table, left: Ints, right: Ints, key: Sequence[str]
) -> Mask:
    same = np.ones(len(left), dtype=np.bool_)
    for name in key:
        ours, theirs = dead[name].take(left), born[name].take(right)
        if pa.types.is_nested(ours.type) or pa.types.is_floating(ours.type):
            table = pa.table({"k": ours}), pa.table({"k": theirs})
            every = np.arange(len(left))
            one, two = _codes(table[0], every, table[1], every)
            same &= one == two
        else:
            same &= _same_values(ours.combine_chunks(), theirs.combine_chunks())
    return same


def _equal_rows(dead: pa.Table, born: pa.Table, left: Ints, right: Ints) -> Mask:
    """Return which rows hold the same values in every column; a float counts by its bits."""
    same = np.ones(len(left), dtype=np.bool_)
    for name in dead.column_names:
        rest = np.flatnonzero(same)
        if not len(rest):
            break
        ours, theirs = (
            side[name].take(at[rest]).combine_chunks() for side, at in ((dead, left), (born, right))
        )
        same[rest] = _same_values(ours, theirs)
    return same


def _same_values(ours: pa.Array, theirs: pa.Array) -> Mask:
    if pa.types.is_nested(ours.type):
        pairs = zip(ours.to_pylist(), theirs.to_pylist(), strict=True)
        return np.array([repr(a) == repr(b) for a, b in pairs], dtype=np.bool_)
    if pa.types.is_floating(ours.type):
        bits = pa.int64() if ours.type.bit_width == 64 else pa.int32()
        ours, theirs = ours.view(bits), theirs.view(bits)
    equal = pc.fill_null(pc.equal(ours, theirs), fill_value=False)
    equal = pc.or_(equal, pc.and_(ours.is_null(), theirs.is_null()))
    return np.asarray(equal.to_numpy(zero_copy_only=False))


def _joined(parts: Sequence[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
