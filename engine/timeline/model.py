"""The values that the timeline takes and gives.

Layer: ``engine.timeline``. Invariant: plain values; nothing here reads or writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.proof.hashing import leaf_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.proof.tree import CompactRange
    from engine.timeline.state import State


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one commit is to do.

    ``changes`` sets keys of the state map, or removes those with None; values are UTF-8 text.
    ``objects`` ride inside the log. ``meta`` is free text about the commit.
    """

    op: str
    changes: Mapping[str, bytes | None]
    objects: Sequence[bytes] = ()
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of the log; ``leaf`` is its canonical JSON."""

    seq: int
    ts: int
    op: str
    meta: Mapping[str, str]
    leaf: bytes
    changes: Mapping[str, bytes | None]

    @property
    def leaf_hash(self) -> bytes:
        """Return the hash that the log's tree has for this commit."""
        return leaf_hash(self.leaf)


class Head:
    """The newest commit that a handle knows: its leaf, the log's root after it, the state.

    ``note`` is the signed checkpoint. A commit that waits for others to become durable with it has
    none yet.
    """

    __slots__ = ("_tree", "leaf", "leaf_hash", "note", "seq", "state", "ts")

    def __init__(  # noqa: PLR0913, PLR0917 - all that a head consists of
        self,
        seq: int,
        ts: int,
        tree: CompactRange | bytes,
        leaf: bytes,
        note: bytes,
        state: State,
        hashed: bytes = b"",
    ) -> None:
        """Take the log's root or its whole edge, and the leaf with its hash where that is known."""
        self.seq = seq
        self.ts = ts
        self._tree = tree
        self.leaf = leaf
        self.leaf_hash = hashed or leaf_hash(leaf)
        """The hash that the log's tree has for this commit."""
        self.note = note
        self.state = state

    @property
    def root(self) -> bytes:
        """Return the log's root, computed when it is asked for first."""
        return self._tree if isinstance(self._tree, bytes) else self._tree.root()

    def signed(self, note: bytes) -> Head:
        """Return the head with the checkpoint that was signed for it."""
        return Head(self.seq, self.ts, self._tree, self.leaf, note, self.state, self.leaf_hash)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that verification looked at: a file, or ``commit N``."""

    subject: str
    ok: bool
    detail: str
