"""The hashes that everything here is folded with.

Layer: ``engine.proof``. Invariant: a leaf's hash and a node's hash never share an input.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

EMPTY: Final = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""

SIZE: Final = 32
"""Bytes in a hash."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf's bytes.

    Source: RFC 6962, section 2.1.
    """
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node.

    Source: RFC 6962, section 2.1.
    """
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(row: Sequence[bytes]) -> list[Sequence[bytes]]:
    """Return all rows of the tree over ``row``, from ``row`` itself up to its root.

    An odd node at the end of a row moves up unchanged.

    Shape: at least one hash in, a row of exactly one hash last.
    Source: RFC 6962, section 2.1.
    """
    rows = [row]
    sha256 = hashlib.sha256
    while len(row) > 1:
        above = [sha256(b"\x01" + row[i] + row[i + 1]).digest() for i in range(0, len(row) - 1, 2)]
        if len(row) & 1:
            above.append(row[-1])
        row = above
        rows.append(row)
    return rows


def root(hashes: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash over leaf hashes.

    Source: RFC 6962, section 2.1.
    """
    return fold(hashes)[-1][0] if hashes else EMPTY
