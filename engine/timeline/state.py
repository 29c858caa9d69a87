"""The state map: everything that is true after a commit, as an immutable tree of hashed nodes.

Layer: ``engine.timeline``. Invariant: the tree's shape and root depend on the entries alone, never
on the order in which they came, so an edited map equals a rebuilt one bit for bit.
Format: grizzly-lake(5).
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Final, TypeAlias

from engine.errors import CorruptError
from engine.proof import statemap
from engine.proof.hashing import EMPTY, fold, refold_from, refold_one
from engine.proof.hashing import root as fold_root

_COUNT: Final = struct.Struct(">BI")
_KEY: Final = struct.Struct(">H")
_VALUE: Final = struct.Struct(">I")
_FEW: Final = 16
_MANY: Final = 2048
UNSAVED: Final = -1
"""Where a node was born that no pack holds yet."""

Load: TypeAlias = Callable[[bytes, int], bytes]
"""Answers the encoded node with this digest that was first packed with this log segment."""


class Entry:
    """A key and its value, shared by all nodes that hold them.

    At inner levels ``child`` is the node, or the segment where it was born until it is needed.
    What can be computed from the key and value is computed once.
    """

    __slots__ = ("_ends", "child", "hashed", "key", "value")

    def __init__(self, level: int, key: bytes, value: bytes, child: Node | int = UNSAVED) -> None:
        """Take an entry of this level."""
        self.key = key
        self.value = value
        self.child = child
        self.hashed = statemap.entry_hash(level, key, value)
        self._ends: bool | None = None

    def marked(self, level: int) -> bool:
        """Return whether the key is one that nodes end with."""
        if self._ends is None:
            self._ends = statemap.ends_node(level, self.key)
        return self._ends

    def ends_node(self, level: int, size: int) -> bool:
        """Return whether a node of ``size`` entries ends with this one."""
        return size >= statemap.MAX_ENTRIES or (size > 1 and self.marked(level))

    def followed_by(self, level: int, value: bytes, child: Node) -> Entry:
        """Return the entry that has this one's key and another child."""
        entry = Entry(level, self.key, value, child)
        entry._ends = self._ends
        return entry


class Node:
    """A run of entries of one level.

    ``born`` is the log segment with which this node and all below it were packed.
    """

    __slots__ = ("_rows", "born", "digest", "entries", "keys", "leaves", "level")

    def __init__(self, level: int, entries: list[Entry]) -> None:
        """Take the entries, in order of their keys."""
        self.level = level
        self.entries = entries
        self.keys = [entry.key for entry in entries]
        self.born = UNSAVED
        self._rows: list[list[bytes]] = []
        self.digest = fold_root([entry.hashed for entry in entries])
        self.leaves = len(entries)
        if level:
            self.leaves = sum(statemap.parse_reference(entry.value)[1] for entry in entries)

    def reference(self) -> bytes:
        """Return the value of the entry that a parent has for this node."""
        return statemap.reference(len(self.entries), self.leaves, self.digest)

    def as_entry(self) -> Entry:
        """Return the entry that a parent has for this node."""
        return Entry(self.level + 1, self.keys[0], self.reference(), self)

    def children(self) -> list[tuple[bytes, int]]:
        """Return the digest of each node below, and where it was born."""
        if not self.level:
            return []
        return [
            (
                statemap.parse_reference(entry.value)[2],
                entry.child if isinstance(entry.child, int) else entry.child.born,
            )
            for entry in self.entries
        ]

    def edited(self, index: int, removed: int, added: Sequence[Entry], leaves: int) -> Node:
        """Return the node with entries exchanged at ``index``; ``leaves`` is what that adds below.

        Cost: the hashes above the exchanged entries, not the node's.
        """
        node = Node.__new__(Node)
        old = self._rows or fold([entry.hashed for entry in self.entries])
        end = index + removed
        node.entries = entries = self.entries.copy()
        entries[index:end] = added
        row = [*old[0]]
        row[index:end] = [entry.hashed for entry in added]
        if removed == 1 == len(added):
            node.keys = self.keys
            rows = refold_one(row, old, index)
        else:
            node.keys = keys = self.keys.copy()
            keys[index:end] = [entry.key for entry in added]
            rows = refold_from(row, old, index)
        node._rows = rows  # noqa: SLF001 - one class's own affair
        node.digest = rows[-1][0]
        node.level = self.level
        node.born = UNSAVED
        node.leaves = self.leaves + leaves
        return node

    def split(self, index: int, removed: int, added: Sequence[Entry]) -> tuple[Node, Node]:
        """Return the node with entries exchanged at ``index``, cut in two after what was added."""
        before, after = self.entries[:index], self.entries[index + removed :]
        return Node(self.level, [*before, *added]), Node(self.level, after)

    def encode(self) -> bytes:
        """Return the node's bytes at rest."""
        parts = [_COUNT.pack(self.level, len(self.entries))]
        for entry in self.entries:
            key, value = entry.key, entry.value
            parts += (_KEY.pack(len(key)), key, _VALUE.pack(len(value)), value)
            if self.level:
                child = entry.child
                parts.append(_VALUE.pack(child if isinstance(child, int) else child.born))
        return b"".join(parts)


