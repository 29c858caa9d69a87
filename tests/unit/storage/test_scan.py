"""The scan: exactly the live rows, in order, however they are stored."""

from __future__ import annotations

import threading

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from engine.errors import CorruptError, UsageError
from engine.storage import Compare, DataFile, In, IsNull, ScanColumn, TableScan, encode_file
from engine.storage.deletion import bitmap
from engine.storage.orc import STRIPE_ROWS
from tests.unit.storage.memory import (
    BULKY,
    MemorySource,
    bulky,
    columns_of,
    rows_of,
    scan_file,
    scan_of,
    stored,
    table_of,
)

TYPES = {"id": "INTEGER", "s": "VARCHAR"}


def part(start: int, rows: int, *, inline: bool = False) -> DataFile:
    ids = list(range(start, start + rows))
    table = table_of(TYPES, id=ids, s=[f"s{i}" for i in ids])
    return stored(table, TYPES, inline=inline)[0]


def ids(scan: TableScan, *more: object) -> list[object]:
    return [row["id"] for row in rows_of(scan, ["id"], *more)]


def test_rows_come_by_file_then_position_with_hidden_columns() -> None:
    files = [
        scan_file(part(0, 3), 0),
        scan_file(part(3, 2, inline=True), 7, version=9, deleted=bitmap([0])),
    ]
    scan = scan_of(TYPES, files)
    assert scan.rows() == 4
    assert scan.schema.names == ["id", "s", "_file", "_pos", "_rid", "_cv"]
    assert rows_of(scan, ["_cv", "id", "_file", "_pos", "_rid"]) == [
        {"_cv": 1, "id": 0, "_file": 0, "_pos": 0, "_rid": 1 << 32},
        {"_cv": 1, "id": 1, "_file": 0, "_pos": 1, "_rid": (1 << 32) + 1},
        {"_cv": 1, "id": 2, "_file": 0, "_pos": 2, "_rid": (1 << 32) + 2},
        {"_cv": 9, "id": 4, "_file": 7, "_pos": 1, "_rid": (9 << 32) + 1},
    ]


def test_stored_row_ids_win_and_missing_ones_are_filled() -> None:
    table = table_of({"id": "INTEGER"}, id=[5, 6])
    table = table.append_column("_rid", pa.array([77, None], pa.int64()))
    table = table.append_column("_cv", pa.array([None, 3], pa.int64()))
    encoded = encode_file(table, columns_of({"id": "INTEGER"}), inline=False)
    data = DataFile(MemorySource(encoded.data), encoded.sha256, encoded.sidecar, "orc")
    scan = scan_of({"id": "INTEGER"}, [scan_file(data, 0, version=8)])
    assert rows_of(scan, ["_rid", "_cv"]) == [
        {"_rid": 77, "_cv": 8},
        {"_rid": (8 << 32) + 1, "_cv": 3},
    ]


def test_a_column_is_found_by_id_whatever_its_name() -> None:
    data = part(0, 2)
    scan = TableScan(
        [
            ScanColumn(2, "renamed", "VARCHAR"),
            ScanColumn(10, "id", "INTEGER[]"),
            ScanColumn(11, "tags", "VARCHAR[]", ["a"]),
            ScanColumn(12, "n", "INTEGER", pa.scalar(7, pa.int64())),
        ],
        [scan_file(data, 0)],
    )
    assert rows_of(scan, ["renamed", "id", "tags", "n"]) == [
        {"renamed": "s0", "id": None, "tags": ["a"], "n": 7},
        {"renamed": "s1", "id": None, "tags": ["a"], "n": 7},
    ]
    assert scan.prunes(Compare("n", "=", 8))
    assert not scan.prunes(Compare("n", "=", 7))
    assert scan.prunes(Compare("id", "=", 0))
    assert not scan.prunes(IsNull("id"))


def test_a_widened_column_reads_old_files() -> None:
    scan = TableScan([ScanColumn(1, "id", "BIGINT")], [scan_file(part(0, 2), 0)])
    batch = next(scan.batches(["id"]))
    assert (batch.schema.field("id").type, batch["id"].to_pylist()) == (pa.int64(), [0, 1])
    narrow = TableScan([ScanColumn(2, "s", "INTEGER")], [scan_file(part(0, 2), 0)])
    with pytest.raises(CorruptError):
        list(narrow.batches(["s"]))


def test_no_columns_still_count() -> None:
    data, _, _ = stored(bulky(1, 5), BULKY)
    scan = scan_of(BULKY, [scan_file(data, 0, deleted=bitmap([1, STRIPE_ROWS + 1]))])
    assert sum(b.num_rows for b in scan.batches([])) == scan.rows() == STRIPE_ROWS + 3
    some = scan.batches([], [Compare("id", "<", 10)], pc.field("id") < 10)
    assert sum(b.num_rows for b in some) == 9
    assert all(b.num_columns == 0 for b in scan.batches([]))


