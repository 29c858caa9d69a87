"""Showing a part of a state map, and hashes of the rest.

Layer: ``engine.timeline``. Invariant: what is made here, ``engine.proof.opening`` reads back: the same
root, and between shown entries nothing but what is hidden there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.proof import fields
from engine.proof.hashing import root as fold_root
from engine.proof.tree import split
from engine.timeline.state import _child

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence, Set

    from engine.timeline.state import Node, State

Range: TypeAlias = tuple[bytes, bytes]
"""Keys from the first up to the second."""


def top_of(state: State) -> Node | None:
    """Return the node at the top of a state; an empty one has none."""
    return state.top()


def child_of(state: State, node: Node, index: int) -> Node:
    """Return a node's child.

    Raises: CorruptError, IoError.
    """
    return _child(node, index, state._load)  # noqa: SLF001 - the timeline's own view of its state


def show(state: State, keys: Iterable[str] = (), ranges: Iterable[Range] = ()) -> Any:
    """Return the part of a state that proves what is at some keys, and all that is in some ranges.

    A key that is not there is shown by its two neighbours, and so are the ends of a range.

    Cost: the nodes on the way to what is shown.
    Raises: CorruptError, IoError.
    """
    wanted: set[bytes] = set()
    for key in keys:
        wanted |= _shows(state, key)
    for first, limit in ranges:
        wanted |= _within(state, first, limit) | _borders(state, first, limit)
    maker = _Maker(state, sorted(wanted))
    return maker.tree()


def _shows(state: State, key: str) -> set[bytes]:
    """Return what proves that a key is there, or that it is not."""
    wanted = key.encode("ascii")
    if state.get(key) is not None:
        return {wanted}
    return _borders(state, wanted, wanted + b"\0")


def _within(state: State, first: bytes, limit: bytes) -> set[bytes]:
    prefix = _same_beginning(first, limit).decode("ascii")
    found = (key.encode("ascii") for key, _ in state.items(prefix))
    return {key for key in found if first <= key < limit}


def _same_beginning(first: bytes, limit: bytes) -> bytes:
    length = 0
    while length < min(len(first), len(limit)) and first[length] == limit[length]:
        length += 1
    return first[:length]


def _borders(state: State, first: bytes, limit: bytes) -> set[bytes]:
    """Return the last key before a range and the first one after it, where there are such."""
    found: set[bytes] = set()
    node = top_of(state)
    following = None
    while node is not None:
        index = max(0, bisect_right(node.keys, limit) - 1)
        if bisect_left(node.keys, limit) < len(node.keys):
            following = node.keys[bisect_left(node.keys, limit)]
        node = child_of(state, node, index) if node.level else None
    if following is not None:
        found.add(following)
    node = top_of(state)
    while node is not None:
        index = bisect_left(node.keys, first) - 1
        if index < 0:
            break
        if not node.level:
            found.add(node.keys[index])
        node = child_of(state, node, index) if node.level else None
    return found


class _Maker:
    """Builds the shown part: ``wanted`` keys, and the nodes at ``opened``.

    ``shared`` are hashes that another state has too; the first to meet one gives it a place.
    """

    def __init__(
        self,
        state: State,
        wanted: Sequence[bytes],
        opened: Set[tuple[int, bytes]] = frozenset(),
        shared: Set[bytes] = frozenset(),
        places: dict[bytes, int] | None = None,
    ) -> None:
        self._state = state
        self._wanted = wanted
        self._opened = opened
        self._shared = shared
        self._places = {} if places is None else places

    def tree(self) -> Any:
        node = top_of(self._state)
        return None if node is None else self._node(node, None)

    def _node(self, node: Node, limit: bytes | None) -> Any:
        hashes = [entry.hashed for entry in node.entries]
        items: list[Any] = []
        for index, entry in enumerate(node.entries):
            after = node.keys[index + 1] if index + 1 < len(node.keys) else limit
            if hashes[index] in self._shared:
                items.append(self._places.setdefault(hashes[index], len(self._places)))
            elif not self._wants(node.level, entry.key, after):
                items.append(None)
            elif node.level == 0:
                items.append({"k": entry.key.decode("ascii"), "v": entry.value.decode("utf-8")})
            else:
                child = child_of(self._state, node, index)
                items.append(
                    {
                        "k": entry.key.decode("ascii"),
                        "n": len(child.entries),
                        "of": child.leaves,
                        "t": self._node(child, after),
                    }
                )
        return _nested(hashes, items, 0, len(items))

    def _wants(self, level: int, key: bytes, after: bytes | None) -> bool:
        if (level, key) in self._opened:
            return True
        place = bisect_left(self._wanted, key)
        return place < len(self._wanted) and (after is None or self._wanted[place] < after)


def _nested(hashes: Sequence[bytes], items: Sequence[Any], lo: int, hi: int) -> Any:
    if all(item is None for item in items[lo:hi]):
        return fields.spell(fold_root(hashes[lo:hi]))
    if hi - lo == 1:
        return items[lo]
    middle = lo + split(hi - lo)
    return [_nested(hashes, items, lo, middle), _nested(hashes, items, middle, hi)]


def compare(before: State, after: State, key: str, within: Range) -> tuple[Any, Any, list[bytes]]:
    """Return what two states show of their differences in a range, and the hashes they share.

    What is the same in both is one hash in both, as large as it can be. What each has at ``key``,
    outside the range, is shown too.

    Cost: the nodes that differ, and those at the ends of the range.
    Raises: CorruptError, IoError.
    """
    sides = [_Side(state, key, within) for state in (before, after)]
    shared: set[bytes] = set()
    while any(side.pending for side in sides):
        level = max(node.level for side in sides for node, _ in side.pending)
        inside = [side.inside(level) for side in sides]
        same = set(inside[0]) & set(inside[1])
        shared |= same
        for side in sides:
            side.descend(level, same)
    places: dict[bytes, int] = {}
    trees = [side.tree(shared, places) for side in sides]
    return trees[0], trees[1], list(places)


class _Side:
    """One of two states that are compared, level by level from the top.

    ``pending`` are the nodes that may hold differences, each with where the next node begins.
    """

    def __init__(self, state: State, key: str, within: Range) -> None:
        top = top_of(state)
        self._state = state
        self._first, self._limit = within
        self._wanted = _borders(state, *within) | _shows(state, key)
        self._opened: set[tuple[int, bytes]] = set()
        self.pending: list[tuple[Node, bytes | None]] = [] if top is None else [(top, None)]

    def tree(self, shared: Set[bytes], places: dict[bytes, int]) -> Any:
        """Return what this state shows; what both have gets places in the order of the keys."""
        return _Maker(self._state, sorted(self._wanted), self._opened, shared, places).tree()

    def inside(self, level: int) -> list[bytes]:
        """Return the hashes of the entries that lie in a range with all that is below them."""
        return [
            node.entries[index].hashed
            for node, limit in self.pending
            if node.level == level
            for index in range(len(node.keys))
            if self._is_inside(node, index, limit)
        ]

    def _is_inside(self, node: Node, index: int, limit: bytes | None) -> bool:
        key, after = node.keys[index], _after(node, index, limit)
        if node.level == 0:
            return self._first <= key < self._limit
        return after is not None and self._first <= key and after <= self._limit

    def descend(self, level: int, same: Set[bytes]) -> None:
        """Replace the nodes of a level by their children, but for what both states have."""
        following = [found for found in self.pending if found[0].level < level]
        for node, limit in self.pending:
            if node.level < level:
                continue
            for index, key in enumerate(node.keys):
                inside = self._is_inside(node, index, limit)
                if inside and node.entries[index].hashed in same:
                    continue
                after = _after(node, index, limit)
                if not level:
                    self._wanted |= {key} if inside else set()
                elif key < self._limit and (after is None or after > self._first):
                    self._opened.add((level, key))
                    following.append((child_of(self._state, node, index), after))
        self.pending = following


def _after(node: Node, index: int, limit: bytes | None) -> bytes | None:
    return node.keys[index + 1] if index + 1 < len(node.keys) else limit
