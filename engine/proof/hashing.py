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


def refold(
    row: list[bytes], old: Sequence[Sequence[bytes]], start: int, stop: int
) -> list[list[bytes]]:
    """Return all rows of the tree over ``row``, which differs from ``old[0]`` from place ``start``.

    ``stop`` ends the difference when both rows are equally long; else it is the new row's length.

    Cost: the hashes above the difference alone.
    """
    rows = [row]
    sha256 = hashlib.sha256
    if stop == start + 1 and len(row) == len(old[0]):
        for before in old[1:]:
            left = start & ~1
            pair = row[left : left + 2]
            digest = sha256(b"\x01" + pair[0] + pair[1]).digest() if len(pair) > 1 else pair[0]
            start >>= 1
            row = [*before]
            row[start] = digest
            rows.append(row)
        return rows
    level = 0
    while (size := len(row)) > 1:
        level += 1
        start >>= 1
        stop = (stop + 1) >> 1
        pairs = size >> 1
        same = old[level] if level < len(old) else ()
        above = [*same[:start]]
        above += [
            sha256(b"\x01" + row[i] + row[i + 1]).digest()
            for i in range(start + start, min(stop, pairs) * 2, 2)
        ]
        if stop > pairs:
            above.append(row[-1])
        elif stop < (size + 1) >> 1:
            above += same[stop:]
        row = above
        rows.append(row)
    return rows


def root(hashes: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash over leaf hashes.

    Source: RFC 6962, section 2.1.
    """
    return fold(hashes)[-1][0] if hashes else EMPTY
