"""The state map: everything that is true after a commit, as an immutable tree of hashed nodes.

Layer: ``engine.timeline``. Invariant: the tree's shape and root depend on the entries alone, never
on the order in which they came, so an edited map equals a rebuilt one bit for bit.
Format: grizzly-lake(5).
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from engine.errors import CorruptError
from engine.objectstore import layout
from engine.proof import statemap
from engine.proof.errors import ProofError
from engine.proof.hashing import EMPTY
from engine.proof.hashing import root as fold_root
from engine.proof.tree import inclusion_path

_COUNT: Final = struct.Struct(">BI")
_KEY: Final = struct.Struct(">H")
_VALUE: Final = struct.Struct(">I")

Load: TypeAlias = Callable[[bytes], bytes]
"""Answers the encoded node with this digest."""


class Node:
    """A run of entries of one level; a child that was not needed yet is only a reference.

    ``saved`` says that this node and all below it are durable in the store.
    """

    __slots__ = ("children", "digest", "keys", "leaves", "level", "saved", "values")

    def __init__(
        self,
        level: int,
        keys: list[bytes],
        values: list[bytes],
        children: list[Node | None],
        *,
        digest: bytes | None = None,
    ) -> None:
        """Take the entries, and their digest if the caller has checked it."""
        self.level = level
        self.keys = keys
        self.values = values
        self.children = children
        self.saved = digest is not None
        self.digest = digest or statemap.node_digest(level, zip(keys, values, strict=True))
        if level:
            self.leaves = sum(statemap.parse_reference(value)[1] for value in values)
        else:
            self.leaves = len(keys)

    def reference(self) -> bytes:
        """Return the value that a parent's entry has for this node."""
        return statemap.reference(len(self.keys), self.leaves, self.digest)

    def encode(self) -> bytes:
        """Return the node's bytes at rest."""
        parts = [_COUNT.pack(self.level, len(self.keys))]
        for key, value in zip(self.keys, self.values, strict=True):
            parts += (_KEY.pack(len(key)), key, _VALUE.pack(len(value)), value)
        return b"".join(parts)


def decode_node(data: bytes, digest: bytes) -> Node:
    """Return the node with this digest.

    Raises: CorruptError, when the bytes are any other node's or nobody's.
    """
    path = layout.state(digest.hex())
    try:
        level, count = _COUNT.unpack_from(data)
        place = _COUNT.size
        keys, values = [], []
        for _ in range(count):
            (length,) = _KEY.unpack_from(data, place)
            place += _KEY.size
            keys.append(data[place : place + length])
            place += length
            (length,) = _VALUE.unpack_from(data, place)
            place += _VALUE.size
            values.append(data[place : place + length])
            place += length
        found = statemap.node_digest(level, zip(keys, values, strict=True))
        if place != len(data) or found != digest:
            raise CorruptError(f"{path} is damaged", subject=path)
        children: list[Node | None] = [None] * count if level else []
        return Node(level, keys, values, children, digest=digest)
    except (struct.error, ProofError, MemoryError) as error:
        raise CorruptError(f"{path} is damaged", subject=path) from error


def _child(node: Node, index: int, load: Load) -> Node:
    child = node.children[index]
    if child is None:
        entries, leaves, digest = statemap.parse_reference(node.values[index])
        child = decode_node(load(digest), digest)
        if (child.level, len(child.keys), child.leaves) != (node.level - 1, entries, leaves):
            path = layout.state(digest.hex())
            raise CorruptError(f"{path} is not the node that its parent names", subject=path)
        node.children[index] = child
    return child


_Entry: TypeAlias = tuple[bytes, bytes, Node | None]


def _entries(node: Node) -> Iterator[_Entry]:
    return zip(node.keys, node.values, node.children or [None] * len(node.keys), strict=True)


def _ends(level: int, size: int, key: bytes) -> bool:
    return size >= statemap.MAX_ENTRIES or (size > 1 and statemap.ends_node(level, key))


