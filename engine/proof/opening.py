"""A state map of which only a part is shown: the rest is hashes.

Layer: ``engine.proof``. Invariant: what is shown and what is hidden fold to one root, in the order of
the keys; so two entries with nothing hidden between them are neighbours, and nothing lies between.
Format: grizzly-proof(5).

    tree  = [tree, tree]                         an inner node of a Merkle tree
          | "hash in base64"                     a part that is not shown
          | number                               a part that is not shown: a place in the shared hashes
          | {"k": key, "v": value}               an entry of the map
          | {"k": key, "n": entries, "of": entries of the map below, "t": tree}     a state node
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine.proof import fields
from engine.proof.errors import ProofError
from engine.proof.hashing import node_hash
from engine.proof.statemap import entry_hash, reference

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEEPEST: Final = 256
"""Nested lists and nodes in a proof: eight levels for each state node, and few of those."""

Entry: TypeAlias = tuple[bytes, bytes]
Token: TypeAlias = Entry | int | None
"""What lies in the order of the keys: an entry, a shared hash, or something hidden."""


def prefix_range(prefix: str) -> tuple[bytes, bytes]:
    """Return the range of the keys that begin with an ASCII ``prefix``: from, and up to."""
    first = prefix.encode("ascii")
    return first, first[:-1] + bytes([first[-1] + 1])


@dataclass(slots=True)
class Opening:
    """The shown part of a state map, in the order of the keys."""

    root: bytes
    tokens: Sequence[Token]

    def get(self, key: str) -> bytes | None:
        """Return the value at ``key``; None is as proved as a value is.

        Raises: ProofError, when the proof tells neither.
        """
        wanted = key.encode("ascii")
        for token in self.tokens:
            if isinstance(token, tuple) and token[0] == wanted:
                return token[1]
        if self.within(wanted, wanted + b"\0"):
            raise ProofError("the keys of the state are not in order")
        return None

    def within(self, first: bytes, limit: bytes) -> list[Entry]:
        """Return all entries from key ``first`` up to ``limit``.

        Raises: ProofError, when not all of them are shown.
        """
        found = self.between(first, limit)
        entries = [token for token in found if isinstance(token, tuple)]
        if len(entries) != len(found):
            raise ProofError(f"the state between {first!r} and {limit!r} is not shown whole")
        return entries

    def between(self, first: bytes, limit: bytes) -> Sequence[Token]:
        """Return what lies in the order of the keys from ``first`` up to ``limit``."""
        start, stop = 0, len(self.tokens)
        for place, token in enumerate(self.tokens):
            if not isinstance(token, tuple):
                continue
            if token[0] < first:
                start = place + 1
            elif token[0] >= limit:
                stop = place
                break
        return self.tokens[start:stop]


@dataclass(slots=True)
class _Reader:
    shared: Sequence[bytes]
    tokens: list[Token] = field(default_factory=list)
    last: bytes | None = None

    def fold(self, tree: Any, level: int, depth: int = 0) -> bytes:
        if depth > _DEEPEST:
            raise ProofError("the proof is nested too deeply")
        if isinstance(tree, str):
            self.tokens.append(None)
            return fields.one_hash(tree)
        if type(tree) is int:
            return self._shared(tree)
        if isinstance(tree, list):
            if len(tree) != 2 or all(isinstance(part, str) for part in tree):
                raise ProofError("a node of the proof does not have two parts worth showing")
            left = self.fold(tree[0], level, depth + 1)
            return node_hash(left, self.fold(tree[1], level, depth + 1))
        return self._entry(tree, level, depth)

    def _shared(self, place: int) -> bytes:
        if not 0 <= place < len(self.shared):
            raise ProofError("the proof names a shared hash that it does not hold")
        self.tokens.append(place)
        return self.shared[place]

    def _entry(self, tree: Any, level: int, depth: int) -> bytes:
        if level == 0:
            found = fields.record(tree, ("k", "v"))
            key, value = _key(found["k"]), fields.text(found["v"]).encode("utf-8")
            if self.last is not None and key <= self.last:
                raise ProofError("the keys of the state are not in order")
            self.last = key
            self.tokens.append((key, value))
            return entry_hash(0, key, value)
        found = fields.record(tree, ("k", "n", "of", "t"))
        key = _key(found["k"])
        if self.last is not None and key <= self.last:
            raise ProofError("the keys of the state are not in order")
        count, leaves = fields.number(found["n"]), fields.number(found["of"])
        if count >= 1 << 32:
            raise ProofError("a state node has too many entries")
        start = len(self.tokens)
        digest = self.fold(found["t"], level - 1, depth + 1)
        first = self.tokens[start] if len(self.tokens) > start else None
        if isinstance(first, tuple) and first[0] != key:
            raise ProofError("a state node does not begin with the key that its parent names")
        return entry_hash(level, key, reference(count, leaves, digest))


def _key(value: object) -> bytes:
    spelled = fields.text(value)
    if not spelled.isascii() or len(spelled) >= 1 << 16:
        raise ProofError("a key of the state is not ASCII")
    return spelled.encode("ascii")


def _height(tree: Any) -> int:
    """Return the levels above the map's own entries, along the way to the first that is shown."""
    pending = [(tree, 0, 0)]
    while pending:
        part, height, depth = pending.pop()
        if isinstance(part, list) and depth <= _DEEPEST:
            pending += [(child, height, depth + 1) for child in part]
        elif isinstance(part, dict) and "t" in part and depth <= _DEEPEST:
            pending.append((part["t"], height + 1, depth + 1))
        elif isinstance(part, dict):
            if height > 255:
                break
            return height
    raise ProofError("the proof shows nothing of the state")


def read(tree: Any, shared: Sequence[bytes] = ()) -> Opening:
    """Return what a proof shows of a state map; the caller compares the root.

    Raises: ProofError.
    """
    reader = _Reader(shared)
    root = reader.fold(tree, _height(tree))
    return Opening(root, reader.tokens)
