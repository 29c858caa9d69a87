"""Deletion vectors: the same bytes for the same set, and no others accepted."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import CorruptError
from engine.storage import deletion
from engine.storage.deletion import bitmap


@pytest.mark.parametrize(
    "positions", [[], [0], [2**32 - 1], range(100_000), list(range(0, 300_000, 3)), [5, 1, 70_000]]
)
def test_round_trip(positions: list[int]) -> None:
    found = deletion.deserialize(deletion.serialize(bitmap(positions)))
    assert list(found) == sorted(positions)
    assert deletion.count(found) == len(set(positions))


def test_bytes_depend_on_the_set_alone() -> None:
    straight = bitmap(range(70_000))
    detour = deletion.minus(
        deletion.union(bitmap(range(10)), bitmap(range(90_000))), bitmap(range(70_000, 90_000))
    )
    assert deletion.serialize(straight) == deletion.serialize(detour)


def test_every_damaged_byte_is_noticed() -> None:
    data = deletion.serialize(bitmap([1, 5, 70_000, *range(200_000, 200_400)]))
    for at in range(len(data)):
        damaged = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(CorruptError):
            deletion.deserialize(damaged, "objects/ab/cd")
    for cut in range(len(data)):
        with pytest.raises(CorruptError):
            deletion.deserialize(data[:cut])
    with pytest.raises(CorruptError):
        deletion.deserialize(data + b"\0")


def test_mask_and_positions_are_relative_to_their_start() -> None:
    found = bitmap([0, 3, 99, 100, 101, 5000])
    assert np.flatnonzero(deletion.mask(found, 10)).tolist() == [0, 3]
    assert np.flatnonzero(deletion.mask(found, 100, 99)).tolist() == [0, 1, 2]
    assert deletion.positions(found, 100, 200).tolist() == [0, 1]
    assert deletion.positions(found, 0, 6000).tolist() == [0, 3, 99, 100, 101, 5000]
    assert deletion.positions(bitmap([]), 0, 10).tolist() == []
    assert deletion.count_between(found, 99, 101) == 2
    assert deletion.count_between(None, 0, 10) == 0


def test_none_is_the_empty_set() -> None:
    some = bitmap([1, 2])
    assert deletion.union(None, some) == some
    assert deletion.minus(some, None) == some
    assert list(deletion.minus(None, some)) == []
    assert list(deletion.union(None, None)) == []
