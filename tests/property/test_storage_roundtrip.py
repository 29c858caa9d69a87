"""Whatever a type allows comes back from a file exactly as it went in."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datatypes import DataType, parse_type
from engine.storage import DataFile, FileColumn, deletion, encode_file
from engine.storage.zonemap import from_json, to_json, zone_of
from tests.unit.storage.memory import MemorySource

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def integers(bits: int, *, signed: bool = True) -> SearchStrategy[int]:
    if signed:
        return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return st.integers(0, 2**bits - 1)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.just("a\0b")
SCALARS: dict[str, SearchStrategy[object]] = {
    "BOOLEAN": st.booleans(),
    "TINYINT": integers(8),
    "SMALLINT": integers(16),
    "INTEGER": integers(32),
    "BIGINT": integers(64),
    "UTINYINT": integers(8, signed=False),
    "USMALLINT": integers(16, signed=False),
    "UINTEGER": integers(32, signed=False),
    "UBIGINT": integers(64, signed=False),
    "FLOAT": st.floats(width=32),
    "DOUBLE": st.floats(),
    "DECIMAL(38,10)": st.integers(-(10**38) + 1, 10**38 - 1).map(lambda n: scaled(n, 10)),
    "DECIMAL(3,0)": st.integers(-999, 999).map(Decimal),
    "VARCHAR": TEXT,
    "BLOB": st.binary(max_size=8),
    "DATE": integers(32),
    "TIME": st.integers(0, 86_400_000_000),
    "TIME_NS": st.integers(0, 86_400_000_000_000),
    "TIMESTAMP": integers(64),
    "TIMESTAMP_S": integers(64),
    "TIMESTAMP_MS": integers(64),
    "TIMESTAMP_NS": integers(64),
    "TIMESTAMP WITH TIME ZONE": integers(64),
    "UUID": st.uuids().map(str),
    "HUGEINT": integers(128).map(str),
}


def scaled(number: int, scale: int) -> Decimal:
    sign, digits, _ = Decimal(number).as_tuple()
    return Decimal((sign, digits, -scale))


def arrays(text: str, rows: list[object]) -> pa.Array:
    """Return wire values; dates and times are given as their integers, at any depth."""
    t = parse_type(text)
    integral = _integral(t)
    return _retyped(pa.array(rows, integral), t.wire)


def _integral(t: DataType) -> pa.DataType:
    if t.kind == "list":
        return pa.list_(_integral(t.children[0]))
    if t.kind == "array":
        return pa.list_(_integral(t.children[0]), t.size)
    if t.kind == "map":
        return pa.map_(*map(_integral, t.children))
    if t.kind == "struct":
        pairs = zip(t.names, t.children, strict=True)
        return pa.struct([(name, _integral(child)) for name, child in pairs])
    if pa.types.is_temporal(t.wire):
        return pa.int32() if t.text == "DATE" else pa.int64()
    return t.wire


def _retyped(array: pa.Array, to: pa.DataType) -> pa.Array:
    if pa.types.is_struct(to):
        fields = [to.field(i) for i in range(to.num_fields)]
        children = [_retyped(array.field(i), f.type) for i, f in enumerate(fields)]
        return pa.StructArray.from_arrays(children, fields=fields, mask=array.is_null())
    return pa.Array.from_buffers(
        to,
        len(array),
        array.buffers()[: pa.array([], to).type.num_buffers],
        array.null_count,
        array.offset,
        children=[_retyped(*pair) for pair in _parts(array, to)],
    )


def _parts(array: pa.Array, to: pa.DataType) -> list[tuple[pa.Array, pa.DataType]]:
    if pa.types.is_map(to):
        entries = pa.StructArray.from_arrays(
            [array.keys, array.items],
            fields=[pa.field("key", array.type.key_type, nullable=False), array.type.item_field],
        )
        fields = [pa.field("key", to.key_type, nullable=False), pa.field("value", to.item_type)]
        return [(entries, pa.struct(fields))]
    if pa.types.is_nested(to):
        return [(array.values, to.value_type)]
    return []


def nested(inner: SearchStrategy[tuple[str, SearchStrategy[object]]]) -> SearchStrategy[object]:
    def wrap(pair: tuple[str, SearchStrategy[object]], shape: str) -> tuple[str, object]:
        text, values = pair
        item = st.none() | values
        if shape == "list":
            return f"{text}[]", st.lists(item, max_size=3)
        if shape == "array":
            return f"{text}[2]", st.lists(item, min_size=2, max_size=2)
        if shape == "struct":
            return f'STRUCT(a {text}, "b c" INTEGER)', st.fixed_dictionaries(
                {"a": item, "b c": st.none() | integers(32)}
            )
        entries = st.dictionaries(TEXT, item, max_size=3).map(lambda d: list(d.items()))
        return f"MAP(VARCHAR, {text})", entries

    return st.builds(wrap, inner, st.sampled_from(["list", "array", "struct", "map"]))


TYPES = st.recursive(st.sampled_from(sorted(SCALARS.items())), nested, max_leaves=4)


@st.composite
def columns(draw: st.DrawFn) -> tuple[str, pa.Array]:
    text, values = draw(TYPES)
    rows = draw(st.lists(st.none() | values, max_size=12))
    array = arrays(text, rows)
    start = draw(st.integers(0, len(rows)))
    return text, array.slice(start, draw(st.integers(0, len(rows) - start)))


def same(a: pa.Array, b: pa.Array, t: DataType) -> bool:
    """Compare values, NaN being itself and -0.0 another than 0.0."""
    shown = [repr(_retyped(x, _integral(t)).to_pylist()) for x in (a, b)]
    return a.type.equals(t.wire, check_metadata=True) and shown[0] == shown[1]


@settings(max_examples=100, deadline=None)
@given(columns(), st.booleans(), st.integers(0, 12))
def test_files_keep_every_value(column: tuple[str, pa.Array], inline: bool, cut: int) -> None:
    text, array = column
    chunks = pa.chunked_array([array.slice(0, cut), array.slice(cut)], type=array.type)
    encoded = encode_file(pa.table({"x": chunks}), [FileColumn(1, "x", text)], inline=inline)
    data = DataFile(
        MemorySource(encoded.data), encoded.sha256, encoded.sidecar or None, encoded.codec
    )
    back = [data.read(i, ["x"])["x"] for i in range(len(data.stripes))]
    got = pa.concat_arrays(back) if back else array.slice(0, 0)
    assert same(got, pa.concat_arrays([array]), parse_type(text))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(SCALARS)), st.data())
def test_zones_bound_every_value_and_survive_json(text: str, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.none() | SCALARS[text], min_size=1, max_size=8))
    t = parse_type(text)
    zone = zone_of(arrays(text, rows), t)
    assert from_json(to_json(zone), len(rows), t) == zone
    assert zone.nulls == rows.count(None)
    known = [v for v in rows if v is not None and v == v]  # noqa: PLR0124 (NaN is not itself)
    assert zone.nan == (len(known) + zone.nulls < len(rows))
    assert zone.values == bool(known)
    for value in known:
        assert zone.low is None or zone.low <= value
        assert zone.high is None or value <= zone.high
        assert zone.low is not None


@settings(max_examples=100, deadline=None)
@given(
    st.sets(st.integers(0, 2**32 - 1)) | st.sets(st.integers(0, 300)),
    st.sets(st.integers(0, 300)),
    st.integers(0, 300),
)
def test_deletion_vectors_are_sets(a: set[int], b: set[int], start: int) -> None:
    x, y = deletion.bitmap(a), deletion.bitmap(b)
    assert deletion.deserialize(deletion.serialize(x)) == x
    assert set(deletion.union(x, y)) == a | b
    assert set(deletion.minus(x, y)) == a - b
    assert set(np.flatnonzero(deletion.mask(x, 100, start)) + start) == {
        v for v in a if start <= v < start + 100
    }
