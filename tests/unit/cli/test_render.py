"""Results drawn: exact values, whole rows, honest cuts."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from time import perf_counter

import pyarrow as pa
import pytest

from grizzly_cli.options import FORMATS
from grizzly_cli.render import Target, write
from grizzly_cli.render.cells import Json, Text, interval
from grizzly_cli.render.grid import clip, visible, width_of
from grizzly_cli.render.listing import Listing
from grizzly_cli.render.target import _MODULES


def draw(table, form, **options):
    sink = io.BytesIO()
    types = [str(kind).upper() for kind in table.schema.types]
    shown = write(Listing(table, table.column_names, types), Target(sink, form, **options))
    return sink.getvalue().decode(), shown


def column(array, cells=None):
    return (cells or Text()).column(array)


def test_every_format_has_a_writer():
    assert set(_MODULES) == set(FORMATS)


def test_a_box():
    table = pa.table({"id": [1, 20, None], "name": ["a", "日本", "x\x1b[2Jy\n"]})
    assert draw(table, "box")[0] == (
        "┌───────┬───────────────┐\n"
        "│    id │ name          │\n"
        "│ int64 │ string        │\n"
        "├───────┼───────────────┤\n"
        "│     1 │ a             │\n"
        "│    20 │ 日本          │\n"
        "│     ∅ │ x\\u001b[2Jy\\n │\n"
        "└───────┴───────────────┘\n"
    )


def test_a_table_in_ascii():
    table = pa.table({"n": [1, None]})
    assert draw(table, "table", unicode=False)[0] == "    n\nint64\n-----\n    1\n NULL\n"


@pytest.mark.parametrize("sizes", [[100], [7] * 15, [1] * 100, [20, 60, 20]])
def test_the_middle_is_cut_and_counted(sizes):
    batches, n = [], 0
    for size in sizes:
        batches.append(pa.record_batch({"n": list(range(n, n + size))}))
        n += size
    text, shown = draw(pa.Table.from_batches(batches), "box", head=6)
    numbers = [line.strip("│ ") for line in text.splitlines()[4:-1]]
    assert numbers == ["0", "1", "2", "⋮", str(n - 3), str(n - 2), str(n - 1)]
    assert (shown.rows, shown.shown) == (n, 6)


@pytest.mark.parametrize("n", [0, 1, 5, 6, 7])
def test_nothing_is_cut_that_fits(n):
    text, shown = draw(pa.table({"n": pa.array(range(n), pa.int64())}), "box", head=6)
    assert ("⋮" in text) == (n > 6)
    assert shown.shown == min(n, 6)
    assert shown.rows == n


def test_a_narrow_terminal_is_never_overrun():
    table = pa.table({f"column_{i}": ["some longer text é" * 3] for i in range(12)})
    for width in (20, 40, 80, 200):
        text, shown = draw(table, "box", width=width)
        assert max(map(width_of, text.splitlines())) <= width
        assert shown.shown_columns < 12 or shown.cut_cells
    _, shown = draw(table, "box")
    assert (shown.shown_columns, shown.cut_cells) == (12, 0)


def test_numbers_and_times_are_whole_or_hidden():
    table = pa.table(
        {f"average_delay_in_minutes_{i}": [12345.678901234567 + i] for i in range(6)}
        | {"when": pa.array([1_700_000_000_123_456], pa.timestamp("us"))}
    )
    text, shown = draw(table, "box", width=70)
    assert max(map(width_of, text.splitlines())) <= 70
    assert shown.cut_cells == 0
    assert 1 < shown.shown_columns < 7
    assert "2023-11-14 22:13:20.123456" in text
    text, shown = draw(table.select([0]), "box", width=12)
    assert max(map(width_of, text.splitlines())) <= 12
    assert (shown.shown_columns, shown.cut_cells) == (1, 1)


def test_grids_are_fast():
    n = 2000
    table = pa.table({f"c{i}": [f"value {j}" for j in range(n)] for i in range(4)}).append_column(
        "x", pa.array([j / 7 for j in range(n)])
    )
    for i in range(3):
        table = table.append_column(f"n{i}", pa.array(range(n)))
    best = 9.0
    for _ in range(5):
        started = perf_counter()
        draw(table, "box")
        best = min(best, perf_counter() - started)
    assert best < 0.1  # 15 ms on a quiet machine


def test_clipping_counts_terminal_columns():
    assert clip("abcdef", 4, "…") == "abc…"
    assert clip("日本語", 4, "…") == "日…"
    assert visible("a\tb\u202ec") == "a\\tb\\u202ec"


def test_csv_tells_null_from_empty_and_quotes():
    table = pa.table({'a"b': ["", None, "x,y", 'q"q', "l\nl"], "n": [1, 2, 3, 4, 5]})
    text, _ = draw(table, "csv")
    assert text == '"a""b",n\n"",1\n,2\n"x,y",3\n"q""q",4\n"l\nl",5\n'


def test_json_keeps_numbers_exact():
    table = pa.table(
        {
            "big": pa.array([2**63 - 1, -(2**63)]),
            "d": pa.array([Decimal("12345678901234567890.10"), None], pa.decimal128(30, 2)),
            "f": [0.1, float("nan")],
            "b": [b"\x00\xff", None],
            "t": pa.array([0, 1500], pa.timestamp("ms")),
            "z": pa.array([0, None], pa.timestamp("us", "UTC")),
            "l": [[1, None], []],
            "s": [{"k": "é\n"}, None],
            "m": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int32())),
        }
    )
    text, shown = draw(table, "json")
    assert '"d":12345678901234567890.10' in text
    assert shown.nonfinite == 1
    first, second = json.loads(text, parse_float=str)
    assert first == {
        "big": 2**63 - 1,
        "d": "12345678901234567890.10",
        "f": "0.1",
        "b": "AP8=",
        "t": "1970-01-01T00:00:00",
        "z": "1970-01-01T00:00:00Z",
        "l": [1, None],
        "s": {"k": "é\n"},
        "m": {"a": 1},
    }
    assert second["f"] is None
    assert second["t"] == "1970-01-01T00:00:01.5"
    assert [json.loads(line, parse_float=str) for line in draw(table, "jsonl")[0].splitlines()] == [
        first,
        second,
    ]


def test_json_of_nothing_and_of_many_batches():
    assert draw(pa.table({"a": pa.array([], pa.int32())}), "json")[0] == "[]\n"
    assert draw(pa.table({"a": pa.array([], pa.int32())}), "csv")[0] == "a\n"
    many = pa.Table.from_batches([pa.record_batch({"a": [i]}) for i in range(3)])
    assert draw(many, "json")[0] == '[{"a":0},{"a":1},{"a":2}]\n'
    long = pa.table({"a": range(25_000)})
    assert len(json.loads(draw(long, "json")[0])) == 25_000


def test_json_columns_are_embedded_if_they_are_json():
    cells = Json()
    array = pa.array(['{"a": 1}', "[1,\n 2]", "not json", None])
    assert cells.column(array, "JSON") == ['{"a": 1}', "[1, 2]", '"not json"', None]
    assert cells.column(pa.array(["170141183460469231731687303715884105727"]), "HUGEINT") == [
        "170141183460469231731687303715884105727"
    ]


def test_markdown_escapes():
    table = pa.table({"a|b": ["x|y\nz", None], "n": [1, 2]})
    assert draw(table, "markdown")[0] == (
        "| a\\|b | n |\n|---|---:|\n| x\\|y<br>z | 1 |\n|  | 2 |\n"
    )


def test_the_edges_of_time():
    top = 2**63 - 1
    assert column(pa.array([top, -top, 2**62, None], pa.timestamp("us"))) == [
        "infinity",
        "-infinity",
        "4611686018427387904 us",
        None,
    ]
    assert column(pa.array([2**31 - 1, -719528], pa.date32())) == ["infinity", "0000-01-01"]
    assert column(pa.array([1_500_000], pa.time64("us"))) == ["00:00:01.5"]
    spans = pa.array([pa.MonthDayNano([14, 3, 4 * 3600 * 10**9]), None])
    assert column(spans) == ["1 year 2 months 3 days 04:00:00", None]
    assert interval(-14, 0, -(10**8)) == "-1 year -2 months -00:00:00.1"
    assert interval(0, 0, 0) == "00:00:00"


def test_sliced_nested_arrays_keep_their_place():
    lists = pa.array([[0], [1, 2], None, [3]]).slice(1)
    assert column(lists) == ["[1, 2]", None, "[3]"]
    fixed = pa.array([[0, 0], [1, 2], None], pa.list_(pa.int32(), 2)).slice(1)
    assert column(fixed) == ["[1, 2]", None]
    structs = pa.array([{"a": 0}, {"a": 1}, None]).slice(1)
    assert column(structs) == ["{'a': 1}", None]
    maps = pa.array([[("x", "y")], [("a b", "c")], None], pa.map_(pa.string(), pa.string()))
    assert column(maps.slice(1)) == ["{'a b'=c}", None]
    words = pa.array(["a", "b", None, "a"]).dictionary_encode().slice(1)
    assert column(words) == ["b", None, "a"]
    deep = pa.array([[{"k": [1.5, None]}], None])
    assert column(deep, Json()) == ['[{"k":[1.5,null]}]', None]
