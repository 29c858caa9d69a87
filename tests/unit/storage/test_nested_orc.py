"""Nested values through ORC, laid out in memory in every way Arrow allows."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from engine.storage import read_orc, write_orc
from engine.storage.orc import OrcReader, settled, write

PLAIN = [pa.int64(), pa.string(), pa.decimal128(20, 0), pa.float64(), pa.bool_(), pa.binary()]


def random_type(dice: random.Random, depth: int) -> pa.DataType:
    kind = dice.random() if depth else 0.0
    if kind < 0.25:
        return dice.choice(PLAIN)
    if kind < 0.6:
        width = dice.randint(1, 2)
        return pa.struct([(f"f{i}", random_type(dice, depth - 1)) for i in range(width)])
    if kind < 0.8:
        return pa.list_(random_type(dice, depth - 1))
    return pa.map_(pa.string(), random_type(dice, depth - 1))


def random_array(dice: random.Random, t: pa.DataType, n: int, *, nulls: bool = True) -> pa.Array:
    """Return values with anything at all below the nulls."""
    share = 0.3 if nulls and dice.random() < 0.6 else 0.0
    valid = pa.array([dice.random() >= share for _ in range(n)], pa.bool_())
    if pa.types.is_struct(t):
        fields = [t.field(i) for i in range(t.num_fields)]
        parts = [random_array(dice, f.type, n) for f in fields]
        return pa.StructArray.from_arrays(parts, fields=fields, mask=pc.invert(valid))
    if not pa.types.is_nested(t):
        return pc.if_else(valid, random_plain(dice, t, n), pa.scalar(None, t))
    offsets = np.concatenate([[0], np.cumsum([dice.randint(0, 2) for _ in range(n)])])
    total = int(offsets[-1])
    if pa.types.is_map(t):
        names = [pa.field("key", t.key_type, nullable=False), pa.field("value", t.item_type)]
        parts = [
            random_array(dice, t.key_type, total, nulls=False),
            random_array(dice, t.item_type, total),
        ]
        values = pa.StructArray.from_arrays(parts, fields=names)
    else:
        values = random_array(dice, t.value_type, total)
    buffers = [valid.buffers()[1], pa.py_buffer(offsets.astype(np.int32))]
    return pa.Array.from_buffers(t, n, buffers, -1, 0, children=[values])


def random_plain(dice: random.Random, t: pa.DataType, n: int) -> pa.Array:
    makers = {
        pa.int64(): lambda: dice.randint(-99, 99),
        pa.string(): lambda: dice.choice(["", "a", "bc"]),
        pa.decimal128(20, 0): lambda: dice.randint(0, 99),
        pa.float64(): dice.random,
        pa.bool_(): lambda: dice.random() < 0.5,
        pa.binary(): lambda: b"x",
    }
    return pa.array([makers[t]() for _ in range(n)], t)


def cases(count: int) -> list[pa.Array]:
    dice = random.Random(5)
    out = []
    for _ in range(count):
        array = random_array(dice, random_type(dice, 3), dice.randint(1, 20))
        array.validate(full=True)
        out.append(array.slice(dice.randint(0, len(array) - 1)) if dice.random() < 0.5 else array)
    return out


def test_every_layout_is_written_as_its_values() -> None:
    for array in cases(300):
        half = len(array) // 2
        chunks = pa.chunked_array([array.slice(0, half), array.slice(half)], type=array.type)
        data, _ = write(pa.table({"x": chunks}))
        (back,) = OrcReader(pa.BufferReader(data)).read(0, ["x"])
        assert back.to_pylist() == array.to_pylist(), array.type


def test_the_foreign_writer_takes_every_layout_too(tmp_path: object) -> None:
    path = f"{tmp_path}/x.orc"
    for array in cases(60):
        write_orc(pa.table({"x": array}), path)
        assert read_orc(path)["x"].to_pylist() == array.to_pylist(), array.type


@pytest.mark.parametrize("rows", [0, 1, 9])
def test_settling_changes_no_value(rows: int) -> None:
    dice = random.Random(rows)
    for _ in range(50):
        array = random_array(dice, random_type(dice, 3), rows)
        same = settled(array)
        same.validate(full=True)
        assert same.type == array.type
        assert same.to_pylist() == array.to_pylist()
