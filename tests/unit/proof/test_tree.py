"""The tree's hashes and proofs, against the published vectors and against themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.proof.errors import ProofError
from engine.proof.hashing import EMPTY, leaf_hash, root
from engine.proof.tree import (
    CompactRange,
    consistency_path,
    inclusion_path,
    root_from_inclusion,
    verify_consistency,
    verify_inclusion,
)

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "rfc6962.json").read_text(encoding="utf-8")
)
HASHES = [leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
MANY = [leaf_hash(b"%d" % number) for number in range(70)]


def subtree(lo: int, hi: int) -> bytes:
    return root(MANY[lo:hi])


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    edge = CompactRange()
    for leaf in HASHES[:size]:
        edge.append(leaf)
    assert root(HASHES[:size]).hex() == VECTORS["roots"][size] == edge.root().hex()


@pytest.mark.parametrize("case", VECTORS["inclusion"])
def test_published_inclusion_paths(case: dict[str, object]) -> None:
    path = inclusion_path(case["index"], case["size"], lambda lo, hi: root(HASHES[lo:hi]))
    assert [part.hex() for part in path] == case["path"]


@pytest.mark.parametrize("case", VECTORS["consistency"])
def test_published_consistency_paths(case: dict[str, object]) -> None:
    path = consistency_path(case["old"], case["new"], lambda lo, hi: root(HASHES[lo:hi]))
    assert [part.hex() for part in path] == case["path"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 33, 64, 70])
def test_every_leaf_is_proved_and_no_other_place_is(size: int) -> None:
    for index in range(size):
        path = inclusion_path(index, size, subtree)
        verify_inclusion(index, size, MANY[index], path, subtree(0, size))
        with pytest.raises(ProofError):
            verify_inclusion((index + 1) % (size + 1), size, MANY[index], path, subtree(0, size))
        for place in range(len(path)):
            wrong = [*path[:place], bytes(32), *path[place + 1 :]]
            assert root_from_inclusion(index, size, MANY[index], wrong) != subtree(0, size)


@pytest.mark.parametrize("new", [1, 2, 5, 8, 31, 64, 70])
def test_every_prefix_is_consistent_and_no_other_root_is(new: int) -> None:
    for old in range(1, new + 1):
        path = consistency_path(old, new, subtree)
        before, after = subtree(0, old), subtree(0, new)
        verify_consistency(old, new, before, after, path)
        for wrong in ([*path, bytes(32)], [bytes(32), *path], path[:-1] if path else [after]):
            with pytest.raises(ProofError):
                verify_consistency(old, new, before, after, wrong)
        with pytest.raises(ProofError):
            verify_consistency(old, new, bytes(32), after, path)


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [(0, 0, []), (-1, 4, []), (4, 4, []), (0, 1, [bytes(32)]), (0, 2, []), (0, 2, [b"short"])],
)
def test_malformed_paths_are_refused(index: int, size: int, path: list[bytes]) -> None:
    with pytest.raises(ProofError):
        root_from_inclusion(index, size, MANY[0], path)


def test_an_empty_tree_proves_nothing() -> None:
    with pytest.raises(ProofError):
        verify_consistency(0, 4, EMPTY, subtree(0, 4), [])
