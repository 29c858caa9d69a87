"""No damaged byte may change an answer: it is an error that names the object."""

from __future__ import annotations

import json
import random

import pyarrow as pa
import pytest

from engine.errors import CorruptError, IoError
from engine.storage import DataFile
from engine.storage.orc import STRIPE_ROWS
from tests.unit.storage.memory import BULKY, MemorySource, bulky, stored, table_of

TYPES = {"id": "INTEGER", "s": "VARCHAR"}


def small() -> pa.Table:
    return table_of(TYPES, id=list(range(200)), s=[f"value {i}" for i in range(200)])


def reopened(source: MemorySource, encoded: object) -> DataFile:
    return DataFile(source, encoded.sha256, encoded.sidecar or None, encoded.codec)


def answer(source: MemorySource, encoded: object) -> pa.Table:
    data = reopened(source, encoded)
    return pa.Table.from_batches([data.read(0, ["id", "s"])])


@pytest.mark.parametrize("inline", [True, False])
def test_every_flipped_byte_is_noticed(inline: bool) -> None:
    _, source, encoded = stored(small(), TYPES, inline=inline)
    good = source.data
    step = 1 if len(good) < 4000 else 3
    for at in range(0, len(good), step):
        source.replace(good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :])
        with pytest.raises(CorruptError) as caught:
            answer(source, encoded)
        assert caught.value.subject == source.name
    source.replace(good)
    assert answer(source, encoded).equals(small())


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("damage", ["empty", "cut", "grown", "swapped", "zeros"])
def test_another_file_in_its_place_is_noticed(inline: bool, damage: str) -> None:
    _, source, encoded = stored(small(), TYPES, inline=inline)
    other, _, _ = stored(small().slice(0, 199), TYPES, inline=inline)
    good = source.data
    source.replace(
        {
            "empty": b"",
            "cut": good[:-1],
            "grown": good + b"x",
            "swapped": other._source.data,
            "zeros": bytes(len(good)),
        }[damage]
    )
    with pytest.raises(CorruptError) as caught:
        answer(source, encoded)
    assert caught.value.subject == source.name


def big() -> tuple[DataFile, MemorySource, object]:
    return stored(bulky(3), BULKY)


def test_only_what_is_touched_is_read_and_verified() -> None:
    data, source, encoded = big()
    ranges = json.loads(encoded.sidecar)["ranges"]
    damaged = bytearray(source.data)
    damaged[ranges[0][1] // 2] ^= 1
    source.replace(bytes(damaged))
    assert data.read(2, ["id"])["id"][0].as_py() == 2 * STRIPE_ROWS
    first, tail = ranges[0][1], ranges[-1][0]
    third = ranges[2][0]
    assert all(third <= offset < tail or offset >= tail for offset, _ in source.reads)
    with pytest.raises(CorruptError):
        data.read(0, ["id"])
    assert first > 0


def test_a_range_is_hashed_once_while_the_file_is_unchanged() -> None:
    data, source, encoded = big()
    whole_stripe = json.loads(encoded.sidecar)["ranges"][0]
    data.read(0, ["id"])
    assert (whole_stripe[0], whole_stripe[1]) in source.reads
    source.reads.clear()
    data.read(0, ["id"])
    reopened(source, encoded).read(0, ["id"])
    assert (whole_stripe[0], whole_stripe[1]) not in source.reads
    source.reads.clear()
    source.replace(source.data)
    data.read(0, ["id"])
    assert (whole_stripe[0], whole_stripe[1]) in source.reads


def test_damage_after_verification_is_noticed_by_the_stamp() -> None:
    data, source, _ = big()
    good = data.read(1, ["id", "noise"])
    damaged = bytearray(source.data)
    damaged[len(damaged) // 2] ^= 0x40
    source.replace(bytes(damaged))
    with pytest.raises(CorruptError):
        data.read(1, ["id", "noise"])
    assert good.num_rows == STRIPE_ROWS


def test_without_a_stamp_every_read_verifies() -> None:
    data, source, _ = big()
    source.stamp = None
    data.read(1, ["id"])
    damaged = bytearray(source.data)
    damaged[len(damaged) // 2] ^= 0x40
    source.data = bytes(damaged)
    with pytest.raises(CorruptError):
        data.read(1, ["id"])


def test_random_damage_never_gives_another_answer() -> None:
    _, source, encoded = stored(small(), TYPES)
    good, expected = source.data, small()
    dice = random.Random(7)
    for _ in range(150):
        damaged = bytearray(good)
        for _ in range(dice.randint(1, 8)):
            damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
        del damaged[len(damaged) - dice.choice([0, 0, 1, 7]) :]
        source.replace(bytes(damaged))
        try:
            got = answer(source, encoded)
        except CorruptError as error:
            assert error.subject == source.name  # noqa: PT017 (an equal answer is fine too)
        else:
            assert got.equals(expected)


def test_whatever_pyarrow_raises_on_verified_junk_is_corruption() -> None:
    _, source, encoded = stored(small(), TYPES)
    sidecar = json.loads(encoded.sidecar)
    junk = bytes(len(source.data))
    import hashlib

    sidecar["sha256"] = hashlib.sha256(junk).hexdigest()
    for part in sidecar["ranges"]:
        part[2] = hashlib.sha256(junk[part[0] : part[0] + part[1]]).hexdigest()
    data = DataFile(MemorySource(junk), sidecar["sha256"], json.dumps(sidecar).encode(), "orc")
    with pytest.raises(CorruptError):
        data.read(0, ["id"])
    digest = hashlib.sha256(b"junk").hexdigest()
    with pytest.raises(CorruptError):
        DataFile(MemorySource(b"junk"), digest, None, "arrow")


def test_the_systems_refusal_stays_what_it_is() -> None:
    data, source, _ = big()

    def refuse(*_: int) -> bytes:
        raise IoError("no permission", subject=source.name)

    source.read = refuse
    with pytest.raises(IoError):
        data.read(0, ["id"])
