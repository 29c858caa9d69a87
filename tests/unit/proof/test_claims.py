"""What each kind of proof shows is the truth, all of it, and no byte of it can change."""

from __future__ import annotations

import json
import random
import struct
import zlib
from typing import TYPE_CHECKING

import pytest

from engine.proof import ProofError, blocks, claims, keywords, roaring, rows, verify
from engine.proof.canonical import canonical
from engine.timeline import Proposal
from engine.timeline.proving import Prover
from engine.timeline.signing import check
from tests.unit.proof.mutation import rejects, survivors
from tests.unit.timeline import lakes

if TYPE_CHECKING:
    from engine.timeline import Timeline

TABLE = "0000000000000001"


def entry(number: int, **more: object) -> bytes:
    return canonical({"bytes": 9, "data": [f"{number:064x}"], "rows": 4, **more})


def key(number: int, table: str = TABLE) -> str:
    return f"f/{table}/{number:016x}"


@pytest.fixture(scope="module")
def timeline(tmp_path_factory: pytest.TempPathFactory) -> Timeline:
    """Commits 1 to 3 make a table of 400 files, change three of them, and change another table."""
    made = lakes.make(tmp_path_factory.mktemp("claims") / "lake")
    steps: list[dict[str, bytes | None]] = [
        {
            f"t/{TABLE}": b'{"name":"x","schema":"main"}',
            f"t/{'0' * 16}": b"{}",
            f"t/{'9' * 16}": b"{}",
        }
        | {key(n): entry(n) for n in range(400)}
        | {key(n, "0" * 16): entry(n) for n in range(40)},
        {key(7): None, key(200): entry(200, marks=[3, "00"]), key(1000): entry(1000)},
        {key(5, "9" * 16): entry(5)},
    ]
    for changes in steps:
        made.commit(lambda _head, _seq, changes=changes: Proposal("append", changes))
    return made


def test_consistency(timeline: Timeline) -> None:
    prover = Prover(timeline)
    data = prover.consistency([1, 3])
    facts = verify(data, timeline.vkey, check=check).facts
    assert [tree["size"] for tree in facts["trees"]] == [1, 3]
    assert [tree["root"] for tree in facts["trees"]] == [
        timeline.root_at(1).hex(),
        timeline.root_at(3).hex(),
    ]
    assert survivors(data) == []
    assert verify(prover.consistency([4]), check=check).facts["trees"][0]["size"] == 4


def test_a_state_has_a_key_or_has_it_not(timeline: Timeline) -> None:
    wanted = [f"t/{TABLE}", "A", "zzz", key(7), key(8)]
    data = Prover(timeline).state(3, wanted)
    facts = verify(data, check=check).facts
    state = timeline.state_at(3)
    for name, value in facts["entries"].items():
        assert state.get(name) == value.encode()
    gaps = [(left or "", right or "~") for left, right in facts["nothing_between"]]
    for name in wanted:
        absent = [gap for gap in gaps if gap[0] < name < gap[1]]
        assert len(absent) == (state.get(name) is None)
        assert (name in facts["entries"]) == (not absent)
    assert survivors(data, 3) == []


def test_a_table_is_all_of_its_files(timeline: Timeline) -> None:
    data = Prover(timeline).table(2, TABLE)
    facts = verify(data, check=check).facts
    assert facts["table"] == "main.x"
    assert [f["sha256"] for f in facts["files"]] == [
        f"{n:064x}" for n in [*range(7), *range(8, 400), 1000]
    ]
    assert next(f for f in facts["files"] if f["live"] == 1)["file"] == f"{200:016x}"
    assert survivors(data, 5003) == []
    small = Prover(timeline).table(1, "0" * 16)
    assert len(verify(small, check=check).facts["files"]) == 40
    assert survivors(small, 61) == []


def _hide_one(tree: object) -> bool:
    """Replace the first shown file of a table by its hash, as someone would who hides a file."""
    from engine.proof.fields import spell
    from engine.proof.statemap import entry_hash

    if isinstance(tree, list):
        for place, part in enumerate(tree):
            if isinstance(part, dict) and part.get("k", "").startswith("f/") and "v" in part:
                hashed = entry_hash(0, part["k"].encode(), part["v"].encode())
                tree[place] = spell(hashed)
                return True
            if _hide_one(part):
                return True
    return isinstance(tree, dict) and _hide_one(tree.get("t"))


@pytest.mark.parametrize("kind", ["table", "changes"])
def test_nothing_can_be_hidden(timeline: Timeline, kind: str) -> None:
    prover = Prover(timeline)
    data = prover.table(2, TABLE) if kind == "table" else prover.changes(1, 2, TABLE)
    fields = json.loads(data)
    assert canonical(fields) + b"\n" == data
    assert _hide_one(fields["state"])
    with pytest.raises(ProofError):
        verify(canonical(fields) + b"\n", check=check)


