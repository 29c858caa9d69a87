"""Which rows died and were born between two states; and merges that change nothing."""

from __future__ import annotations

from engine.storage import DataFile, ScanFile, choose, diff, encode_file, merge
from engine.storage.compact import TARGET_ROWS
from engine.storage.deletion import bitmap
from tests.unit.storage.memory import (
    MemorySource,
    columns_of,
    rows_of,
    scan_file,
    scan_of,
    stored,
    table_of,
)

TYPES = {"id": "INTEGER", "s": "VARCHAR"}


def entry(rid: int, rows: int, deleted: list[int] | None = None) -> ScanFile:
    def closed() -> DataFile:
        raise AssertionError

    return ScanFile(rid, rid << 32, rows, closed, None if deleted is None else bitmap(deleted))


def told(found: list[tuple[ScanFile, object, object]]) -> list[tuple[int, list[int], list[int]]]:
    return [(f.rid >> 32, list(killed), list(born)) for f, killed, born in found]


def test_diff_of_deletions_insertions_and_restores() -> None:
    a = [entry(1, 4), entry(2, 3, [0]), entry(3, 2, [0, 1]), entry(4, 2), entry(5, 2, [1])]
    b = [entry(6, 2, [1]), entry(5, 2, [1]), entry(4, 2, [1]), entry(3, 2), entry(1, 4)]
    assert told(diff(a, b)) == [
        (2, [1, 2], []),
        (3, [], [0, 1]),
        (4, [1], []),
        (6, [], [0]),
    ]
    assert told(diff(a, a)) == []
    assert told(diff([], [entry(1, 2)])) == [(1, [], [0, 1])]
    assert told(diff([entry(1, 2, [0])], [entry(1, 2, [1])])) == [(1, [1], [0])]


def test_merge_keeps_values_ids_and_versions() -> None:
    files = []
    for i in range(5):
        table = table_of(TYPES, id=[2 * i, 2 * i + 1], s=[None, f"s{i}"])
        data = stored(table, TYPES, inline=i % 2 == 0)[0]
        files.append(scan_file(data, i, deleted=bitmap([0]) if i == 3 else None))
    scan = scan_of(TYPES, files)
    everything = ["id", "s", "_rid", "_cv"]
    encoded = encode_file(merge(scan), columns_of(TYPES), inline=False)
    data = DataFile(MemorySource(encoded.data), encoded.sha256, encoded.sidecar, "orc")
    merged = scan_of(TYPES, [scan_file(data, 0, version=99)])
    assert rows_of(merged, everything) == rows_of(scan, everything)
    assert merged.rows() == 9
    again = scan_of(TYPES, [scan_file(data, 0, version=100), scan_file(stored(table, TYPES)[0], 1)])
    assert [r["_cv"] for r in rows_of(again, ["_cv"])] == [1, 1, 2, 2, 3, 3, 4, 5, 5, 2, 2]


def test_merge_of_nothing_has_the_right_shape() -> None:
    table = merge(scan_of(TYPES, []))
    assert (table.num_rows, table.column_names) == (0, ["id", "s", "_rid", "_cv"])


def test_few_files_are_left_alone() -> None:
    assert choose([]) == []
    assert choose([entry(i, 1) for i in range(1, 8)]) == []
    assert choose([entry(1, 1000), entry(2, 10), entry(3, 100_000)]) == []


def test_eight_of_a_size_are_merged_in_order() -> None:
    files = [entry(1, 500_000), *[entry(i, 1 + i % 3) for i in range(2, 12)], entry(20, 100)]
    (group,) = choose(files)
    assert group == files[1:11]


def test_wasteful_files_are_rewritten_and_full_ones_are_not() -> None:
    full = entry(1, TARGET_ROWS)
    assert choose([full]) == []
    wasteful = entry(2, 100, list(range(30)))
    assert choose([full, wasteful]) == [[wasteful]]
    assert choose([entry(3, 100, list(range(10)))]) == []
    empty = entry(4, 10, list(range(10)))
    assert choose([empty]) == [[empty]]


def test_groups_stay_below_the_target() -> None:
    files = [entry(i, TARGET_ROWS // 3) for i in range(1, 17)]
    groups = choose(files)
    assert [f for g in groups for f in g] == files
    assert all(sum(f.live for f in g) <= TARGET_ROWS for g in groups)


def test_repeated_compaction_moves_each_row_a_few_times() -> None:
    files: list[ScanFile] = []
    moved = 0
    for i in range(1, 4097):
        files.append(entry(i, 1))
        for group in choose(files):
            live = sum(f.live for f in group)
            moved += live
            kept = [f for f in files if f not in group]
            files = [*kept, entry(10_000 + i, live)]
    assert len(files) < 40
    assert moved < 4096 * 6
