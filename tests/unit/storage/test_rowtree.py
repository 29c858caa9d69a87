"""The tree over rows: the same for the same values, and a block tells all of them."""

from __future__ import annotations

import datetime
import decimal
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.proof import ProofError, arrowstream, blocks, keywords, roaring
from engine.proof.values import shown
from engine.storage import FileColumn, deletion, encode_file
from engine.storage.keyhash import families, words
from engine.storage.rowtree import RowTree
from engine.storage.statistics import typed

_DAY = datetime.date(2020, 1, 1)
_MOMENT = datetime.datetime(2020, 1, 1)  # noqa: DTZ001 - a plain TIMESTAMP

SPEC: dict[str, Any] = {
    "BIGINT": lambda i: i * 3 - 100,
    "UBIGINT": lambda i: 2**63 + i if i % 4 else None,
    "TINYINT": lambda i: i % 100 - 50,
    "VARCHAR": lambda i: None if i % 5 == 0 else f"é{i}",
    "BLOB": lambda i: bytes([i % 256]) * (i % 3),
    "BOOLEAN": lambda i: [True, False, None][i % 3],
    "DATE": lambda i: _DAY + datetime.timedelta(i) if i % 7 else None,
    "TIMESTAMP": lambda i: _MOMENT + datetime.timedelta(microseconds=i * 1001),
    "TIMESTAMP_NS": lambda i: i * 10**9 + 5 if i % 2 else None,
    "TIME": lambda i: datetime.time(1, 2, 3, i),
    "DECIMAL(9,3)": lambda i: decimal.Decimal(i - 100) / 8 if i % 3 else None,
    "DOUBLE": lambda i: [1.5, float("nan"), None, -0.0][i % 4],
    "FLOAT": lambda i: i / 2,
    "INTEGER[]": lambda i: None if i % 4 == 0 else list(range(i % 3)),
    "INTEGER[2]": lambda i: None if i % 5 == 1 else [i, None],
    "STRUCT(x INTEGER, y VARCHAR[])": lambda i: (
        None
        if i % 6 == 0
        else {"x": i if i % 2 else None, "y": None if i % 3 else ["a", "b"][: i % 3 + 1]}
    ),
    "MAP(VARCHAR, DOUBLE)": lambda i: (
        None if i % 7 == 2 else [(f"k{j}", j / 2) for j in range(i % 3)]
    ),
}
COLUMNS = [FileColumn(n, f"c{n}", kind) for n, kind in enumerate(SPEC, 1)]
TYPES = typed(COLUMNS, [])


def arrays(rows: int) -> list[pa.Array]:
    return [
        pa.array([make(i) for i in range(rows)], t.wire)
        for make, t in zip(SPEC.values(), TYPES, strict=True)
    ]