def _damaged(digest: bytes) -> CorruptError:
    name = f"state node {digest.hex()}"
    return CorruptError(f"{name} is damaged", subject=name)


def parse_node(data: bytes) -> Node:
    """Return the node that some bytes encode, whichever it is.

    Raises: CorruptError, when they are no node's.
    """
    try:
        level, count = _COUNT.unpack_from(data)
        place = _COUNT.size
        entries = []
        child = UNSAVED
        for _ in range(count):
            (length,) = _KEY.unpack_from(data, place)
            place += _KEY.size
            key = data[place : place + length]
            place += length
            (length,) = _VALUE.unpack_from(data, place)
            place += _VALUE.size
            value = data[place : place + length]
            place += length
            if level:
                (child,) = _VALUE.unpack_from(data, place)
                place += _VALUE.size
            entries.append(Entry(level, key, value, child))
        node = Node(level, entries)
    except (struct.error, ValueError) as error:
        raise CorruptError("a state node is damaged") from error
    if place != len(data):
        raise CorruptError("a state node is damaged")
    return node


def decode_node(data: bytes, digest: bytes, born: int) -> Node:
    """Return the node with this digest.

    Raises: CorruptError, when the bytes are any other node's or nobody's.
    """
    try:
        node = parse_node(data)
    except CorruptError as error:
        raise _damaged(digest) from error
    if node.digest != digest:
        raise _damaged(digest)
    node.born = born
    return node


def _child(node: Node, index: int, load: Load) -> Node:
    entry = node.entries[index]
    child = entry.child
    if isinstance(child, int):
        entries, leaves, digest = statemap.parse_reference(entry.value)
        child = decode_node(load(digest, child), digest, child)
        if (child.level, len(child.entries), child.leaves) != (node.level - 1, entries, leaves):
            raise _damaged(digest)
        entry.child = child
    return child


def _edit_one(root: Node, key: bytes, entry: Entry | None, load: Load) -> Node | None:
    """Return the map with one entry set or removed, None if nodes have to be cut anew for it.

    Cost: the hashes on one path.
    """
    path = []
    node = root
    while node.level:
        index = bisect_right(node.keys, key) - 1
        if index < 0:
            return None
        path.append((node, index))
        node = _child(node, index, load)
    made = _edit_leaf(node, key, entry)
    if made is None:
        return None
    if made[0] is node:
        return root
    leaves = sum(new.leaves for new in made) - node.leaves
    for above, index in reversed(path):
        first = made[0]
        new = [above.entries[index].followed_by(above.level, first.reference(), first)]
        if len(made) > 1:
            new.append(made[1].as_entry())
        made = _exchanged(above, index, 1, new, leaves)
        if made is None:
            return None
    return made[0] if len(made) == 1 else _grow(root.level, made)


def _edit_leaf(node: Node, key: bytes, entry: Entry | None) -> list[Node] | None:
    """Return what a bottom node becomes, itself when nothing changes, None as ``_exchanged`` does."""
    index = bisect_left(node.keys, key)
    there = index < len(node.keys) and node.keys[index] == key
    if entry is None:
        if not there:
            return [node]
        ends = index == 0 or node.entries[index].marked(0)
        full = len(node.keys) >= statemap.MAX_ENTRIES
        return None if ends or full else [node.edited(index, 1, [], -1)]
    if there:
        if entry.value == node.entries[index].value:
            return [node]
        return [node.edited(index, 1, [entry], 0)]
    return _exchanged(node, index, 0, [entry], 1) if index else None


def _exchanged(
    node: Node, index: int, removed: int, added: list[Entry], leaves: int
) -> list[Node] | None:
    """Return the one or two nodes that a node becomes when the last of ``added`` is new in it.

    None when other nodes begin or end elsewhere for it: when the node is as large as nodes can be,
    when what is new comes after the entry that ends the node, or would leave it a single entry.
    """
    size = len(node.keys)
    if len(added) == removed:
        return [node.edited(index, removed, added, leaves)]
    if size >= statemap.MAX_ENTRIES - 1:
        return None
    after = size - index - removed
    if not after:
        closed = node.entries[-1].ends_node(node.level, size)
        return None if closed else [node.edited(index, removed, added, leaves)]
    if not added[-1].marked(node.level):
        return [node.edited(index, removed, added, leaves)]
    return None if after == 1 else [*node.split(index, removed, added)]


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
_KEY_OF: Final = itemgetter(0)


def _merge(entries: Sequence[Entry], edits: Sequence[_Edit]) -> list[Entry]:
    merged: dict[bytes, Entry | None] = {entry.key: entry for entry in entries}
    merged.update(edits)
    return [entry for _, entry in sorted(merged.items(), key=_KEY_OF) if entry is not None]


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
    return sorted(above.items(), key=_KEY_OF)


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
    children = [entry.child for _, entry in edits if entry is not None]
    result = _grow(root.level, [child for child in children if isinstance(child, Node)])
    while result is not None and result.level and len(result.keys) == 1:
        result = _child(result, 0, load)
    return result