def _chunks(level: int, entries: Sequence[_Entry]) -> tuple[list[Node], bool]:
    """Cut entries into nodes; the flag says whether the last one ends by the rule."""
    nodes: list[Node] = []
    start = 0
    for place, (key, _, _) in enumerate(entries, 1):
        if _ends(level, place - start, key):
            nodes.append(_node(level, entries[start:place]))
            start = place
    closed = start == len(entries)
    if not closed:
        nodes.append(_node(level, entries[start:]))
    return nodes, closed


def _node(level: int, entries: Sequence[_Entry]) -> Node:
    children = [child for _, _, child in entries] if level else []
    return Node(level, [key for key, _, _ in entries], [value for _, value, _ in entries], children)


class _Cursor:
    """A place among the nodes of one level, which can step to the right."""

    def __init__(self, root: Node, level: int, load: Load) -> None:
        self._root = root
        self._level = level
        self._load = load
        self._above: list[tuple[Node, int]] = []
        self.node = root

    def seek(self, key: bytes) -> None:
        """Go to the node that holds ``key`` or would."""
        self._above.clear()
        self.node = self._root
        while self.node.level > self._level:
            self._descend(max(0, bisect_right(self.node.keys, key) - 1))

    def _descend(self, index: int) -> None:
        self._above.append((self.node, index))
        self.node = _child(self.node, index, self._load)

    def limit(self) -> bytes | None:
        """Return the first key of the next node, or None at the end of the level."""
        for node, index in reversed(self._above):
            if index + 1 < len(node.keys):
                return node.keys[index + 1]
        return None

    def advance(self) -> None:
        """Step to the next node, which must be there."""
        node, index = self._above.pop()
        while index + 1 == len(node.keys):
            node, index = self._above.pop()
        self.node = node
        self._descend(index + 1)
        while self.node.level > self._level:
            self._descend(0)


_Edit: TypeAlias = tuple[bytes, tuple[bytes, Node | None] | None]


def _merge(entries: Sequence[_Entry], edits: Sequence[_Edit]) -> list[_Entry]:
    merged = {key: (value, child) for key, value, child in entries}
    for key, edit in edits:
        if edit is None:
            merged.pop(key, None)
        else:
            merged[key] = edit
    return [(key, *merged[key]) for key in sorted(merged)]


def _edit_level(root: Node, level: int, edits: Sequence[_Edit], load: Load) -> list[_Edit]:
    """Apply edits to one level and return those that follow for the level above.

    A node begins where the one before it ended by the rule. So after an edit nodes are cut anew
    until one ends by the rule where an old one began; what follows it stays as it was.
    """
    cursor = _Cursor(root, level, load)
    above: dict[bytes, tuple[bytes, Node | None] | None] = {}
    place = 0
    while place < len(edits):
        cursor.seek(edits[place][0])
        entries: list[_Entry] = []
        old: dict[bytes, Node] = {}
        while True:
            old[cursor.node.digest] = cursor.node
            above[cursor.node.keys[0]] = None
            limit = cursor.limit()
            start = place
            while place < len(edits) and (limit is None or edits[place][0] < limit):
                place += 1
            entries = _merge([*entries, *_entries(cursor.node)], edits[start:place])
            nodes, closed = _chunks(level, entries)
            if closed or limit is None:
                break
            cursor.advance()
        for node in nodes:
            kept = old.get(node.digest, node)
            above[kept.keys[0]] = (kept.reference(), kept)
    return sorted(above.items(), key=lambda item: item[0])


def _grow(level: int, nodes: list[Node]) -> Node | None:
    """Put levels on top of all nodes of one level until a single node is left."""
    while len(nodes) > 1:
        level += 1
        nodes, _ = _chunks(level, [(node.keys[0], node.reference(), node) for node in nodes])
    return nodes[0] if nodes else None


def _edited(root: Node | None, edits: Sequence[_Edit], load: Load) -> Node | None:
    if root is None:
        nodes, _ = _chunks(0, _merge([], edits))
        return _grow(0, nodes)
    for level in range(root.level + 1):
        edits = _edit_level(root, level, edits, load)
        if not edits:
            return root
    result = _grow(root.level, [edit[1] for _, edit in edits if edit and edit[1]])
    while result is not None and result.level and len(result.keys) == 1:
        result = _child(result, 0, load)
    return result


