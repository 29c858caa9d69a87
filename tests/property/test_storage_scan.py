"""The scan against a list of rows in memory, and changes against set arithmetic."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.storage import Compare, ScanFile, diff
from engine.storage.deletion import bitmap
from tests.unit.storage.memory import rows_of, scan_of, stored, table_of

TYPES = {"id": "INTEGER", "s": "VARCHAR"}
POSITIONS = st.none() | st.sets(st.integers(0, 11))
FILES = st.lists(
    st.tuples(st.integers(0, 12), st.booleans(), POSITIONS, POSITIONS), min_size=1, max_size=5
)


@settings(max_examples=60, deadline=None)
@given(FILES, st.none() | st.integers(0, 30), st.sampled_from([["id"], ["s", "_rid"], []]))
def test_scan_is_a_filter_over_the_live_rows(
    layout: list[tuple[int, bool, set[int] | None, set[int] | None]],
    below: int | None,
    columns: list[str],
) -> None:
    model: list[dict[str, object]] = []
    files = []
    for n, (rows, inline, deleted, keep) in enumerate(layout):
        ids = [n * 5 + i for i in range(rows)]
        table = table_of(TYPES, id=ids, s=[None if i % 3 else f"s{i}" for i in ids])
        data, _, _ = stored(table, TYPES, inline=inline)
        gone = {p for p in deleted or () if p < rows}
        kept = None if keep is None else bitmap(p for p in keep if p < rows)
        rid = (n + 1) << 32
        files.append(ScanFile(n, rid, rows, lambda d=data: d, bitmap(gone), kept))
        for position, row in enumerate(table.to_pylist()):
            if position not in gone and (keep is None or position in keep):
                model.append({**row, "_rid": rid + position})
    scan = scan_of(TYPES, files)
    assert scan.rows() == len(model)
    prune = [] if below is None else [Compare("id", "<", below)]
    exact = None if below is None else pc.field("id") < below
    expected = [row for row in model if below is None or row["id"] < below]
    if not columns:
        assert sum(b.num_rows for b in scan.batches([], prune, exact)) == len(expected)
        return
    assert rows_of(scan, columns, prune, exact) == [{c: r[c] for c in columns} for r in expected]


STATES = st.dictionaries(
    st.integers(1, 6), st.sets(st.integers(0, 4)), max_size=6
)  # first row id -> deleted positions of a file of five rows


@settings(max_examples=100, deadline=None)
@given(STATES, STATES)
def test_changes_lead_from_one_state_to_the_other(
    a: dict[int, set[int]], b: dict[int, set[int]]
) -> None:
    def files(state: dict[int, set[int]]) -> list[ScanFile]:
        return [ScanFile(rid, rid, 5, pa.null, bitmap(gone)) for rid, gone in state.items()]

    def live(state: dict[int, set[int]]) -> set[tuple[int, int]]:
        return {(rid, p) for rid, gone in state.items() for p in range(5) if p not in gone}

    found = diff(files(a), files(b))
    killed = {(f.rid, p) for f, dead, _ in found for p in dead}
    born = {(f.rid, p) for f, _, new in found for p in new}
    assert killed <= live(a)
    assert not born & live(a)
    assert (live(a) - killed) | born == live(b)
