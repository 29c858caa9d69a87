"""The bundle that proves to a stranger that a commit is in a log.

Layer: top of ``engine.proof``. Invariant: a bundle has one spelling, and every field in it is
checked against a hash or a signature, so no byte can change unnoticed.
Format: grizzly-proof(5).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.proof.canonical import canonical, parse
from engine.proof.errors import ProofError
from engine.proof.hashing import leaf_hash
from engine.proof.leaf import Leaf
from engine.proof.note import Checkpoint, VerifierKey
from engine.proof.tree import verify_inclusion

if TYPE_CHECKING:
    from collections.abc import Sequence

_VERSION: Final = "grizzly-proof/1"
_FIELDS: Final = {"checkpoint", "index", "leaf", "meta", "path", "size", "v", "vkey"}


@dataclass(frozen=True, slots=True)
class Report:
    """What a verified bundle proves."""

    origin: str
    vkey: str
    pinned: bool
    size: int
    root: bytes
    leaf: Leaf
    leaf_hash: bytes
    meta: dict[str, str]


def encode(leaf: bytes, meta: bytes, path: Sequence[bytes], checkpoint: bytes, vkey: str) -> bytes:
    """Return the bundle of a commit's leaf and meta, its inclusion path, and a checkpoint.

    Shape: one line of canonical JSON and a line feed.
    """
    value = {
        "checkpoint": checkpoint.decode("utf-8"),
        "index": Leaf.parse(leaf).seq,
        "leaf": leaf.decode("ascii"),
        "meta": meta.decode("utf-8"),
        "path": [part.hex() for part in path],
        "size": Checkpoint.parse(checkpoint).size,
        "v": _VERSION,
        "vkey": vkey,
    }
    return canonical(value) + b"\n"


def _hash(value: object) -> bytes:
    if isinstance(value, str) and len(value) == 64:
        try:
            data = bytes.fromhex(value)
        except ValueError:
            data = b""
        if data.hex() == value:
            return data
    raise ProofError("a hash in the path is malformed")


def _fields(data: bytes) -> dict[str, object]:
    if not data.endswith(b"\n"):
        raise ProofError("the bundle does not end as it should")
    fields = parse(data[:-1])
    if not isinstance(fields, dict) or set(fields) != _FIELDS:
        raise ProofError("the bundle has other fields than it should")
    if fields["v"] != _VERSION:
        raise ProofError("the bundle is of another version")
    return fields


def _text(fields: dict[str, object], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise ProofError(f"{name} is not text")
    return value


def _is_number(value: object, expected: int) -> bool:
    return type(value) is int and value == expected


def _meta(text: str, leaf: Leaf) -> dict[str, str]:
    data = text.encode("utf-8")
    if hashlib.sha256(data).digest() != leaf.meta:
        raise ProofError("meta is not the one that the leaf names")
    meta = parse(data)
    if not isinstance(meta, dict) or not all(isinstance(value, str) for value in meta.values()):
        raise ProofError("meta is malformed")
    return meta


def verify(data: bytes, vkey: str | None = None) -> Report:
    """Return what a bundle proves; with ``vkey``, only if that key signed it.

    Without a pinned key the bundle proves only that whoever holds the key it names signed it.

    Cost: a few milliseconds.
    Raises: ProofError.
    """
    fields = _fields(data)
    named = _text(fields, "vkey")
    if vkey is not None and vkey != named:
        raise ProofError("the bundle is signed with another key than the one expected")
    key = VerifierKey.parse(named)
    leaf_bytes = _text(fields, "leaf").encode("utf-8")
    leaf = Leaf.parse(leaf_bytes)
    meta = _meta(_text(fields, "meta"), leaf)
    checkpoint = Checkpoint.parse(_text(fields, "checkpoint").encode("utf-8"))
    if not _is_number(fields["index"], leaf.seq):
        raise ProofError("the index is not the leaf's")
    if not _is_number(fields["size"], checkpoint.size):
        raise ProofError("the size is not the checkpoint's")
    if not checkpoint.origin.endswith("/" + leaf.db):
        raise ProofError("the leaf belongs to another log than the checkpoint")
    path = fields["path"]
    if not isinstance(path, list):
        raise ProofError("the path is malformed")
    hashed = leaf_hash(leaf_bytes)
    verify_inclusion(
        leaf.seq, checkpoint.size, hashed, [_hash(part) for part in path], checkpoint.root
    )
    checkpoint.verify(key)
    return Report(
        origin=checkpoint.origin,
        vkey=named,
        pinned=vkey is not None,
        size=checkpoint.size,
        root=checkpoint.root,
        leaf=leaf,
        leaf_hash=hashed,
        meta=meta,
    )
