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


def refold_one(row: list[bytes], old: Sequence[Sequence[bytes]], place: int) -> list[list[bytes]]:
    """Return all rows of the tree over ``row``, whose hash at ``place`` is not that of ``old[0]``.

    All other hashes are the same; at the end of ``row`` it may also be one that ``old[0]`` lacks.

    Cost: one hash a row.
    """
    rows = [row]
    sha256 = hashlib.sha256
    digest = row[place]
    while (size := len(row)) > 1:
        if place & 1:
            digest = sha256(b"\x01" + row[place - 1] + digest).digest()
        elif place + 1 < size:
            digest = sha256(b"\x01" + digest + row[place + 1]).digest()
        place >>= 1
        row = [*old[len(rows)]] if len(rows) < len(old) else []
        row[place : place + 1] = (digest,)
        rows.append(row)
    return rows


def refold_from(row: list[bytes], old: Sequence[Sequence[bytes]], place: int) -> list[list[bytes]]:
    """Return all rows of the tree over ``row``, which is ``old[0]`` up to ``place`` at least.

    Cost: the hashes above what comes after that.
    """
    rows = [row]
    sha256 = hashlib.sha256
    while (size := len(row)) > 1:
        place >>= 1
        above = [*old[len(rows)][:place]] if len(rows) < len(old) else []
        for left in range(len(above) * 2, size - 1, 2):
            above.append(sha256(b"\x01" + row[left] + row[left + 1]).digest())  # noqa: PERF401
        if size & 1:
            above.append(row[-1])
        row = above
        rows.append(row)
    return rows


def root(hashes: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash over leaf hashes.

    Source: RFC 6962, section 2.1.
    """
    if len(hashes) == 1:
        return hashes[0]
    return fold(hashes)[-1][0] if hashes else EMPTY
