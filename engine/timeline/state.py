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


class Entry:
    """A key and its value, shared by all nodes that hold them; at inner levels, a child.

    What can be computed from the key and value is computed once.
    """

    __slots__ = ("_ends", "child", "hashed", "key", "value")

    def __init__(self, level: int, key: bytes, value: bytes, child: Node | None = None) -> None:
        """Take an entry of this level; a child that was not needed yet is only a reference."""
        self.key = key
        self.value = value
        self.child = child
        self.hashed = statemap.entry_hash(level, key, value)
        self._ends: bool | None = None

    def ends_node(self, level: int, size: int) -> bool:
        """Return whether a node of ``size`` entries ends with this one."""
        if size >= statemap.MAX_ENTRIES:
            return True
        if self._ends is None:
            self._ends = statemap.ends_node(level, self.key)
        return self._ends and size > 1


class Node:
    """A run of entries of one level.

    ``saved`` says that this node and all below it are durable in the store.
    """

    __slots__ = ("digest", "entries", "keys", "leaves", "level", "saved")

    def __init__(self, level: int, entries: list[Entry]) -> None:
        """Take the entries, in order of their keys."""
        self.level = level
        self.entries = entries
        self.keys = [entry.key for entry in entries]
        self.saved = False
        self.digest = fold_root([entry.hashed for entry in entries])
        self.leaves = len(entries)
        if level:
            self.leaves = sum(statemap.parse_reference(entry.value)[1] for entry in entries)

    def as_entry(self) -> Entry:
        """Return the entry that a parent has for this node."""
        value = statemap.reference(len(self.entries), self.leaves, self.digest)
        return Entry(self.level + 1, self.keys[0], value, self)

    def encode(self) -> bytes:
        """Return the node's bytes at rest."""
        parts = [_COUNT.pack(self.level, len(self.entries))]
        for entry in self.entries:
            key, value = entry.key, entry.value
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
        entries = []
        for _ in range(count):
            (length,) = _KEY.unpack_from(data, place)
            place += _KEY.size
            key = data[place : place + length]
            place += length
            (length,) = _VALUE.unpack_from(data, place)
            place += _VALUE.size
            entries.append(Entry(level, key, data[place : place + length]))
            place += length
        node = Node(level, entries)
    except (struct.error, ProofError) as error:
        raise CorruptError(f"{path} is damaged", subject=path) from error
    if place != len(data) or node.digest != digest:
        raise CorruptError(f"{path} is damaged", subject=path)
    node.saved = True
    return node


def _child(node: Node, index: int, load: Load) -> Node:
    entry = node.entries[index]
    if entry.child is None:
        entries, leaves, digest = statemap.parse_reference(entry.value)
        child = decode_node(load(digest), digest)
        if (child.level, len(child.entries), child.leaves) != (node.level - 1, entries, leaves):
            path = layout.state(digest.hex())
            raise CorruptError(f"{path} is not the node that its parent names", subject=path)
        entry.child = child
    return entry.child


def _chunks(level: int, entries: list[Entry]) -> tuple[list[Node], bool]:
    """Cut entries into nodes; the flag says whether the last one ends by the rule."""
    nodes: list[Node] = []
    start = 0
    for place, entry in enumerate(entries, 1):
        if entry.ends_node(level, place - start):
            nodes.append(Node(level, entries[start:place]))
            start = place
    closed = start == len(entries)
    if not closed:
        nodes.append(Node(level, entries[start:]))
    return nodes, closed


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


_Edit: TypeAlias = tuple[bytes, Entry | None]


def _merge(entries: Sequence[Entry], edits: Sequence[_Edit]) -> list[Entry]:
    merged: dict[bytes, Entry | None] = {entry.key: entry for entry in entries}
    merged.update(edits)
    return [entry for _, entry in sorted(merged.items(), key=_key) if entry is not None]


def _key(item: _Edit) -> bytes:
    return item[0]


