"""The state map: lookups, prefixes, cost, damage."""

from __future__ import annotations

import hashlib

import pytest

from engine.errors import CorruptError
from engine.timeline.state import State, decode_node


class Shelf(dict[bytes, bytes]):
    """Nodes at rest, counting what is read."""

    reads = 0

    def load(self, digest: bytes, _born: int) -> bytes:
        self.reads += 1
        return self[digest]

    def keep(self, state: State) -> State:
        for node in state.unsaved():
            node.born = 0
            self[node.digest] = node.encode()
        return State(self.load, state.root, state.count, state.born)


def entries(count: int) -> dict[bytes, bytes | None]:
    return {b"f/%02d/%06d" % (number % 7, number): b"v%d" % number for number in range(count)}


def test_the_empty_map_has_a_root_of_its_own() -> None:
    empty = State(Shelf().load)
    assert (empty.root, empty.count) == (hashlib.sha256(b"").digest(), 0)
    assert empty.get("a") is None
    assert list(empty.items("a")) == []
    assert empty.apply({b"a": b"1"}).apply({b"a": None}).root == empty.root
    assert empty.apply({b"gone": None}).root == empty.root
    assert empty.apply({}) is empty


def test_a_known_map_has_the_root_it_always_had() -> None:
    state = State(Shelf().load).apply(entries(1000))
    assert state.root.hex() == "1737c1afc029b460939d06d6aedc73b32370f63df24849d5ae512071f0c39443"


def test_keys_and_prefixes() -> None:
    state = State(Shelf().load).apply(entries(500))
    assert state.get("f/03/000003") == b"v3"
    assert state.get("f/03/000004") is None
    assert state.get("a") is None
    assert state.get("z") is None
    third = [key for key, _ in state.items("f/03/")]
    assert third == [f"f/03/{number:06d}" for number in range(3, 500, 7)]
    assert list(state.items("f/07")) == []
    assert len(list(state.items())) == state.count == 500


def test_an_older_map_stays_as_it_was() -> None:
    old = State(Shelf().load).apply(entries(300))
    new = old.apply({b"f/00/000000": b"changed", b"f/01/000001": None})
    assert old.get("f/00/000000") == b"v0"
    assert new.get("f/00/000000") == b"changed"
    assert (old.count, new.count) == (300, 299)


def test_a_change_costs_by_its_size_not_by_the_maps() -> None:
    shelf = Shelf()
    large = shelf.keep(State(shelf.load).apply(entries(20_000)))
    shelf.reads = 0
    changed = large.apply({b"f/03/000003": b"new"})
    assert shelf.reads <= 8
    assert len(changed.unsaved()) <= 8
    assert changed.get("f/03/000003") == b"new"


def test_an_unchanged_value_makes_no_new_node() -> None:
    shelf = Shelf()
    state = shelf.keep(State(shelf.load).apply(entries(2000)))
    assert [
        node for node in state.apply({b"f/03/000003": b"v3"}).unsaved() if node.level == 0
    ] == []


def test_no_byte_of_a_node_can_change() -> None:
    state = State(Shelf().load).apply(entries(60))
    node = state.unsaved()[0]
    good = node.encode()
    for place in range(len(good)):
        for value in {good[place] ^ 1, good[place] ^ 0x80, 0, 0xFF} - {good[place]}:
            with pytest.raises(CorruptError, match=node.digest.hex()):
                decode_node(good[:place] + bytes([value]) + good[place + 1 :], node.digest, 0)
    for wrong in (b"", good[:-1], good + b"\0"):
        with pytest.raises(CorruptError):
            decode_node(wrong, node.digest, 0)


def test_a_swapped_node_is_noticed() -> None:
    shelf = Shelf()
    state = shelf.keep(State(shelf.load).apply(entries(2000)))
    leaves = [digest for digest, data in shelf.items() if data[0] == 0]
    shelf[leaves[0]], shelf[leaves[1]] = shelf[leaves[1]], shelf[leaves[0]]
    with pytest.raises(CorruptError):
        list(state.items())
