"""The state map's shape depends on its content alone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.proof.opening import read
from engine.timeline.opening import show
from engine.timeline.state import State, decode_node

KEYS = st.integers(0, 400).map(lambda number: b"f/%04d" % number)
VALUES = st.one_of(st.none(), st.binary(min_size=1, max_size=3))
EDITS = st.lists(st.dictionaries(KEYS, VALUES, max_size=120), max_size=8)


def no_node(digest: bytes, _born: int) -> bytes:
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
            node.born = 0
            files[node.digest] = node.encode()
            assert decode_node(files[node.digest], node.digest, 0).digest == node.digest

    def load(digest: bytes, _born: int) -> bytes:
        return files[digest]

    loaded = State(load, state.root, state.count, state.born)
    assert list(loaded.items()) == list(state.items())
    fresh = State(load, state.root, state.count, state.born).apply(more)
    assert fresh.root == state.apply(more).root
    assert list(fresh.items()) == list(state.apply(more).items())


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(KEYS, st.binary(min_size=1, max_size=3), min_size=1, max_size=300))
def test_every_entry_and_every_gap_can_be_proved(entries: dict[bytes, bytes]) -> None:
    written = {key: value.hex().encode() for key, value in entries.items()}
    state = built(written)
    asked = [key.decode() for key in [*list(entries)[:20], b"f/0007", b"a", b"z"]]
    found = read(show(state, asked))
    assert found.root == state.root
    assert [found.get(key) for key in asked] == [written.get(key.encode()) for key in asked]


@settings(max_examples=30, deadline=None)
@given(EDITS, EDITS)
def test_a_map_known_by_its_changes_answers_like_the_map(
    edits: list[dict[bytes, bytes | None]], more: list[dict[bytes, bytes | None]]
) -> None:
    state = State(no_node)
    for edit in edits:
        state = state.apply(edit)
    later = state
    for edit in more:
        state = state.apply(edit)
        later = later.later(edit, state.root, state.count, AssertionError)
    prefix = "f/00"
    assert list(later.items(prefix)) == list(state.items(prefix))
    assert [later.get(f"f/{number:04d}") for number in range(401)] == [
        state.get(f"f/{number:04d}") for number in range(401)
    ]
    assert later.apply({b"f/x": b"1"}).root == state.apply({b"f/x": b"1"}).root


@settings(max_examples=60, deadline=None)
@given(
    st.sets(st.integers(0, 2000), max_size=1200),
    st.lists(st.tuples(st.integers(0, 2000), st.booleans()), max_size=60),
)
def test_single_edits_equal_a_rebuilt_map(numbers: set[int], edits: list[tuple[int, bool]]) -> None:
    entries = {b"f/%04d" % number: b"v%d" % number for number in numbers}
    state = built(entries)
    for number, kept in edits:
        key = b"f/%04d" % number
        state = state.apply({key: b"new" if kept else None})
        entries.pop(key, None)
        if kept:
            entries[key] = b"new"
    assert (state.root, state.count) == (built(entries).root, len(entries))
