"""The log's Merkle tree, of which sealed parts lie in tiles and the right edge in memory.

Layer: ``engine.timeline``. Invariant: a tile's hashes are used only after they fold to the hash
that the tile above, or the edge in memory, has for it.
Source: C2SP tlog-tiles; a full level-0 tile is one sealed log segment.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from engine.errors import CorruptError, IoError
from engine.objectstore import layout
from engine.proof.hashing import SIZE, fold, node_hash, root
from engine.proof.tree import CompactRange, consistency_path, inclusion_path, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.objectstore import Store

_WIDTH: Final = layout.SEGMENT_COMMITS
_BITS: Final = 8
_KEPT: Final = 64


class Tree:
    """A tree of ``sealed`` leaves in tiles plus those of one more segment in memory.

    ``tail`` holds leaf hashes and is full just before the segment after it begins.
    """

    def __init__(self, store: Store, sealed: int, edge: list[list[bytes]]) -> None:
        """Take the number of leaves in tiles and the hashes of partial tiles, from level 1 up."""
        self._store = store
        self._edge = edge
        self._tiles: dict[tuple[int, int], list[Sequence[bytes]]] = {}
        self.sealed = sealed
        self.tail: list[bytes] = []
        self.range = CompactRange(sealed, _perfect_subtrees(edge))

    @property
    def size(self) -> int:
        """Return the number of leaves."""
        return self.sealed + len(self.tail)

    def append(self, leaf: bytes) -> None:
        """Add one leaf's hash; a full tail is sealed first, in memory."""
        if len(self.tail) == _WIDTH:
            self._roll()
        self.tail.append(leaf)
        self.range.append(leaf)

    def _roll(self) -> None:
        carry = root(self.tail)
        self.sealed += _WIDTH
        self.tail = []
        for row in self._edge:
            row.append(carry)
            if len(row) < _WIDTH:
                return
            carry = root(row)
            row.clear()
        self._edge.append([carry])

    def seal(self) -> list[tuple[str, bytes]]:
        """Return the tiles that a full tail completes, and the new partial one above them."""
        index = self.sealed // _WIDTH
        tiles = [(layout.tile(0, index), b"".join(self.tail))]
        carry = root(self.tail)
        for level, row in enumerate([*self._edge, []], 1):
            full = [*row, carry]
            index //= _WIDTH
            tiles.append((layout.tile(level, index, len(full)), b"".join(full)))
            if len(full) < _WIDTH:
                break
            carry = root(full)
        return tiles

    def superseded(self) -> list[str]:
        """Return the partial tiles that ``seal`` makes useless."""
        paths = []
        index = self.sealed // _WIDTH
        for level, row in enumerate(self._edge, 1):
            index //= _WIDTH
            if row:
                paths.append(layout.tile(level, index, len(row)))
            if len(row) + 1 < _WIDTH:
                break
        return paths

    def _rows(self, level: int, index: int) -> list[Sequence[bytes]]:
        """Return all rows of a full tile, verified.

        Raises: CorruptError, IoError.
        """
        rows = self._tiles.get((level, index))
        if rows is None:
            path = layout.tile(level, index)
            hashes = read_tile(self._store, path, _WIDTH)
            rows = fold(hashes)
            if rows[-1][0] != self._hash(level + 1, index):
                raise CorruptError(f"{path} is damaged", subject=path)
            if len(self._tiles) >= _KEPT:
                self._tiles.pop(next(iter(self._tiles)), None)
            self._tiles[level, index] = rows
        return rows

    def _hash(self, level: int, index: int) -> bytes:
        """Return hash ``index`` of tile level ``level``."""
        if level == 0 and index >= self.sealed:
            return self.tail[index - self.sealed]
        if level == 1 and index == self.sealed // _WIDTH:
            return root(self.tail)
        tile, place = divmod(index, _WIDTH)
        if level and tile == self.sealed >> (_BITS * (level + 1)):
            return self._edge[level - 1][place]
        return self._rows(level, tile)[0][place]

    def leaf(self, index: int) -> bytes:
        """Return the hash of leaf ``index``.

        Raises: CorruptError, IoError.
        """
        return self._hash(0, index)

    def segment_root(self, index: int) -> bytes:
        """Return the root over the leaves of a full segment.

        Raises: CorruptError, IoError.
        """
        return self._hash(1, index)

    def subtree(self, lo: int, hi: int) -> bytes:
        """Return the root over leaves ``[lo, hi)``, which begin a subtree of some tree.

        Cost: at most one tile per level and edge.
        Raises: CorruptError, IoError.
        """
        size = hi - lo
        if size & (size - 1) or lo % size or lo < self.sealed < hi:
            middle = lo + split(size)
            return node_hash(self.subtree(lo, middle), self.subtree(middle, hi))
        height = size.bit_length() - 1
        if lo >= self.sealed:
            return root(self.tail[lo - self.sealed : hi - self.sealed])
        level, row = divmod(height, _BITS)
        first = lo >> (_BITS * level)
        tile, place = divmod(first, _WIDTH)
        if row == 0:
            return self._hash(level, first)
        if level and tile == self.sealed >> (_BITS * (level + 1)):
            return root(self._edge[level - 1][place : place + (1 << row)])
        return self._rows(level, tile)[row][place >> row]

    def root_at(self, size: int) -> bytes:
        """Return the root that the tree had with ``size`` leaves.

        Raises: CorruptError, IoError.
        """
        if size in (0, self.size):
            return self.range.root() if size else root([])
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


