"""Data files: exact, self-consistent, and read part by part."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading

import pyarrow as pa
import pytest

from engine.errors import CorruptError, TypeMismatchError, UnsupportedError, UsageError
from engine.storage import DataFile, FileColumn, encode_file, orc, shard
from engine.storage.datafile import physical_names
from engine.storage.orc import STRIPE_ROWS
from tests.unit.storage.memory import BULKY, MemorySource, bulky, columns_of, stored, table_of

TYPES = {"id": "BIGINT", "name": "VARCHAR", "at": "TIMESTAMP", "big": "UBIGINT"}


def sample(rows: int) -> pa.Table:
    return table_of(
        TYPES,
        id=list(range(rows)),
        name=[f"n{i % 97}" if i % 5 else None for i in range(rows)],
        at=[-(2**62) + i for i in range(rows)],
        big=[2**64 - 1 - i for i in range(rows)],
    )


def whole(data: DataFile) -> pa.Table:
    names = [data.field_of(c.id) or "" for c in data.columns]
    return pa.Table.from_batches([data.read(i, names) for i in range(len(data.stripes))])


@pytest.mark.parametrize("inline", [True, False])
def test_a_file_holds_what_was_put_in(inline: bool) -> None:
    table = sample(1000)
    data, _, encoded = stored(table, TYPES, inline=inline)
    assert encoded.sha256 == hashlib.sha256(encoded.data).hexdigest()
    assert data.rows == encoded.rows == 1000
    assert whole(data).equals(table)
    assert encoded.codec == ("arrow" if inline else "orc")


@pytest.mark.parametrize("inline", [True, False])
def test_an_empty_table(inline: bool) -> None:
    data, _, encoded = stored(sample(0), TYPES, inline=inline)
    assert (data.rows, len(data.stripes), encoded.rows) == (0, 0, 0)


def test_stripes_have_the_rows_we_chose_and_ranges_tile_the_file() -> None:
    rows = 2 * STRIPE_ROWS + 7
    data, _, encoded = stored(bulky(2, 7), BULKY)
    assert [s.rows for s in data.stripes] == [STRIPE_ROWS, STRIPE_ROWS, 7]
    zone = data.stripes[1].zones["id"]
    assert (zone.low, zone.high, zone.nulls) == (STRIPE_ROWS, 2 * STRIPE_ROWS - 1, 0)
    end = 0
    for offset, length, digest in json.loads(encoded.sidecar)["ranges"]:
        assert offset == end
        end += length
        part = bytes(memoryview(encoded.data)[offset:end])
        assert hashlib.sha256(part).hexdigest() == digest
    assert end == len(encoded.data)
    assert data.read(2, ["id"])["id"].to_pylist() == list(range(rows - 7, rows))


def test_rows_that_shrink_to_nothing_share_a_stripe() -> None:
    types = {"id": "INTEGER"}
    rows = 3 * STRIPE_ROWS + 7
    table = table_of(types, id=list(range(rows)))
    data, _, _ = stored(table, types)
    assert sum(s.rows for s in data.stripes) == rows
    assert whole(data).equals(table)
    assert data.stripes[-1].zones["id"].high == rows - 1


def test_wide_rows_make_smaller_stripes() -> None:
    types = {"v": "VARCHAR"}
    data, _, _ = stored(table_of(types, v=["x" * 100_000] * 500), types)
    assert len(data.stripes) > 2
    assert sum(s.rows for s in data.stripes) == 500


def test_projection_keeps_the_order_asked_for() -> None:
    data, _, _ = stored(sample(10), TYPES)
    batch = data.read(0, ["big", "id"])
    assert batch.schema.names == ["big", "id"]
    assert batch["id"].to_pylist() == list(range(10))
    assert data.read(0, []).num_rows == 10


def test_names_an_orc_reader_would_misread_are_replaced() -> None:
    names = ["a", "a.b", "", "_rid", "select", "É", "A B", "x'\"`", "_cv", "_3"]
    types = dict.fromkeys(names, "INTEGER")
    table = table_of(types, **{n: [i] for i, n in enumerate(names)})
    assert physical_names(columns_of(types))[:5] == ["a", "_2", "_3", "_4", "select"]
    for inline in (True, False):
        data, _, _ = stored(table, types, inline=inline)
        got = [data.read(0, [data.field_of(i + 1) or ""]).column(0)[0].as_py() for i in range(10)]
        assert got == list(range(10))


def test_hidden_columns_ride_along() -> None:
    table = table_of({"a": "INTEGER"}, a=[1, 2])
    table = table.append_column("_rid", pa.array([7, None], pa.int64()))
    for inline in (True, False):
        encoded = encode_file(table, columns_of({"a": "INTEGER"}), inline=inline)
        sidecar = encoded.sidecar or None
        data = DataFile(MemorySource(encoded.data), encoded.sha256, sidecar, encoded.codec)
        assert data.type_of("_rid") is not None
        assert data.type_of("_cv") is None
        assert data.read(0, ["_rid", "a"]).to_pylist() == [
            {"_rid": 7, "a": 1},
            {"_rid": None, "a": 2},
        ]


def test_tables_of_another_shape_are_refused() -> None:
    column = [FileColumn(1, "a", "INTEGER")]
    with pytest.raises(UsageError):
        encode_file(pa.table({"a": [1], "b": [2]}), column, inline=False)
    with pytest.raises(UsageError):
        encode_file(pa.table({}), column, inline=False)
    with pytest.raises(TypeMismatchError):
        encode_file(pa.table({"a": ["x"]}), column, inline=True)


def test_what_orc_would_change_never_reaches_it() -> None:
    for array in (
        pa.array([1], pa.uint8()),
        pa.array([1], pa.timestamp("us")),
        pa.array([[1]], pa.list_(pa.int32(), 1)),
        pa.array([{"a": 1}], pa.struct([("a", pa.time64("us"))])),
    ):
        with pytest.raises(UnsupportedError):
            orc.write(pa.table({"x": array}))


def test_a_negative_scale_is_refused_instead_of_aborting_the_process() -> None:
    code = (
        "import pyarrow as pa\n"
        "from engine.errors import UnsupportedError\n"
        "from engine.storage import orc\n"
        "a = pa.array([5], pa.int64()).cast(pa.decimal128(20, 0)).cast(pa.decimal128(30, -2),"
        " safe=False)\n"
        "try:\n orc.write(pa.table({'x': pa.array([[None]], pa.list_(a.type))}))\n"
        "except UnsupportedError:\n print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "refused", done.stderr


def test_shards_are_even_and_lose_nothing() -> None:
    table = pa.table({"a": pa.array(range(1_000_000), pa.int32())})
    parts = shard(table)
    assert len(parts) == 2
    assert pa.concat_tables(parts).equals(table)
    assert parts[0].num_rows % STRIPE_ROWS == 0
    assert len(shard(table, 122_880)) == 9
    assert [p.num_rows for p in shard(table.slice(0, 0))] == [0]
    assert [p.num_rows for p in shard(table.slice(0, 1000))] == [1000]


def test_a_file_can_be_read_by_many_threads_at_once() -> None:
    table = bulky(3)
    data, _, _ = stored(table, BULKY)
    wrong: list[object] = []

    def read(stripe: int) -> None:
        part = data.read(stripe, ["id", "noise"])
        if not pa.Table.from_batches([part]).equals(table.slice(stripe * STRIPE_ROWS, STRIPE_ROWS)):
            wrong.append(stripe)

    threads = [threading.Thread(target=read, args=(i % 3,)) for i in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(v="grizzly-statistics/2"),
        lambda d: d.update(rows=d["rows"] + 1),
        lambda d: d.update(bytes=d["bytes"] + 1),
        lambda d: d["ranges"].pop(),
        lambda d: d["ranges"][0].__setitem__(0, 1),
        lambda d: d["stripes"][0]["zones"].pop(),
        lambda d: d["stripes"][0]["zones"][0].update(nulls=-1),
        lambda d: d["stripes"][0]["zones"][0].update(low=[]),
        lambda d: d["columns"][0].update(type="NOSUCH"),
        lambda d: d["columns"][0].update(field="name"),
        lambda d: d["columns"][0].pop("id"),
        lambda d: d.update(sha256="0" * 64),
        lambda d: d.clear(),
    ],
)
def test_statistics_that_contradict_themselves_are_refused(change: object) -> None:
    encoded = encode_file(sample(5), columns_of(TYPES), inline=False)
    data = json.loads(encoded.sidecar)
    change(data)
    with pytest.raises(CorruptError) as caught:
        DataFile(MemorySource(encoded.data), encoded.sha256, json.dumps(data).encode(), "orc")
    assert caught.value.subject == "objects/ab/cdef"


@pytest.mark.parametrize("junk", [b"", b"[]", b"null", b"{", b"\xff", b'{"v":1}'])
def test_statistics_that_are_no_such_thing_are_refused(junk: bytes) -> None:
    with pytest.raises(CorruptError):
        DataFile(MemorySource(b"ORC"), "0" * 64, junk, "orc")


def test_orc_without_statistics_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(UsageError):
        DataFile(MemorySource(b"ORC"), "0" * 64, None, "orc")
    with pytest.raises(UsageError):
        DataFile(MemorySource(b""), "0" * 64, b"", "parquet")
