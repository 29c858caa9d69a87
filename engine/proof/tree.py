"""Append-only Merkle trees: inclusion and consistency, made and checked.

Layer: ``engine.proof``. Invariant: a check that does not raise has used every hash it was given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.proof.errors import ProofError
from engine.proof.hashing import EMPTY, SIZE, node_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


def split(size: int) -> int:
    """Return the largest power of two below ``size``, which is two or more.

    Source: RFC 6962, section 2.1.
    """
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_path(index: int, size: int, subtree: Callable[[int, int], bytes]) -> list[bytes]:
    """Return the proof that leaf ``index`` is in the tree of ``size`` leaves.

    ``subtree(lo, hi)`` answers the root over leaves ``[lo, hi)``.

    Cost: one subtree per hash of the proof.
    Source: RFC 6962, section 2.1.1.
    """
    path: list[bytes] = []
    lo, hi = 0, size
    while hi - lo > 1:
        middle = lo + split(hi - lo)
        if index < middle:
            path.append(subtree(middle, hi))
            hi = middle
        else:
            path.append(subtree(lo, middle))
            lo = middle
    path.reverse()
    return path


def consistency_path(old: int, new: int, subtree: Callable[[int, int], bytes]) -> list[bytes]:
    """Return the proof that the tree of ``old`` leaves is a prefix of the tree of ``new``.

    Cost: one subtree per hash of the proof.
    Source: RFC 6962, section 2.1.2.
    """
    path: list[bytes] = []
    lo, hi = 0, new
    if not 0 < old < new:
        return path
    while hi != old:
        middle = lo + split(hi - lo)
        if old <= middle:
            path.append(subtree(middle, hi))
            hi = middle
        else:
            path.append(subtree(lo, middle))
            lo = middle
    if lo:
        path.append(subtree(lo, hi))
    path.reverse()
    return path


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """Return the root of the only tree in which ``path`` proves ``leaf``'s hash at ``index``.

    Raises: ProofError, when the path cannot belong to that index and size.
    Source: RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise ProofError("the index is outside the tree")
    if any(len(part) != SIZE for part in (leaf, *path)):
        raise ProofError("a hash is not 32 bytes long")
    position, last, result = index, size - 1, leaf
    for part in path:
        if last == 0:
            raise ProofError("the path is too long")
        if position & 1 or position == last:
            result = node_hash(part, result)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            result = node_hash(result, part)
        position >>= 1
        last >>= 1
    if last:
        raise ProofError("the path is too short")
    return result


def verify_inclusion(
    index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes
) -> None:
    """Check that ``leaf`` is the hash at ``index`` of the tree with this size and root.

    Raises: ProofError.
    Source: RFC 9162, section 2.1.3.2.
    """
    if root_from_inclusion(index, size, leaf, path) != root:
        raise ProofError("the path leads to another root")


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the newer tree begins with the older one.

    Raises: ProofError, for ``old == 0`` too: an empty tree proves nothing.
    Source: RFC 9162, section 2.1.4.2.
    """
    if not 0 < old <= new:
        raise ProofError("the sizes are not in order")
    if any(len(part) != SIZE for part in (old_root, new_root, *path)):
        raise ProofError("a hash is not 32 bytes long")
    if old == new:
        if path or old_root != new_root:
            raise ProofError("one size, two roots")
        return
    if not path:
        raise ProofError("the path is too short")
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if _roots_from_consistency(old, new, steps) != (old_root, new_root):
        raise ProofError("the path leads to other roots")


def _roots_from_consistency(old: int, new: int, steps: Sequence[bytes]) -> tuple[bytes, bytes]:
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    before = after = steps[0]
    for part in steps[1:]:
        if last == 0:
            raise ProofError("the path is too long")
        if position & 1 or position == last:
            before = node_hash(part, before)
            after = node_hash(part, after)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            after = node_hash(after, part)
        position >>= 1
        last >>= 1
    if last:
        raise ProofError("the path is too short")
    return before, after


class CompactRange:
    """The right edge of a growing tree: enough to append and to know the root.

    Shape: at most one hash per level.
    Cost: two hashes an append, amortised.
    """

    __slots__ = ("_edge", "_root", "size")

    def __init__(self, size: int = 0, edge: Iterable[bytes] = ()) -> None:
        """Start from the perfect subtrees, largest first, that make up ``size`` leaves."""
        self.size = size
        self._edge = list(edge)
        self._root: bytes | None = None

    def copy(self) -> CompactRange:
        """Return an independent range with the same leaves."""
        return CompactRange(self.size, self._edge)

    def append(self, leaf: bytes) -> None:
        """Add one leaf's hash."""
        carries, edge = self.size, self._edge
        while carries & 1:
            leaf = node_hash(edge.pop(), leaf)
            carries >>= 1
        edge.append(leaf)
        self.size += 1
        self._root = None

    def append_subtree(self, digest: bytes, height: int) -> None:
        """Add the root of a perfect subtree of ``2 ** height`` leaves, which must fit the size."""
        carries = self.size >> height
        self.size += 1 << height
        while carries & 1:
            digest = node_hash(self._edge.pop(), digest)
            carries >>= 1
        self._edge.append(digest)
        self._root = None

    @property
    def edge(self) -> tuple[bytes, ...]:
        """Return the perfect subtrees, largest first."""
        return tuple(self._edge)

    def root(self) -> bytes:
        """Return the root over all leaves, computed when it is asked for first."""
        if self._root is None:
            result = self._edge[-1] if self._edge else EMPTY
            for part in reversed(self._edge[:-1]):
                result = node_hash(part, result)
            self._root = result
        return self._root
