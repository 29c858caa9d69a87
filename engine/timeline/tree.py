"""The log's Merkle tree, of which sealed parts lie in packs and the right edge in memory.

Layer: ``engine.timeline``. Invariant: a hash from a pack is used only after all packs were compared
with the tree that the log's records lead to.
Source: RFC 6962; a segment's leaf hashes are one full tile of C2SP tlog-tiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.proof.hashing import node_hash, root
from engine.proof.tree import CompactRange, consistency_path, inclusion_path, split

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.timeline.packs import Packs


class Tree:
    """A tree of leaves in packs plus those in memory."""

    def __init__(self, packs: Packs, before: CompactRange) -> None:
        """Take the packs and the tree over the leaves in them."""
        self._packs = packs
        self._before = before
        self._tail: list[bytes] = []
        self.range = before.copy()

    @property
    def size(self) -> int:
        """Return the number of leaves."""
        return self.range.size

    def extend(self, leaves: Iterable[bytes], after: CompactRange) -> None:
        """Add leaves' hashes, which make the tree ``after``."""
        self._tail += leaves
        self.range = after

    def range_at(self, size: int) -> CompactRange:
        """Return the tree as it was with ``size`` leaves, of which packs hold no more."""
        result = self._before.copy()
        for leaf in self._tail[: size - result.size]:
            result.append(leaf)
        return result

    def packed(self, before: CompactRange) -> None:
        """Leave to the packs what they have come to hold: the tree over it is ``before``."""
        del self._tail[: before.size - self._before.size]
        self._before = before

    def check(self) -> None:
        """Compare the packs with the tree.

        Raises: CorruptError, IoError.
        """
        self._packs.check(self._before)

    def tail_root(self, lo: int, hi: int) -> bytes:
        """Return the root over leaves ``[lo, hi)``, all of them in memory."""
        sealed = self._before.size
        return root(self._tail[lo - sealed : hi - sealed])

    def leaf(self, index: int) -> bytes:
        """Return the hash of leaf ``index``.

        Raises: CorruptError, IoError.
        """
        sealed = self._before.size
        if index >= sealed:
            return self._tail[index - sealed]
        self.check()
        return self._packs.leaf(index)

    def subtree(self, lo: int, hi: int) -> bytes:
        """Return the root over leaves ``[lo, hi)``, which begin a subtree of some tree.

        Raises: CorruptError, IoError.
        """
        sealed = self._before.size
        if lo >= sealed:
            return self.tail_root(lo, hi)
        if hi <= sealed:
            self.check()
            return self._packs.subtree(lo, hi)
        middle = lo + split(hi - lo)
        return node_hash(self.subtree(lo, middle), self.subtree(middle, hi))

    def root_at(self, size: int) -> bytes:
        """Return the root that the tree had with ``size`` leaves.

        Raises: CorruptError, IoError.
        """
        if size in (0, self.size):
            return self.range.root() if size else root([])
        if size == self._before.size:
            return self._before.root()
        return self.subtree(0, size)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the proof that leaf ``index`` is in the tree of ``size`` leaves.

        Raises: CorruptError, IoError.
        """
        return inclusion_path(index, size, self.subtree)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the tree of ``old`` leaves is a prefix of that of ``new``.

        Raises: CorruptError, IoError.
        """
        return consistency_path(old, new, self.subtree)
