"""Types that hold every value of another, and values on their way from the one to the other.

Layer: ``engine.datatypes``. Invariant: what ``widened`` allows, ``adapt`` can do to any value, exactly,
and no two values become one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from engine.datatypes.shape import Shape, shape_of, struct_shape
from engine.errors import CorruptError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.datatypes.types import DataType

_SIGNED: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_UNSIGNED: Final = ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
_DIGITS: Final = {
    **dict(zip(_SIGNED, (3, 5, 10, 19), strict=False)),
    **dict(zip(_UNSIGNED, (3, 5, 10, 20), strict=False)),
}
"""How many decimal digits the values of an integer type can have."""


def _wider() -> dict[str, frozenset[str]]:
    out: dict[str, set[str]] = {t: set() for t in (*_SIGNED, *_UNSIGNED)}
    for n, (signed, unsigned) in enumerate(zip(_SIGNED, _UNSIGNED, strict=True)):
        out[signed] |= set(_SIGNED[n + 1 :])
        out[unsigned] |= {*_UNSIGNED[n + 1 :], *_SIGNED[n + 1 :]}
    for text in (*_SIGNED[:2], *_UNSIGNED[:2]):
        out[text] |= {"FLOAT", "DOUBLE"}
    for text in (_SIGNED[2], _UNSIGNED[2]):
        out[text].add("DOUBLE")
    out |= {
        "FLOAT": {"DOUBLE"},
        "DATE": {"TIMESTAMP"},
        "TIME": {"TIME_NS"},
        "UUID": {"VARCHAR"},
        "JSON": {"VARCHAR"},
    }
    return {text: frozenset(wide) for text, wide in out.items()}


_WIDER: Final = _wider()
_DAY_US: Final = 86_400_000_000
_INFINITE_DAY: Final = 2**31 - 1
_INFINITE_US: Final = 2**63 - 1


def widened(old: Shape, new: DataType, ids: Iterator[int]) -> Shape:
    """Return ``new`` with the ids of ``old``; fields that ``new`` adds to a struct take fresh ``ids``.

    Raises: UnsupportedError when a value of the old type might not be one of the new.
    """
    if old.type.text == new.text:
        return old
    if not new.is_nested and not old.type.is_nested and _holds(old.type, new):
        return shape_of(new)
    same = old.type.kind == new.kind or (old.type.kind == "array" and new.kind == "list")
    if not same or not new.is_nested or old.type.size not in (new.size, old.type.size):
        raise _narrower(old.type, new)
    if new.kind == "struct":
        return _widened_struct(old, new, ids)
    if new.kind == "array" and new.size != old.type.size:
        raise _narrower(old.type, new)
    pairs = zip(old.children, new.children, strict=True)
    return Shape(new, (), tuple(widened(child, wide, ids) for child, wide in pairs))


def unified(ours: Shape, theirs: Shape) -> Shape:
    """Return ``ours``, each part of the widest type that it has in either; fields go by their ids.

    Raises: UnsupportedError when a part has two types of which neither holds the values of both.
    """
    one, two = ours.type, theirs.type
    if not one.is_nested and not two.is_nested:
        if one.text == two.text or _holds(two, one):
            return ours
        if _holds(one, two):
            return theirs
        raise _narrower(two, one)
    if one.kind == two.kind == "struct":
        there = dict(zip(theirs.ids, theirs.children, strict=True))
        fields = zip(ours.ids, ours.children, strict=True)
        return ours.with_children([unified(c, there.get(own, c)) for own, c in fields])
    if one.kind != two.kind and {one.kind, two.kind} != {"array", "list"}:
        raise _narrower(two, one)
    wider = theirs if two.kind == "list" else ours
    pairs = zip(ours.children, theirs.children, strict=True)
    return wider.with_children([unified(c, other) for c, other in pairs])


def adapt(array: pa.Array, old: Shape, new: Shape) -> pa.Array:
    """Return wire values of one shape as values of a wider one; fields are matched by their ids.

    Shape: fields that ``old`` lacks are null.
    Raises: CorruptError for a value that the new type does not have.
    """
    if old == new:
        return array
    try:
        return _adapt(array, old, new)
    except pa.ArrowException as error:
        raise CorruptError(
            f"a stored value of {old.type.text} does not fit {new.type.text}: {error}"
        ) from error


def _holds(old: DataType, new: DataType) -> bool:
    if new.text in _WIDER.get(old.text, ()):
        return True
    if pa.types.is_decimal(new.wire):
        whole = new.wire.precision - new.wire.scale
        if old.text in _DIGITS:
            return bool(whole >= _DIGITS[old.text])
        if pa.types.is_decimal(old.wire):
            less = old.wire.precision - old.wire.scale
            return bool(whole >= less and new.wire.scale >= old.wire.scale)
        return False
    if old.text.startswith("ENUM("):
        return new.text == "VARCHAR" or (
            new.text.startswith("ENUM(") and enum_values(old) <= enum_values(new)
        )
    return False


def enum_values(t: DataType) -> frozenset[str]:
    """Return the values of an ENUM, as its text quotes them."""
    inner, values, start = t.text[len("ENUM(") : -1], [], 0
    quoted = False
    for at, letter in enumerate(inner):
        quoted ^= letter == "'"
        if letter == "," and not quoted:
            values.append(inner[start:at].strip())
            start = at + 1
    return frozenset([*values, inner[start:].strip()])


def _widened_struct(old: Shape, new: DataType, ids: Iterator[int]) -> Shape:
    there = {name.lower() for name in new.names}
    gone = [name for name in old.type.names if name.lower() not in there]
    if gone:
        raise UnsupportedError(
            f"{new.text} lacks the field '{gone[0]}'",
            hint=f"ALTER TABLE … DROP COLUMN column.{gone[0]} drops a field",
        )
    own, children = [], []
    for name, wide in zip(new.names, new.children, strict=True):
        at = old.place(name)
        own.append(next(ids) if at is None else old.ids[at])
        children.append(
            shape_of(wide, _fresh(wide, ids))
            if at is None
            else widened(old.children[at], wide, ids)
        )
    return struct_shape(new.names, own, children)


def _fresh(t: DataType, ids: Iterator[int]) -> list[int]:
    return [next(ids) for _ in shape_of(t).parts()]


def _narrower(old: DataType, new: DataType) -> UnsupportedError:
    return UnsupportedError(
        f"not every value of {old.text} is a value of {new.text}",
        hint=f"ALTER COLUMN … TYPE {new.text} USING expression computes each value anew; or add a "
        "column, UPDATE it, and drop this one",
    )


def _adapt(array: pa.Array, old: Shape, new: Shape) -> pa.Array:
    if old == new:
        return array
    if new.type.kind == "struct":
        return _adapt_struct(array, old, new)
    if new.type.kind == "map":
        keys = _adapt(array.keys, old.children[0], new.children[0])
        items = _adapt(array.items, old.children[1], new.children[1])
        names = [
            pa.field("key", keys.type, nullable=False),
            pa.field("value", items.type),
        ]
        entries = pa.StructArray.from_arrays([keys, items], fields=names)
        return _rebuilt(array, new.type.wire, entries)
    if new.type.kind in {"list", "array"}:
        if old.type.kind == "array":
            array = array.cast(pa.list_(old.children[0].type.wire))
        values = _adapt(array.values, old.children[0], new.children[0])
        lists = _rebuilt(array, pa.list_(new.children[0].type.wire), values)
        return lists.cast(new.type.wire)
    return _adapt_plain(array, new.type.wire)


def _adapt_struct(array: pa.Array, old: Shape, new: Shape) -> pa.Array:
    by_id = {part: n for n, part in enumerate(old.ids)}
    parts = []
    for part, child in zip(new.ids, new.children, strict=True):
        at = by_id.get(part)
        parts.append(
            pa.nulls(len(array), child.type.wire)
            if at is None
            else _adapt(array.field(at), old.children[at], child)
        )
    fields = [new.type.wire.field(n) for n in range(new.type.wire.num_fields)]
    mask = array.is_null() if array.null_count else None
    return pa.StructArray.from_arrays(parts, fields=fields, mask=mask)


def _rebuilt(array: pa.Array, to: pa.DataType, values: pa.Array) -> pa.Array:
    """Return a list or map array with other values below the same offsets."""
    own, nulls = array.buffers()[:2], array.null_count
    return pa.Array.from_buffers(to, len(array), own, nulls, array.offset, children=[values])


def _adapt_plain(array: pa.Array, to: pa.DataType) -> pa.Array:
    if not pa.types.is_date32(array.type):
        return array.cast(to)
    days = array.view(pa.int32()).cast(pa.int64())
    endless = pc.equal(pc.abs(days), _INFINITE_DAY)
    moments = pc.multiply_checked(pc.if_else(endless, 0, days), _DAY_US)
    ends = pc.multiply(pc.sign(days), pa.scalar(_INFINITE_US, pa.int64()))
    return pc.if_else(endless, ends, moments).view(to)
