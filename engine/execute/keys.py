"""Key values that can be compared and put into a set, whatever their type.

Layer: ``execute``. Invariant: two keys are equal here exactly when the relational engine says so.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NOT_A_NUMBER = object()
_WIDTHS = {32: pa.int32(), 64: pa.int64()}


def key_tuples(
    rows: pa.Table | pa.RecordBatch, names: Sequence[str]
) -> Iterator[tuple[object, ...]]:
    """Yield the key of each row.

    Moments count as the numbers they rest as, for Python knows fewer of them; NaN equals itself.
    """
    return zip(*(_comparable(rows[name]) for name in names), strict=True)


def _comparable(column: pa.ChunkedArray | pa.Array) -> list[object]:
    if pa.types.is_temporal(column.type):
        return list(column.cast(_WIDTHS[column.type.bit_width]).to_pylist())
    values = column.to_pylist()
    if pa.types.is_floating(column.type):
        return [_NOT_A_NUMBER if v is not None and math.isnan(v) else v for v in values]
    return list(values)