@pytest.mark.parametrize(("since", "until"), [(1, 2), (0, 2), (0, 1), (2, 3), (1, 3)])
def test_changes_are_all_that_differs(timeline: Timeline, since: int, until: int) -> None:
    data = Prover(timeline).changes(since, until, TABLE)
    facts = verify(data, check=check).facts
    before, after = (dict(timeline.state_at(v).items("")) for v in (since, until))
    expected = [
        name
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name) and name.split("/")[1] == TABLE
    ]
    assert sorted(entry["key"] for entry in facts["entries"]) == expected
    assert survivors(data, max(7, len(data) // 40)) == []


def test_no_byte_of_changes_can_change(timeline: Timeline) -> None:
    assert survivors(Prover(timeline).changes(1, 2, TABLE), 53) == []


def test_random_states_and_ranges(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tables of any size, edited at random: what is proved is what is there."""
    random_ = random.Random(7)
    made = lakes.make(tmp_path_factory.mktemp("random") / "lake")
    tables = [f"{n:016x}" for n in range(4)]
    for _ in range(12):
        changes: dict[str, bytes | None] = {f"t/{t}": b"{}" for t in tables}
        state = made.head.state
        for _ in range(random_.choice([1, 5, 120])):
            name = key(random_.randrange(300), random_.choice(tables))
            gone = state.get(name) is not None and random_.random() < 0.5
            changes[name] = None if gone else entry(random_.randrange(1 << 30))
        made.commit(lambda _head, _seq, changes=changes: Proposal("edit", changes))
    prover = Prover(made)
    for _ in range(30):
        since, until = sorted(random_.sample(range(1, 13), 2))
        table = random_.choice(tables)
        before, after = (dict(made.state_at(v).items(f"f/{table}/")) for v in (since, until))
        found = verify(prover.changes(since, until, table), check=check).facts["entries"]
        assert {e["key"]: (e["before"], e["after"]) for e in found} == {
            name: tuple(
                None if side.get(name) is None else side[name].decode() for side in (before, after)
            )
            for name in before.keys() | after.keys()
            if before.get(name) != after.get(name)
        }
        files = verify(prover.table(until, table), check=check).facts["files"]
        assert [f"f/{table}/{f['file']}" for f in files] == list(after)


def test_a_proof_of_another_state_is_refused(timeline: Timeline) -> None:
    prover = Prover(timeline)
    fields = json.loads(prover.table(2, TABLE))
    fields["state"] = json.loads(prover.table(1, TABLE))["state"]
    assert rejects(canonical(fields) + b"\n")
    fields = json.loads(prover.changes(1, 2, TABLE))
    fields["since"], fields["leaf"] = json.loads(prover.table(2, TABLE)), fields["leaf"]
    assert rejects(canonical(fields) + b"\n")


def test_deep_nesting_is_refused(timeline: Timeline) -> None:
    fields = json.loads(Prover(timeline).state(1, ["A"]))
    tree = fields["state"]
    for _ in range(600):
        tree = [tree, "A" * 43 + "="]
    fields["state"] = tree
    assert rejects(canonical(fields) + b"\n")


def _prefixed(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


@pytest.mark.parametrize(
    "layout",
    [
        {},
        ["decimal", 1 << 52],
        ["list", ["struct", []]],
        ["array", 1 << 40, ["struct", []]],
        ["array", 1 << 52, "i8"],
    ],
)
def test_a_block_that_claims_too_much_is_refused(layout: object) -> None:
    header = blocks.Header((blocks.Column(1, "a", "X", layout),), (), bytes(32), 3)
    for cell in (b"", bytes(48), b"\xff" * 12 + _prefixed(b"")):
        with pytest.raises(ProofError):
            header.decode(_prefixed(cell), 3)
        with pytest.raises(ProofError):
            header.decode(_prefixed(_prefixed(cell)), 3)


def test_numbers_beyond_reason_are_refused() -> None:
    runs = struct.pack("<IBHHH", 12347, 1, 0, 0, 0xFFFF) + struct.pack("<HH", 0, 0xFFFF) * 0xFFFF
    with pytest.raises(ProofError):
        roaring.positions(struct.pack("<4sII", b"GDV1", 1, zlib.crc32(runs)) + runs)
    with pytest.raises(ProofError):
        rows.key_columns(claims.parse_json(b'{"columns":[{"id":1e999}],"key":[1]}'))
    empty = (
        b'{"blocks":"","columns":[[1,"int"]],"first":"","last":"","rows":0,"v":"grizzly-keys/1"}'
    )
    with pytest.raises(ProofError):
        keywords.KeyIndex(empty.decode())
