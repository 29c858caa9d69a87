"""The key index: every key is found, nothing else is, and damage never goes unseen."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.datatypes import parse_type
from engine.errors import CorruptError
from engine.storage import StoredKeys, families, is_exact, repeated, run_of
from engine.storage.keyhash import words
from engine.storage.keyindex import BLOCK_ROWS, encode


@dataclass
class Bytes:
    """An object in memory."""

    data: bytes
    name: str = "index"
    reads: int = 0

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def stamp(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return self.data[offset : offset + length]


def column(values: list[Any], type_text: str) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, parse_type(type_text).wire)])


def stored(values: list[int]) -> tuple[StoredKeys, Bytes]:
    run = run_of([column(values, "BIGINT")], [parse_type("BIGINT")])
    header, body = encode(run, [(1, "int")])
    source = Bytes(body)
    return StoredKeys(header, source, hashlib.sha256(body).hexdigest()), source


def found(index: StoredKeys, keys: list[int]) -> dict[int, int]:
    needles = np.sort(words([column(keys, "BIGINT")], [parse_type("BIGINT")]))
    hits, rows = index.find(needles)
    order = sorted(keys)
    return {order[hit]: row for hit, row in zip(hits.tolist(), rows.tolist(), strict=True)}


def test_every_key_is_found_where_it_stands() -> None:
    values = [(i * 7919) % 1_000_003 - 500_000 for i in range(3 * BLOCK_ROWS + 5)]
    index, _ = stored(values)
    assert found(index, values) == {v: i for i, v in enumerate(values)}
    assert found(index, [-(1 << 63), (1 << 63) - 1, 500_001, 10**12]) == {}


def test_one_key_reads_one_block() -> None:
    index, source = stored(list(range(20 * BLOCK_ROWS)))
    assert found(index, [70_000]) == {70_000: 70_000}
    assert source.reads == 1


def test_a_flipped_bit_is_noticed_by_the_block_it_is_in() -> None:
    values = list(range(8 * BLOCK_ROWS))
    index, source = stored(values)
    damaged = bytearray(source.data)
    damaged[3 * BLOCK_ROWS * 12 + 100] ^= 1
    source.data = bytes(damaged)
    assert found(index, [5]) == {5: 5}
    with pytest.raises(CorruptError, match="damaged"):
        found(index, [3 * BLOCK_ROWS + 7])


@pytest.mark.parametrize(
    "harm",
    [lambda h: h[:-1], lambda h: h.replace(b"grizzly-keys/1", b"grizzly-keys/9"), lambda _: b"{}"],
)
def test_a_header_that_is_none_is_refused(harm: Any) -> None:
    run = run_of([column([1, 2], "BIGINT")], [parse_type("BIGINT")])
    header, body = encode(run, [(1, "int")])
    with pytest.raises(CorruptError):
        StoredKeys(harm(header), Bytes(body), "")


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "INTEGER": st.integers(-(2**31), 2**31 - 1),
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "UBIGINT": st.integers(0, 2**64 - 1),
    "BOOLEAN": st.booleans(),
    "DOUBLE": st.floats(),
    "DECIMAL(20,3)": st.decimals(-(10**16), 10**16, places=3),
    "VARCHAR": st.text(max_size=20),
    "BLOB": st.binary(max_size=20),
    "DATE": st.dates(),
    "TIMESTAMP": st.datetimes(),
    "TIME": st.times(),
}


@pytest.mark.parametrize("type_text", VALUES)
@given(data=st.data())
def test_equal_keys_have_equal_words(type_text: str, data: st.DataObject) -> None:
    kind = parse_type(type_text)
    values = data.draw(st.lists(VALUES[type_text], min_size=1, max_size=20))
    got = words([column(values, type_text)], [kind]).tolist()
    alone = [words([column([v], type_text)], [kind])[0] for v in values]
    assert got == alone
    if is_exact([kind]):
        assert len(set(got)) == len(set(values))


def test_zeros_are_one_key_and_so_are_nans() -> None:
    nans = np.array([0x7FF8000000000000, 0xFFF8000000000001], dtype=np.uint64).view(np.float64)
    for values in ([0.0, -0.0], nans.tolist()):
        assert repeated([column(values, "DOUBLE")], [parse_type("DOUBLE")])


def test_the_order_of_a_composite_key_counts() -> None:
    kinds = [parse_type("INTEGER"), parse_type("VARCHAR")]
    columns = [column([1, 2, 1], "INTEGER"), column(["b", "a", "a"], "VARCHAR")]
    assert not repeated(columns, kinds)
    assert families(kinds) == ("int", "VARCHAR")


def test_types_whose_equality_is_not_that_of_their_text_are_not_indexed() -> None:
    assert families([parse_type("INTERVAL")]) is None
    assert families([parse_type("INTEGER[]")]) is None
    assert families([]) is None


def test_long_texts_are_hashed_in_pieces() -> None:
    texts = [chr(97 + i % 26) * 400_000 for i in range(6)] + ["", "x"]
    got = words([column(texts, "VARCHAR")], [parse_type("VARCHAR")])
    assert len(set(got.tolist())) == len(texts)
    assert got[-1] == words([column(["x"], "VARCHAR")], [parse_type("VARCHAR")])[0]


def test_moments_order_as_their_words() -> None:
    days = [datetime.date(1, 1, 1), datetime.date(1970, 1, 1), datetime.date(9999, 12, 31)]
    got = words([column(days, "DATE")], [parse_type("DATE")]).tolist()
    assert got == sorted(got)
    assert Decimal(got[1]) == Decimal(1 << 63)