def read(tree: RowTree, rows: int) -> list[list[Any]]:
    header = blocks.Header.parse(tree.header.decode(), tree.root)
    found: list[list[Any]] = [[] for _ in header.columns]
    for index in range(-(-rows // 512)):
        for column, part in zip(
            found, header.block(index, tree.block(index), tree.path(index)), strict=True
        ):
            column.extend(part)
    whole = header.whole([tree.block(n) for n in range(-(-rows // 512))])
    assert repr(whole) == repr(found)
    return [
        [shown(value, c.type) for value in values]
        for c, values in zip(header.columns, found, strict=True)
    ]


@pytest.mark.parametrize("rows", [1, 511, 512, 513, 1200])
def test_blocks_tell_what_arrow_tells(rows: int) -> None:
    data = arrays(rows)
    tree = RowTree(data, COLUMNS, TYPES, [])
    inline = encode_file(pa.table(data, names=[c.name for c in COLUMNS]), COLUMNS, inline=True)
    stream = arrowstream.read(bytes(inline.data))
    assert read(tree, rows) == [
        [shown(value, c.type) for value in values]
        for c, values in zip(stream.columns, stream.values, strict=True)
    ]


def test_the_tree_does_not_depend_on_how_values_lie_in_memory() -> None:
    data = arrays(900)
    tree = RowTree(data, COLUMNS, TYPES, [])
    cut = [pa.chunked_array([a.slice(0, 77), a.slice(77, 0), a.slice(77)]) for a in data]
    shifted = [pa.concat_arrays([a.slice(0, 9), a]).slice(9) for a in data]
    assert RowTree(cut, COLUMNS, TYPES, []).root == tree.root
    assert RowTree(shifted, COLUMNS, TYPES, []).root == tree.root
    other = [*data[:-1], data[-1].take(pa.array([*range(899), 0]))]
    assert RowTree(other, COLUMNS, TYPES, []).root != tree.root


def test_no_byte_of_a_block_can_change() -> None:
    tree = RowTree(arrays(600), COLUMNS, TYPES, [])
    header = blocks.Header.parse(tree.header.decode(), tree.root)
    good = tree.block(1)
    for place in range(0, len(good), 31):
        bad = good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
        with pytest.raises(ProofError):
            header.block(1, bad, tree.path(1))
    with pytest.raises(ProofError):
        header.block(0, good, tree.path(1))
    with pytest.raises(ProofError):
        blocks.Header.parse(tree.header.decode().replace("600", "601"), tree.root)
    with pytest.raises(ProofError):
        header.whole([tree.block(0)])


def test_an_encoded_file_has_its_tree() -> None:
    data = pa.table(arrays(700), names=[c.name for c in COLUMNS])
    encoded = encode_file(data, COLUMNS, inline=False)
    assert encoded.tree == RowTree(data.columns, COLUMNS, TYPES, []).root.hex()
    assert encode_file(data, COLUMNS, inline=True).tree is None


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 200_000), max_size=300), st.booleans())
def test_deletion_vectors_are_read_without_their_library(found: set[int], dense: bool) -> None:
    wanted = found | (set(range(1000, 9000)) if dense else set())
    if dense:
        wanted |= set(range(70_000, 90_000, 2))
    data = deletion.serialize(deletion.bitmap(sorted(wanted)))
    assert roaring.positions(data) == wanted
    for bad in (b"", data[:-1], data + b"\0", b"X" + data[1:], data[:15]):
        with pytest.raises(ProofError):
            roaring.positions(bad)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_words_of_keys_are_those_of_the_index(data: st.DataObject) -> None:
    makers: dict[str, st.SearchStrategy[Any]] = {
        "BIGINT": st.integers(-(2**63), 2**63 - 1),
        "UBIGINT": st.integers(0, 2**64 - 1),
        "INTEGER": st.integers(-(2**31), 2**31 - 1),
        "BOOLEAN": st.booleans(),
        "VARCHAR": st.text(max_size=20).filter(
            lambda t: not any("\ud800" <= c <= "\udfff" for c in t)
        ),
        "DATE": st.dates(),
        "TIMESTAMP": st.datetimes(),
        "DOUBLE": st.floats(),
        "DECIMAL(18,3)": st.decimals(-(10**12), 10**12, places=3),
    }
    kinds = data.draw(st.lists(st.sampled_from(sorted(makers)), min_size=1, max_size=3))
    values = [data.draw(makers[kind]) for kind in kinds]
    columns = [FileColumn(n, f"c{n}", kind) for n, kind in enumerate(kinds)]
    types = typed(columns, [])
    assert families(types) is not None
    cells = [pa.array([v], t.wire) for v, t in zip(values, types, strict=True)]
    tree = RowTree(cells, columns, types, [])
    texts = [str(column[0]) for column in read(tree, 1)]
    raw = [keywords.value_of(text, kind) for text, kind in zip(texts, kinds, strict=True)]
    assert [shown(v, kind) for v, kind in zip(raw, kinds, strict=True)] == texts
    assert keywords.word(texts, kinds) == int(words(cells, types)[0])
    assert all(
        keywords.same(v, kind, text, kind) for v, text, kind in zip(raw, texts, kinds, strict=True)
    )


def test_texts_that_are_no_values() -> None:
    for text, kind in (
        ("x", "BIGINT"),
        ("1.23", "DECIMAL(9,1)"),
        ("2020-13-01", "DATE"),
        ("25:00:00", "TIME"),
        ("2020-01-01T00:00:00.1234567", "TIMESTAMP"),
        ("2020-01-01T00:00:00+01:00", "TIMESTAMP"),
        ("zz", "BLOB"),
        ("yes", "BOOLEAN"),
    ):
        with pytest.raises(ProofError):
            keywords.value_of(text, kind)


def test_a_damaged_stream_is_refused_or_reads_as_something() -> None:
    """A stream is only read after its digest matched; still nothing else than ProofError escapes."""
    data = pa.table(arrays(20), names=[c.name for c in COLUMNS])
    good = bytes(encode_file(data, COLUMNS, inline=True).data)
    refused = 0
    for place in range(0, len(good), 3):
        try:
            arrowstream.read(good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :])
        except ProofError:
            refused += 1
    assert refused
    json.loads(RowTree(arrays(3), COLUMNS, TYPES, []).header)
