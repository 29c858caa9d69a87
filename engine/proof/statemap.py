"""The state map's hashes: how entries become nodes, and how a path proves one entry.

Layer: ``engine.proof``. Invariant: a node's digest is the tree hash over its entries, so one way
of folding verifies the log and the map alike. The first byte of what is hashed tells levels apart.
Format: grizzly-proof(5).
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Final

from engine.proof.errors import ProofError
from engine.proof.hashing import root

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ENTRIES: Final = 256
"""Entries in the largest node; the average is 32."""

_BOUNDARY: Final = 31
_CHANGE: Final = b"\x00\x20"
_LENGTH: Final = struct.Struct(">H")
_REFERENCE: Final = struct.Struct(">IQ32s")
_PREFIXES: Final = [bytes([0, level]) for level in range(16)]


def entry_hash(level: int, key: bytes, value: bytes) -> bytes:
    """Return the leaf hash of one entry of a node; the node's digest is the root over them."""
    prefix = _PREFIXES[level] if level < len(_PREFIXES) else bytes([0, level])
    return hashlib.sha256(prefix + _LENGTH.pack(len(key)) + key + value).digest()


def ends_node(level: int, key: bytes) -> bool:
    """Return whether an entry with this key ends its node, unless the node would be too small.

    It depends on nothing but the key: so the shape of the map depends on nothing but its content.
    """
    return hashlib.sha256(bytes([level]) + key).digest()[-1] & _BOUNDARY == 0


def reference(entries: int, leaves: int, digest: bytes) -> bytes:
    """Return an inner entry's value: a child's own entries, the map's entries below it, its digest.

    A root does not bind its tree's size, so the size is committed to beside it.
    """
    return _REFERENCE.pack(entries, leaves, digest)


def parse_reference(value: bytes) -> tuple[int, int, bytes]:
    """Return what ``reference`` was made of.

    Raises: ProofError.
    """
    if len(value) != _REFERENCE.size:
        raise ProofError("malformed reference to a state node")
    entries, leaves, digest = _REFERENCE.unpack(value)
    return entries, leaves, digest


def changes_root(changes: Sequence[tuple[bytes, bytes | None]]) -> bytes:
    """Return the root over a commit's changes, in order of their keys; None removes a key."""
    sha256, length = hashlib.sha256, _LENGTH.pack
    return root(
        [
            sha256(
                b"".join((_CHANGE, length(len(key)), key, b"\x00"))
                if value is None
                else b"".join((_CHANGE, length(len(key)), key, b"\x01", value))
            ).digest()
            for key, value in changes
        ]
    )