def _edit_level(root: Node, level: int, edits: Sequence[_Edit], load: Load) -> list[_Edit]:
    """Apply edits to one level and return those that follow for the level above.

    A node begins where the one before it ended by the rule. So after an edit nodes are cut anew
    until one ends by the rule where an old one began; what follows it stays as it was.
    """
    cursor = _Cursor(root, level, load)
    above: dict[bytes, Entry | None] = {}
    place = 0
    while place < len(edits):
        cursor.seek(edits[place][0])
        entries: list[Entry] = []
        old: dict[bytes, Node] = {}
        while True:
            old[cursor.node.digest] = cursor.node
            above[cursor.node.keys[0]] = None
            limit = cursor.limit()
            start = place
            while place < len(edits) and (limit is None or edits[place][0] < limit):
                place += 1
            entries = _merge([*entries, *cursor.node.entries], edits[start:place])
            nodes, closed = _chunks(level, entries)
            if closed or limit is None:
                break
            cursor.advance()
        for node in nodes:
            kept = old.get(node.digest, node)
            above[kept.keys[0]] = kept.as_entry()
    return sorted(above.items(), key=_key)


def _grow(level: int, nodes: list[Node]) -> Node | None:
    """Put levels on top of all nodes of one level until a single node is left."""
    while len(nodes) > 1:
        level += 1
        nodes, _ = _chunks(level, [node.as_entry() for node in nodes])
    return nodes[0] if nodes else None


def _edited(root: Node | None, edits: Sequence[_Edit], load: Load) -> Node | None:
    if root is None:
        nodes, _ = _chunks(0, _merge([], edits))
        return _grow(0, nodes)
    for level in range(root.level + 1):
        edits = _edit_level(root, level, edits, load)
    result = _grow(root.level, [entry.child for _, entry in edits if entry and entry.child])
    while result is not None and result.level and len(result.keys) == 1:
        result = _child(result, 0, load)
    return result


def _step(node: Node, index: int) -> statemap.Step:
    hashes = [entry.hashed for entry in node.entries]
    path = inclusion_path(index, len(hashes), lambda lo, hi: fold_root(hashes[lo:hi]))
    entry = node.entries[index]
    return statemap.Step(entry.key, entry.value, index, len(hashes), tuple(path))


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

    def top(self) -> Node | None:
        """Return the map's highest node, or None when the map is empty.

        Raises: CorruptError.
        """
        if self._root is None and self.count:
            node = decode_node(self._load(self._digest), self._digest)
            if node.leaves != self.count:
                path = layout.state(self._digest.hex())
                raise CorruptError(f"{path} is not the node that the log names", subject=path)
            self._root = node
        return self._root

    def child(self, node: Node, index: int) -> Node:
        """Return the node below one entry of an inner node.

        Raises: CorruptError.
        """
        return _child(node, index, self._load)

    def get(self, key: str) -> bytes | None:
        """Return the value at ``key``, or None.

        Cost: one node per level, read at most once.
        Raises: CorruptError.
        """
        node = self.top()
        if node is None:
            return None
        wanted = key.encode("utf-8")
        cursor = _Cursor(node, 0, self._load)
        cursor.seek(wanted)
        keys = cursor.node.keys
        index = bisect_left(keys, wanted)
        return cursor.node.entries[index].value if keys[index : index + 1] == [wanted] else None

    def items(self, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        """Yield every key that begins with ``prefix`` and its value, in order of the keys.

        Raises: CorruptError.
        """
        node = self.top()
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
                yield key.decode("ascii"), cursor.node.entries[index].value
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
            (key, None if value is None else Entry(0, key, value))
            for key, value in sorted(changes.items())
        ]
        if not edits:
            return self
        result = State(self._load)
        node = _edited(self.top(), edits, self._load)
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
                for entry in node.entries:
                    if entry.child is not None:
                        visit(entry.child)
                found.append(node)

        if self._root is not None:
            visit(self._root)
        return found

    def prove(self, key: str) -> list[statemap.Step]:
        """Return the path that proves the entry at ``key``, from the bottom to the root.

        Raises: KeyError, CorruptError.
        """
        node, wanted = self.top(), key.encode("utf-8")
        steps: list[statemap.Step] = []
        while node is not None:
            index = max(0, bisect_right(node.keys, wanted) - 1)
            steps.append(_step(node, index))
            node = _child(node, index, self._load) if node.level else None
        if not steps or steps[-1].key != wanted:
            raise KeyError(key)
        return steps[::-1]