def _step(node: Node, index: int) -> statemap.Step:
    hashes = [
        statemap.entry_hash(node.level, key, value)
        for key, value in zip(node.keys, node.values, strict=True)
    ]
    path = inclusion_path(index, len(hashes), lambda lo, hi: fold_root(hashes[lo:hi]))
    return statemap.Step(node.keys[index], node.values[index], index, len(hashes), tuple(path))


class State:
    """An immutable map from ASCII text to bytes, committed to by one hash."""

    __slots__ = ("_digest", "_load", "_root", "count")

    def __init__(self, load: Load, digest: bytes = EMPTY, count: int = 0) -> None:
        """Name the map with this root; nothing of it is read before it is needed."""
        self._load = load
        self._root: Node | None = None
        self._digest = digest
        self.count = count

    @property
    def root(self) -> bytes:
        """Return the hash over all entries; an empty map has SHA-256 of nothing."""
        return self._digest

    def _top(self) -> Node | None:
        if self._root is None and self.count:
            node = decode_node(self._load(self._digest), self._digest)
            if node.leaves != self.count:
                path = layout.state(self._digest.hex())
                raise CorruptError(f"{path} is not the node that the log names", subject=path)
            self._root = node
        return self._root

    def get(self, key: str) -> bytes | None:
        """Return the value at ``key``, or None.

        Cost: one node per level, read at most once.
        Raises: CorruptError.
        """
        node = self._top()
        if node is None:
            return None
        wanted = key.encode("utf-8")
        cursor = _Cursor(node, 0, self._load)
        cursor.seek(wanted)
        keys = cursor.node.keys
        index = bisect_left(keys, wanted)
        return cursor.node.values[index] if keys[index : index + 1] == [wanted] else None

    def items(self, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        """Yield every key that begins with ``prefix`` and its value, in order of the keys.

        Raises: CorruptError.
        """
        node = self._top()
        if node is None:
            return
        first = prefix.encode("utf-8")
        cursor = _Cursor(node, 0, self._load)
        cursor.seek(first)
        start = bisect_left(cursor.node.keys, first)
        while True:
            for index in range(start, len(cursor.node.keys)):
                key = cursor.node.keys[index]
                if not key.startswith(first):
                    return
                yield key.decode("ascii"), cursor.node.values[index]
            if cursor.limit() is None:
                return
            cursor.advance()
            start = 0

    def apply(self, changes: Mapping[bytes, bytes | None]) -> State:
        """Return the map with keys set, or removed where the value is None.

        Cost: by the number of changes and the logarithm of the map's size.
        Raises: CorruptError.
        """
        edits: list[_Edit] = [
            (key, None if value is None else (value, None))
            for key, value in sorted(changes.items())
        ]
        if not edits:
            return self
        result = State(self._load)
        node = _edited(self._top(), edits, self._load)
        if node is not None:
            result._root = node
            result._digest = node.digest
            result.count = node.leaves
        return result

    def unsaved(self) -> list[Node]:
        """Return the nodes in memory that nobody has marked as saved, children first."""
        found: list[Node] = []

        def visit(node: Node) -> None:
            if not node.saved:
                for child in node.children:
                    if child is not None:
                        visit(child)
                found.append(node)

        if self._root is not None:
            visit(self._root)
        return found

    def prove(self, key: str) -> list[statemap.Step]:
        """Return the path that proves the entry at ``key``, from the bottom to the root.

        Raises: KeyError, CorruptError.
        """
        node, wanted = self._top(), key.encode("utf-8")
        steps: list[statemap.Step] = []
        while node is not None:
            index = max(0, bisect_right(node.keys, wanted) - 1)
            steps.append(_step(node, index))
            node = _child(node, index, self._load) if node.level else None
        if not steps or steps[-1].key != wanted:
            raise KeyError(key)
        return steps[::-1]
