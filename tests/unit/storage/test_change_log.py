"""What died and what was born, matched: by row id, else by key; moved rows in neither."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from engine.storage import ScanFile, diff, log, sides
from engine.storage.deletion import bitmap
from tests.unit.storage.memory import scan_file, scan_of, stored, table_of

TYPES = {"k": "INTEGER", "s": "VARCHAR"}


def file(rid: int, rows: dict[str, list[object]], **hidden: list[int | None]) -> ScanFile:
    table = table_of(TYPES, k=rows["k"], s=rows["s"])
    for name, values in hidden.items():
        table = table.append_column(name, pa.array(values, pa.int64()))
    return scan_file(stored(table, TYPES)[0], 0, version=rid)


def shown(
    *steps: tuple[list[ScanFile], list[ScanFile]], key: list[str], net: bool = False
) -> list[tuple[object, ...]]:
    both = sides([diff(a, b) for a, b in steps])
    names = list(TYPES)
    schema = pa.schema([scan_of(TYPES, []).schema.field(n) for n in names])

    def rows(side: object) -> pa.Table:
        batches = scan_of(TYPES, side.files).batches(names)  # type: ignore[attr-defined]
        table = pa.Table.from_batches(batches, schema=schema)
        return table.append_column("_version", pa.array(side.group + 1))  # type: ignore[attr-defined]

    out = log(both, rows(both.gone), rows(both.come), key, net=net)
    return [tuple(row.values()) for row in out.to_pylist()]


def without(f: ScanFile, *positions: int) -> ScanFile:
    return ScanFile(f.file_id, f.rid, f.rows, f.datafile, bitmap(positions))


OLD = file(1, {"k": [1, 2, 3], "s": ["a", "b", "c"]})


@pytest.mark.parametrize("key", [[], ["k"]])
def test_an_update_is_two_images_side_by_side(key: list[str]) -> None:
    new = file(2, {"k": [3, 1], "s": ["C", "A"]}, _rid=[OLD.rid + 2, OLD.rid])
    assert shown(([OLD], [without(OLD, 0, 2), new]), key=key) == [
        (1, "a", "update_preimage", 1),
        (1, "A", "update_postimage", 1),
        (3, "c", "update_preimage", 1),
        (3, "C", "update_postimage", 1),
    ]


def test_a_key_written_again_was_updated_and_a_row_of_another_key_was_not() -> None:
    new = file(2, {"k": [2, 9], "s": ["B", "a"]}, _rid=[None, OLD.rid])
    found = shown(([OLD], [without(OLD, 0, 1), new]), key=["k"])
    assert found == [
        (1, "a", "delete", 1),
        (2, "b", "update_preimage", 1),
        (2, "B", "update_postimage", 1),
        (9, "a", "insert", 1),
    ]
    assert [row[2] for row in shown(([OLD], [without(OLD, 0, 1), new]), key=[])] == [
        "update_preimage",
        "update_postimage",
        "delete",
        "insert",
    ]


def test_rows_that_moved_are_in_no_list_and_the_others_are() -> None:
    moved = file(
        5,
        {"k": [1, 2, 3, 4], "s": ["a", "b", "C", "d"]},
        _rid=[OLD.rid, OLD.rid + 1, OLD.rid + 2, None],
        _cv=[OLD.rid >> 32, OLD.rid >> 32, 5, None],
    )
    assert shown(([OLD], [moved]), key=["k"]) == [
        (3, "c", "update_preimage", 1),
        (3, "C", "update_postimage", 1),
        (4, "d", "insert", 1),
    ]


def test_net_leaves_out_what_is_as_it_was_and_full_does_not() -> None:
    again = file(2, {"k": [1, 3], "s": ["a", None]})
    step = ([OLD], [without(OLD, 0, 2), again])
    assert [row[0] for row in shown(step, key=["k"], net=True)] == [3, 3]
    assert [row[0] for row in shown(step, key=["k"])] == [1, 1, 3, 3]


def test_steps_are_matched_each_by_itself() -> None:
    second = file(2, {"k": [1], "s": ["A"]}, _rid=[OLD.rid])
    third = file(3, {"k": [1], "s": ["AA"]}, _rid=[OLD.rid])
    left = without(OLD, 0)
    found = shown(([OLD], [left, second]), ([left, second], [left, third]), key=["k"])
    assert found == [
        (1, "a", "update_preimage", 1),
        (1, "A", "update_postimage", 1),
        (1, "A", "update_preimage", 2),
        (1, "AA", "update_postimage", 2),
    ]


def test_nothing_changed() -> None:
    assert shown(([OLD], [OLD]), key=["k"]) == []
    assert shown(key=["k"]) == []
    assert sides([]).at.dtype == np.int64