Blame: TypeAlias = Callable[[], CorruptError]
"""Makes the error to raise when a state is not the one that a commit claims."""

_Since: TypeAlias = "tuple[State, dict[bytes, bytes | None], Blame]"
"""An older state, what changed since, and whom to blame."""


class State:
    """An immutable map from ASCII text to bytes, committed to by one hash.

    A state may be known as an older one and what changed since (``later``); its tree, and with it
    whether that leads to the hash that is claimed, is made when it is first needed: to be edited,
    proved or packed. Values that are read come from verified nodes and verified changes either way.
    """

    __slots__ = ("_born", "_digest", "_load", "_root", "_since", "count")

    def __init__(
        self, load: Load, digest: bytes = EMPTY, count: int = 0, born: int = UNSAVED
    ) -> None:
        """Name the map with this root; nothing of it is read before it is needed."""
        self._load = load
        self._root: Node | None = None
        self._digest = digest
        self._born = born
        self._since: _Since | None = None
        self.count = count

    def later(
        self, net: Mapping[bytes, bytes | None], digest: bytes, count: int, blame: Blame
    ) -> State:
        """Return the state that changes lead to, which is claimed to have this root and count."""
        result = State(self._load, digest, count)
        base, older, _ = self._since or (self, {}, blame)
        result._since = (base, {**older, **net}, blame)
        if len(older) + len(net) > _MANY:
            result.top()
        return result

    @property
    def root(self) -> bytes:
        """Return the hash over all entries; an empty map has SHA-256 of nothing."""
        return self._digest

    @property
    def born(self) -> int:
        """Return the log segment with which the tree's top node was packed first."""
        return self._born if self._root is None else self._root.born

    def top(self) -> Node | None:
        """Return the map's highest node, or None when the map is empty.

        Raises: CorruptError.
        """
        if self._since is not None:
            base, net, blame = self._since
            made = base.apply(net)
            if (made.count, made.root) != (self.count, self._digest):
                raise blame()
            self._root = made.top()
            self._since = None
        elif self._root is None and self.count:
            node = decode_node(self._load(self._digest, self._born), self._digest, self._born)
            if node.leaves != self.count:
                raise _damaged(self._digest)
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
        wanted = key.encode("utf-8")
        since = self._since
        if since is not None:
            return since[1][wanted] if wanted in since[1] else since[0].get(key)
        node = self.top()
        if node is None:
            return None
        while node.level:
            node = _child(node, max(0, bisect_right(node.keys, wanted) - 1), self._load)
        keys = node.keys
        index = bisect_left(keys, wanted)
        return node.entries[index].value if keys[index : index + 1] == [wanted] else None

    def items(self, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        """Yield every key that begins with ``prefix`` and its value, in order of the keys.

        Raises: CorruptError.
        """
        since = self._since
        if since is None:
            return self._items(prefix.encode("utf-8"))
        return _overlaid(since[0].items(prefix), since[1], prefix.encode("utf-8"))

    def _items(self, first: bytes) -> Iterator[tuple[str, bytes]]:
        node = self.top()
        if node is None:
            return
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
        if not changes:
            return self
        edits: list[_Edit] = [
            (key, None if value is None else Entry(0, key, value))
            for key, value in sorted(changes.items())
        ]
        node = self.top()
        if len(edits) <= _FEW:
            for edit in edits:
                quick = node and _edit_one(node, *edit, self._load)
                node = quick or _edited(node, [edit], self._load)
        else:
            node = _edited(node, edits, self._load)
        result = State(self._load)
        if node is not None:
            result._root = node
            result._digest = node.digest
            result.count = node.leaves
        return result

    def unsaved(self) -> list[Node]:
        """Return the nodes that no pack holds yet, children first.

        Raises: CorruptError.
        """
        found: list[Node] = []

        def visit(node: Node) -> None:
            if node.born == UNSAVED:
                for entry in node.entries:
                    if isinstance(entry.child, Node):
                        visit(entry.child)
                found.append(node)

        top = self.top()
        if top is not None:
            visit(top)
        return found


def _overlaid(
    items: Iterator[tuple[str, bytes]], net: Mapping[bytes, bytes | None], first: bytes
) -> Iterator[tuple[str, bytes]]:
    """Merge changes into the entries of an older state, in order of the keys."""
    changed = sorted(key for key in net if key.startswith(first))
    place = 0
    for key, value in items:
        wanted = key.encode("ascii")
        while place < len(changed) and changed[place] < wanted:
            yield from _present(changed[place], net)
            place += 1
        if place < len(changed) and changed[place] == wanted:
            yield from _present(wanted, net)
            place += 1
        else:
            yield key, value
    for key_ in changed[place:]:
        yield from _present(key_, net)


def _present(key: bytes, net: Mapping[bytes, bytes | None]) -> Iterator[tuple[str, bytes]]:
    value = net[key]
    if value is not None:
        yield key.decode("ascii"), value