def _perfect_subtrees(edge: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Return the roots of the perfect subtrees under partial rows, largest first."""
    subtrees = []
    for row in reversed(edge):
        place = 0
        for bit in range(_BITS - 1, -1, -1):
            if len(row) >> bit & 1:
                subtrees.append(root(row[place : place + (1 << bit)]))
                place += 1 << bit
    return subtrees


def read_tile(store: Store, path: str, width: int) -> list[bytes]:
    """Return the hashes of a tile, which are only as good as what they are compared with.

    Raises: CorruptError, when the file is missing or of the wrong size; IoError.
    """
    size = store.size(path)
    data = b"" if size is None else store.read(path)
    if len(data) != width * SIZE:
        state = "missing" if size is None else "damaged"
        raise CorruptError(f"{path} is {state}", subject=path)
    return [data[place : place + SIZE] for place in range(0, len(data), SIZE)]


def _read_partial(store: Store, path: str, width: int) -> list[bytes] | None:
    """Return a partial tile's hashes, or None when it is missing: a seal may just replace it."""
    if width and store.size(path) is not None:
        with suppress(IoError):
            return read_tile(store, path, width)
    return None


def open_edge(store: Store, sealed: int, *, rebuild: bool = False) -> list[list[bytes]]:
    """Return the partial rows over ``sealed`` leaves, from level 1 up; the caller checks the root.

    A partial tile that is missing, or any with ``rebuild``, is folded from the full tiles below.

    Cost: one small file per level.
    Raises: CorruptError, IoError.
    """
    edge: list[list[bytes]] = []
    count = sealed // _WIDTH
    level = 1
    while count:
        tile, width = divmod(count, _WIDTH)
        row = None if rebuild else _read_partial(store, layout.tile(level, tile, width), width)
        if row is None:
            below = [layout.tile(level - 1, tile * _WIDTH + child) for child in range(width)]
            row = [root(read_tile(store, path, _WIDTH)) for path in below]
        edge.append(row)
        count = tile
        level += 1
    return edge


def damaged_edge_tile(store: Store, sealed: int) -> str | None:
    """Return the partial tile that differs from the tiles below it, if there is one.

    Raises: CorruptError, IoError.
    """
    stored = open_edge(store, sealed)
    rebuilt = open_edge(store, sealed, rebuild=True)
    index = sealed // _WIDTH
    for level, (row, right) in enumerate(zip(stored, rebuilt, strict=True), 1):
        index //= _WIDTH
        if row != right:
            return layout.tile(level, index, len(right))
    return None
