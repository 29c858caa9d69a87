"""Which rows of a table's files differ between two versions, from bitmaps alone.

Layer: ``engine.storage``. Invariant: live(a) - killed + born = live(b), file by file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.storage import deletion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.storage.deletion import Bitmap
    from engine.storage.scan import ScanFile


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


def _live(file: ScanFile | None) -> Bitmap:
    if file is None:
        return deletion.EMPTY
    kept = deletion.bitmap(range(file.rows)) if file.keep is None else file.keep
    return deletion.minus(kept, file.deleted)