def test_pruning_reads_only_stripes_that_may_match() -> None:
    data, source, _ = stored(bulky(3), BULKY)
    scan = scan_of(BULKY, [scan_file(data, 0)])
    wanted = 2 * STRIPE_ROWS + 5
    assert scan.prunes(Compare("id", "=", wanted))
    assert not scan.prunes(Compare("noise", ">", 5000))
    got = rows_of(scan, ["id"], [Compare("id", "=", wanted)], pc.field("id") == wanted)
    assert got == [{"id": wanted}]
    first = [offset for offset, _ in source.reads if offset < data._ranges[2].offset]
    assert first == []
    assert ids(scan, [Compare("id", "<", 0)], pc.field("id") < 0) == []
    assert scan.prunes(Compare("_rid", "=", 5))
    assert ids(scan, [Compare("_pos", "=", 7)], pc.field("_pos") == 7) == [7]


def test_a_filter_may_mention_columns_nobody_asked_for() -> None:
    scan = scan_of(TYPES, [scan_file(part(0, 10), 0)])
    assert rows_of(scan, ["id"], [], pc.field("s") == "s4") == [{"id": 4}]
    assert rows_of(scan, ["s"], [In("id", (4, 5))], pc.field("_pos") == 5) == [{"s": "s5"}]
    assert ids(scan, [], pc.field("id") > 100) == []


def test_keep_reads_only_those_positions_and_their_stripes() -> None:
    data, source, _ = stored(bulky(3), BULKY)
    file = scan_file(data, 0, keep=bitmap([STRIPE_ROWS + 1, 2]), deleted=bitmap([2]))
    scan = scan_of(BULKY, [file])
    assert scan.rows() == 1
    assert rows_of(scan, ["id", "_pos"]) == [{"id": STRIPE_ROWS + 1, "_pos": STRIPE_ROWS + 1}]
    assert all(offset >= data._ranges[1].offset for offset, _ in source.reads)


def test_many_small_files_make_few_batches() -> None:
    files = [scan_file(part(i * 3, 3, inline=i % 2 == 0), i) for i in range(60)]
    batches = list(scan_of(TYPES, files).batches(["id", "_file"]))
    assert len(batches) == 1
    assert batches[0]["id"].to_pylist() == list(range(180))
    assert batches[0]["_file"].to_pylist() == [i // 3 for i in range(180)]


def test_batches_are_never_larger_than_duckdbs_row_groups() -> None:
    big = table_of({"id": "INTEGER"}, id=list(range(300_000)))
    data, _, _ = stored(big, {"id": "INTEGER"}, inline=True)
    sizes = [b.num_rows for b in scan_of({"id": "INTEGER"}, [scan_file(data, 0)]).batches(["id"])]
    assert sizes == [122_880, 122_880, 54_240]


def test_dead_files_are_never_opened() -> None:
    data = part(0, 4)

    def never() -> DataFile:
        raise AssertionError

    dead = scan_file(data, 0, deleted=bitmap(range(4)))
    dead = type(dead)(dead.file_id, dead.rid, dead.rows, never, dead.deleted)
    assert ids(scan_of(TYPES, [dead, scan_file(part(4, 1), 1)])) == [4]


def big_scan() -> TableScan:
    return scan_of(BULKY, [scan_file(stored(bulky(8), BULKY)[0], 0)])


def test_order_holds_across_threads() -> None:
    batches = list(big_scan().batches(["id"]))
    got = np.concatenate([b["id"].to_numpy() for b in batches])
    assert np.array_equal(got, np.arange(8 * STRIPE_ROWS))


def test_an_abandoned_scan_leaves_no_thread() -> None:
    before = threading.active_count()
    stream = big_scan().batches(["id"])
    next(stream)
    assert threading.active_count() > before
    stream.close()
    assert threading.active_count() == before
    stream = big_scan().batches(["id"])
    next(stream)
    del stream
    assert threading.active_count() == before


def test_an_error_in_a_thread_reaches_the_reader_and_ends_the_threads() -> None:
    data, source, _ = stored(bulky(8), BULKY)
    damaged = bytearray(source.data)
    damaged[data._ranges[5].offset + 100] ^= 1
    source.replace(bytes(damaged))
    scan = scan_of(BULKY, [scan_file(data, 0)])
    before = threading.active_count()
    seen: list[int] = []
    with pytest.raises(CorruptError) as caught:
        seen.extend(batch.num_rows for batch in scan.batches(["id"]))
    assert caught.value.subject == source.name
    assert sum(seen) <= 5 * STRIPE_ROWS
    assert threading.active_count() == before


def test_mistakes_of_the_caller() -> None:
    with pytest.raises(UsageError):
        TableScan([ScanColumn(1, "_rid", "INTEGER")], [])
    with pytest.raises(UsageError):
        TableScan([ScanColumn(1, "a", "INTEGER"), ScanColumn(2, "a", "INTEGER")], [])
    with pytest.raises(UsageError):
        next(scan_of(TYPES, []).batches(["nosuch"]))
    data = part(0, 4)
    wrong = scan_file(data, 0)
    wrong = type(wrong)(0, wrong.rid, 5, lambda: data)
    with pytest.raises(CorruptError):
        list(scan_of(TYPES, [wrong]).batches(["id"]))
    assert list(scan_of(TYPES, []).batches(["id"])) == []
