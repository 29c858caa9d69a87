"""Values between their wire and their physical shape, exactly or not at all.

Layer: ``engine.datatypes``. Invariant: ``decode(encode(a, t), t)`` equals ``a``, value for value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import CorruptError, TypeMismatchError

if TYPE_CHECKING:
    from engine.datatypes.types import DataType

_WIDER = {
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.binary_view(): pa.binary(),
}


def encode(array: pa.Array, t: DataType) -> pa.Array:
    """Return wire values in their physical shape.

    Raises: TypeMismatchError when the array does not have the wire shape of the type.
    """
    return _encode(conform(array, t), t)


def decode(array: pa.Array, t: DataType) -> pa.Array:
    """Return physical values in their wire shape.

    Raises: CorruptError when the values cannot have been written by ``encode``.
    """
    if not _same_layout(array.type, t.physical):
        raise CorruptError(f"values of {t.text} are stored as {array.type}, not {t.physical}")
    try:
        return _decode(array, t)
    except pa.ArrowException as error:
        raise CorruptError(f"stored values are outside the range of {t.text}") from error


def conform(array: pa.Array, t: DataType) -> pa.Array:
    """Return the array as exactly ``t.wire``: other names of list items, other spellings of UTC.

    Raises: TypeMismatchError when that would take more than renaming.
    """
    if array.type.equals(t.wire, check_metadata=True):
        return array
    if not _compatible(array.type, t):
        raise TypeMismatchError(f"values of Arrow type {array.type} given for {t.text}")
    try:
        return array.cast(t.wire)
    except pa.ArrowException as error:
        raise TypeMismatchError(f"values of Arrow type {array.type} given for {t.text}") from error


def _compatible(given: pa.DataType, t: DataType) -> bool:
    if pa.types.is_null(given):
        return True
    if pa.types.is_dictionary(given):
        return _compatible(given.value_type, t)
    if pa.types.is_timestamp(given) and pa.types.is_timestamp(t.wire):
        return bool(given.unit == t.wire.unit and (given.tz is None) == (t.wire.tz is None))
    if not t.is_nested:
        return bool(_WIDER.get(given, given) == t.wire)
    return _compatible_nested(given, t)


def _compatible_nested(given: pa.DataType, t: DataType) -> bool:
    if pa.types.is_map(given):
        kind, parts = "map", [given.key_type, given.item_type]
    elif pa.types.is_struct(given):
        fields = [given.field(i) for i in range(given.num_fields)]
        named = tuple(f.name for f in fields) == t.names
        kind, parts = "struct" if named else "", [f.type for f in fields]
    elif pa.types.is_fixed_size_list(given):
        kind, parts = "array" if given.list_size == t.size else "", [given.value_type]
    elif pa.types.is_list(given) or pa.types.is_large_list(given):
        kind, parts = "list", [given.value_type]
    else:
        return False
    return kind == t.kind and all(_compatible(p, c) for p, c in zip(parts, t.children, strict=True))


def _same_layout(a: pa.DataType, b: pa.DataType) -> bool:
    """Compare two Arrow types but for the names and nullability of list and map parts."""
    if a.num_fields != b.num_fields or a.id != b.id:
        return False
    if not a.num_fields:
        return bool(a == b)
    pairs = ((a.field(i), b.field(i)) for i in range(a.num_fields))
    named = pa.types.is_struct(a)
    return all((not named or x.name == y.name) and _same_layout(x.type, y.type) for x, y in pairs)


def _encode(array: pa.Array, t: DataType) -> pa.Array:
    if t.kind in {"plain", "text"}:
        return _cast(array, t.physical)
    if t.kind == "array":
        array = array.cast(pa.list_(t.children[0].wire))
    if t.kind == "struct":
        parts = [_encode(array.field(i), c) for i, c in enumerate(t.children)]
        return _struct(array, parts, t.physical)
    if t.kind == "map":
        key, value = t.children
        entries = [_encode(array.keys, key), _encode(array.items, value)]
        return _map(array, entries, t.physical)
    return _list(array, _encode(array.values, t.children[0]), t.physical)


def _decode(array: pa.Array, t: DataType) -> pa.Array:
    if t.kind in {"plain", "text"}:
        return _cast(array, t.wire)
    if t.kind == "struct":
        parts = [_decode(array.field(i), c) for i, c in enumerate(t.children)]
        return _struct(array, parts, t.wire)
    if t.kind == "map":
        key, value = t.children
        return _map(array, [_decode(array.keys, key), _decode(array.items, value)], t.wire)
    values = _decode(array.values, t.children[0])
    lists = _list(array, values, pa.list_(t.children[0].wire))
    return lists if t.kind == "list" else _fixed(lists, t)


def _cast(array: pa.Array, to: pa.DataType) -> pa.Array:
    """Change the type of plain values: by reinterpretation where the bits are the same."""
    if array.type == to:
        return array
    if _is_clock(array.type) or _is_clock(to):
        return array.view(to)
    return array.cast(to)


def _is_clock(t: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(t) or pa.types.is_time64(t))


def _list(array: pa.Array, values: pa.Array, to: pa.DataType) -> pa.Array:
    buffers = array.buffers()[:2]
    return pa.Array.from_buffers(
        to, len(array), buffers, array.null_count, array.offset, children=[values]
    )


def _map(array: pa.Array, parts: list[pa.Array], to: pa.DataType) -> pa.Array:
    entries = pa.StructArray.from_arrays(
        parts,
        fields=[pa.field("key", to.key_type, nullable=False), pa.field("value", to.item_type)],
    )
    return _list(array, entries, to)


def _struct(array: pa.Array, parts: list[pa.Array], to: pa.DataType) -> pa.Array:
    fields = [to.field(i) for i in range(to.num_fields)]
    mask = array.is_null() if array.null_count else None
    return pa.StructArray.from_arrays(parts, fields=fields, mask=mask)


def _fixed(lists: pa.Array, t: DataType) -> pa.Array:
    """Return lists of one length as arrays; a null list becomes a null array."""
    lengths = pc.list_value_length(lists)
    if not pc.all(pc.equal(lengths, t.size), min_count=0).as_py():
        raise CorruptError(f"a stored value of {t.text} has another length")
    values = lists.flatten()
    if not lists.null_count:
        return pa.FixedSizeListArray.from_arrays(values, type=t.wire)
    valid = np.asarray(lists.is_valid())
    slots = np.repeat(np.where(valid, np.cumsum(valid) - 1, 0) * t.size, t.size)
    slots += np.tile(np.arange(t.size), len(lists))
    indices = pa.array(slots, mask=np.repeat(~valid, t.size))
    return pa.FixedSizeListArray.from_arrays(
        values.take(indices), type=t.wire, mask=lists.is_null()
    )
