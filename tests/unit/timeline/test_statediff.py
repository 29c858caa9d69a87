"""Two states differ by exactly what a comparison of all their entries says, and shared nodes stay shut."""

from __future__ import annotations

import random

import pytest

from engine.timeline import State, differing


def load(digest: bytes) -> bytes:
    raise AssertionError(digest)


def brute(a: State, b: State, prefix: str) -> tuple[dict[str, bytes], dict[str, bytes]]:
    ours, theirs = dict(a.items(prefix)), dict(b.items(prefix))
    return (
        {k: v for k, v in ours.items() if theirs.get(k) != v},
        {k: v for k, v in theirs.items() if ours.get(k) != v},
    )


@pytest.mark.parametrize("size", [0, 1, 30, 3_000])
@pytest.mark.parametrize("edits", [0, 1, 40, 2_000])
def test_differences_are_those_of_all_entries(size: int, edits: int) -> None:
    dice = random.Random(size * 7 + edits)
    keys = [f"{dice.choice('fgt')}/{n:05d}" for n in range(4_000)]
    a = State(load).apply({k.encode(): b"%d" % dice.randrange(5) for k in keys[:size]})
    changes: dict[bytes, bytes | None] = {
        dice.choice(keys).encode(): None if dice.random() < 0.4 else b"%d" % dice.randrange(5)
        for _ in range(edits)
    }
    b = a.apply(changes)
    for prefix in ("", "f/", "g/0", "t/01234", "zz", "A"):
        assert differing(a, b, prefix) == brute(a, b, prefix)
        assert differing(b, a, prefix) == brute(b, a, prefix)
    assert differing(a, State(load), "f/") == brute(a, State(load), "f/")


def test_shared_nodes_are_never_read() -> None:
    stored: dict[bytes, bytes] = {}
    read: list[bytes] = []

    def fetch(digest: bytes, _born: int) -> bytes:
        read.append(digest)
        return stored[digest]

    a = State(fetch).apply({b"f/%06d" % n: b"x" for n in range(20_000)})
    b = a.apply({b"f/%06d" % 777: b"y"})
    for state in (a, b):
        for node in state.unsaved():
            node.born = 0
            stored[node.digest] = node.encode()
    cold = [State(fetch, s.root, s.count, 0) for s in (a, b)]
    assert differing(*cold, "f/") == ({"f/000777": b"x"}, {"f/000777": b"y"})
    assert len(read) == 2 * (a.top().level + 1), "one path on each side"
