"""What a transaction has read: never less than it saw."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from engine.execute import Reads
from engine.execute.reads import KEPT


def test_a_condition_is_kept_once_and_all_rows_end_it() -> None:
    reads = Reads()
    reads.note("t", pc.field("a") == 1)
    reads.note("t", pc.field("a") == 1)
    reads.note("t", pc.field("a") == 2)
    assert len(reads.conditions["t"]) == 2
    reads.note("t", None)
    reads.note("t", pc.field("a") == 3)
    assert reads.conditions == {"t": []}


def test_long_lists_that_print_alike_are_both_kept() -> None:
    reads = Reads()
    one = pa.array([*range(500), -1, *range(500)])
    other = pa.array([*range(500), -2, *range(500)])
    assert str(pc.field("a").isin(one)) == str(pc.field("a").isin(other))
    reads.note("t", pc.field("a").isin(one))
    reads.note("t", pc.field("a").isin(other))
    assert len(reads.conditions["t"]) == 2


def test_very_many_conditions_become_the_whole_table() -> None:
    reads = Reads()
    for n in range(KEPT + 1):
        reads.note("t", pc.field("a") == n)
    assert reads.conditions == {"t": []}


def test_nothing_is_noted_while_paused() -> None:
    reads = Reads()
    with reads.paused():
        reads.note("t", None)
    assert reads.conditions == {}
