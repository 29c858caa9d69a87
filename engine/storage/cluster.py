"""The order in which rows stand side by side with rows like them.

Layer: ``engine.storage``. Invariant: an order is a permutation: every row once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

_WORD = 64


def ordered(rows: pa.Table, names: Sequence[str], method: str) -> pa.Table:
    """Return rows in the order of some columns, nulls first.

    ``sort`` compares them one after the other, ``zorder`` mixes the bits of their ranks, so that each
    of them prunes about as well. Cost: a sort, and the rows twice in memory.
    """
    if rows.num_rows < 2:
        return rows
    if method == "zorder" and len(names) > 1:
        order = np.argsort(_interleaved([_ranks(rows[name]) for name in names]), kind="stable")
        return rows.take(pa.array(order))
    keys = pa.table({str(n): pa.array(_ranks(rows[name])) for n, name in enumerate(names)})
    by = [(str(n), "ascending") for n in range(len(names))]
    return rows.take(pc.sort_indices(keys, sort_keys=by))


def _ranks(column: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """Return each value's rank from 1 on, 0 for null; equal values have equal ranks."""
    found = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if pa.types.is_boolean(found.type):
        found = found.cast(pa.int8())
    ranks = pc.rank(found, sort_keys="ascending", tiebreaker="min")
    out: npt.NDArray[np.uint64] = ranks.to_numpy(zero_copy_only=False).astype(np.uint64)
    if found.null_count:
        out[found.is_null().to_numpy(zero_copy_only=False)] = 0
    return out


def _interleaved(ranks: Sequence[npt.NDArray[np.uint64]]) -> npt.NDArray[np.uint64]:
    """Return one word a row: the ranks, stretched to equal ranges, bit by bit in turn."""
    bits = _WORD // len(ranks)
    rows = len(ranks[0])
    top = 1 << min(bits, 24)
    out = np.zeros(rows, dtype=np.uint64)
    scaled = [(r * np.uint64(top - 1)) // np.uint64(rows) for r in ranks]
    place = 0
    for bit in range(top.bit_length() - 1):
        for values in scaled:
            if place < _WORD:
                out |= ((values >> np.uint64(bit)) & np.uint64(1)) << np.uint64(place)
                place += 1
    return out
