"""Which partition a row belongs to: values made of a column, the same for the same value.

Layer: ``engine.storage``. Invariant: rows of one part agree in every partition value; a row is in
exactly one part.
Source: the transforms are Iceberg's by name and meaning, but for ``bucket``, whose hash is ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.storage.keyhash import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from engine.datatypes import DataType

_TIMES = {
    "year": "%Y",
    "month": "%Y-%m",
    "day": "%Y-%m-%d",
    "hour": "%Y-%m-%d %H",
}
_LENGTHS = {"year": 4, "month": 7, "day": 10, "hour": 13}


def parts(
    rows: pa.Table, values: Sequence[pa.Array]
) -> Iterator[tuple[tuple[str | None, ...], pa.Table]]:
    """Yield the rows of each partition with its values, in the order of their first rows.

    Shape: one array of text for each partition field.
    """
    if not rows.num_rows:
        return
    names = [str(n) for n in range(len(values))]
    keyed = pa.table(dict(zip(names, values, strict=True)))
    codes = _codes(keyed)
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    if len(first) == 1:
        yield tuple(column[0].as_py() for column in keyed.columns), rows
        return
    for number in np.argsort(first):
        chosen = np.flatnonzero(inverse == number)
        label = tuple(column[int(first[number])].as_py() for column in keyed.columns)
        yield label, rows.take(pa.array(chosen))


def value_of(column: pa.ChunkedArray, t: DataType, transform: str, width: int) -> pa.Array:
    """Return the partition value of each value, as text; null for null."""
    array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if transform in _TIMES:
        stamps = array.cast(pa.timestamp("us"), safe=False)
        text = pc.strftime(stamps, format=_TIMES[transform])
        return pc.utf8_slice_codeunits(text, 0, _LENGTHS[transform])
    if transform == "bucket":
        present = array.is_valid()
        found = words([array.drop_null()], [t]) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(33)
        out = np.zeros(len(array), dtype=np.int64)
        mask = present.to_numpy(zero_copy_only=False)
        out[mask] = (found % np.uint64(width)).astype(np.int64)
        return pa.array(out, mask=~mask).cast(pa.string())
    if transform == "truncate" and pa.types.is_string(array.type):
        return pc.utf8_slice_codeunits(array, 0, width)
    if transform == "truncate":
        mask = array.is_null().to_numpy(zero_copy_only=False)
        whole = array.cast(pa.int64()).fill_null(0).to_numpy()
        return pa.array(whole // width * width, mask=mask).cast(pa.string())
    if pa.types.is_binary(array.type) or pa.types.is_temporal(array.type):
        return pa.array([None if v is None else str(v) for v in array.to_pylist()], pa.string())
    return array.cast(pa.string())


def _codes(keyed: pa.Table) -> npt.NDArray[np.int64]:
    total = np.zeros(keyed.num_rows, dtype=np.int64)
    for column in keyed.columns:
        encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
        total = total * (len(encoded.dictionary) + 1) + encoded.indices.to_numpy()
    return total
