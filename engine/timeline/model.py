"""The values that the timeline takes and gives.

Layer: ``engine.timeline``. Invariant: plain values; nothing here reads or writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.proof.hashing import leaf_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


@dataclass(frozen=True, slots=True)
class Head:
    """The newest commit that a handle knows: its leaf, the log's root after it, the state.

    ``note`` is the signed checkpoint. A commit that waits for others to become durable with it has
    none yet.
    """

    seq: int
    ts: int
    root: bytes
    leaf: bytes
    note: bytes
    state: State

    @property
    def leaf_hash(self) -> bytes:
        """Return the hash that the log's tree has for this commit."""
        return leaf_hash(self.leaf)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that verification looked at: a file, or ``commit N``."""

    subject: str
    ok: bool
    detail: str
