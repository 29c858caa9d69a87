"""ORC for others: what they can read, or a refusal."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from engine.errors import UnsupportedError
from engine.storage import read_orc, write_orc


def test_wire_types_become_what_others_understand(tmp_path: Path) -> None:
    path = str(tmp_path / "x.orc")
    when = dt.datetime(2020, 1, 2, 3, 4, 5, 6)  # noqa: DTZ001 (a naive timestamp is meant)
    table = pa.table(
        {
            "u": pa.array([2**64 - 1], pa.uint64()),
            "b": pa.array([255], pa.uint8()),
            "t": pa.array([when], pa.timestamp("us")),
            "c": pa.array([dt.time(1, 2, 3)], pa.time64("us")),
            "f": pa.array([[1, 2]], pa.list_(pa.uint8(), 2)),
            "m": pa.array([[("k", when)]], pa.map_(pa.string(), pa.timestamp("s"))),
            "s": pa.array([{"a": 1}], pa.struct([("a", pa.uint32())])),
        }
    )
    write_orc(table, path)
    (row,) = read_orc(path).to_pylist()
    assert row["u"] == 2**64 - 1
    assert row["b"] == 255
    assert row["t"] == when
    assert row["c"] == "01:02:03.000000"
    assert row["f"] == [1, 2]
    assert row["m"] == [("k", when.replace(microsecond=0))]
    assert row["s"] == {"a": 1}


@pytest.mark.parametrize("when", [pa.scalar(2**62, pa.timestamp("us"))])
def test_what_would_be_unreadable_is_refused(tmp_path: Path, when: pa.Scalar) -> None:
    for array in (pa.array([when]), pa.array([[when]])):
        with pytest.raises(UnsupportedError):
            write_orc(pa.table({"x": array}), str(tmp_path / "x.orc"))
    with pytest.raises(UnsupportedError):
        write_orc(pa.table({"x": pa.array([5], pa.duration("s"))}), str(tmp_path / "x.orc"))


def test_an_empty_file_keeps_its_columns(tmp_path: Path) -> None:
    path = str(tmp_path / "x.orc")
    write_orc(pa.table({"a": pa.array([], pa.int32())}), path)
    assert read_orc(path).schema == pa.schema([("a", pa.int32())])
