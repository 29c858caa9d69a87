"""The state map's shape depends on its content alone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.proof.statemap import verify_entry
from engine.timeline.state import State, decode_node

KEYS = st.integers(0, 400).map(lambda number: b"f/%04d" % number)
VALUES = st.one_of(st.none(), st.binary(min_size=1, max_size=3))
EDITS = st.lists(st.dictionaries(KEYS, VALUES, max_size=120), max_size=8)


def no_node(digest: bytes) -> bytes:
    raise KeyError(digest)


def built(entries: dict[bytes, bytes]) -> State:
    return State(no_node).apply(dict(entries))


@settings(max_examples=60, deadline=None)
@given(EDITS)
def test_an_edited_map_equals_a_rebuilt_one(edits: list[dict[bytes, bytes | None]]) -> None:
    state, entries = State(no_node), {}
    for edit in edits:
        state = state.apply(edit)
        entries.update(edit)
        entries = {key: value for key, value in entries.items() if value is not None}
        again = built(entries)
        assert (state.root, state.count) == (again.root, len(entries))
    assert {key.encode(): value for key, value in state.items()} == entries
    assert [key for key, _ in state.items()] == sorted(key.decode() for key in entries)


@settings(max_examples=30, deadline=None)
@given(EDITS, st.dictionaries(KEYS, VALUES, max_size=40))
def test_a_map_on_disk_equals_the_one_in_memory(
    edits: list[dict[bytes, bytes | None]], more: dict[bytes, bytes | None]
) -> None:
    state = State(no_node)
    files: dict[bytes, bytes] = {}
    for edit in edits:
        state = state.apply(edit)
        for node in state.unsaved():
            files[node.digest] = node.encode()
            assert decode_node(files[node.digest], node.digest).digest == node.digest
            node.saved = True
    loaded = State(files.__getitem__, state.root, state.count)
    assert list(loaded.items()) == list(state.items())
    fresh = State(files.__getitem__, state.root, state.count).apply(more)
    assert fresh.root == state.apply(more).root
    assert list(fresh.items()) == list(state.apply(more).items())


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(KEYS, st.binary(min_size=1, max_size=3), min_size=1, max_size=300))
def test_every_entry_can_be_proved(entries: dict[bytes, bytes]) -> None:
    state = built(entries)
    for key in list(entries)[:20]:
        assert verify_entry(state.root, state.prove(key.decode())) == (key, entries[key])
