"""Proofs as files: one line of canonical JSON, of one of a few kinds.

Layer: top of ``engine.proof``. Invariant: a bundle has one spelling, and every field in it is
checked against a hash or a signature, so no byte can change unnoticed.
Format: grizzly-proof(5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.proof import anchor as anchors
from engine.proof import claims, ed25519, rows
from engine.proof.canonical import canonical, parse
from engine.proof.errors import ProofError
from engine.proof.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.proof.cosignature import Check, Policy

VERSION: Final = "grizzly-proof/1"
_ANCHOR: Final = {"checkpoint", "kind", "v", "vkey"}
_COMMIT: Final = {"leaf", "path"}

_KINDS: Final[dict[str, tuple[set[str], Callable[..., dict[str, Any]]]]] = {
    "commit": ({"meta"}, claims.commit),
    "state": ({"state"}, claims.state),
    "table": ({"state", "table"}, claims.table),
    "changes": ({"before", "shared", "since", "state", "table"}, claims.changes),
    "row": ({"at", "file", "row", "state", "table"}, rows.row),
    "absent": ({"files", "key", "state", "table"}, rows.absent),
}


def encode(kind: str, checkpoint: str, vkey: str, fields: dict[str, Any]) -> bytes:
    """Return the bundle of a kind; ``verify`` tells whether it proves anything.

    Shape: one line of canonical JSON and a line feed.
    """
    common = {"checkpoint": checkpoint, "kind": kind, "v": VERSION, "vkey": vkey}
    return canonical({**common, **fields}) + b"\n"


def _fields(data: bytes) -> dict[str, Any]:
    if not data.endswith(b"\n"):
        raise ProofError("the bundle does not end as it should")
    found = parse(data[:-1])
    if not isinstance(found, dict) or not set(found) >= _ANCHOR:
        raise ProofError("the bundle has other fields than it should")
    if found["v"] != VERSION:
        raise ProofError("the bundle is of another version")
    if found.get("witnesses") == []:
        raise ProofError("the bundle has other fields than it should")
    return found


def verify(
    data: bytes,
    vkey: str | None = None,
    *,
    policy: Policy | None = None,
    check: Check = ed25519.verify,
) -> Report:
    """Return what a bundle proves; with ``vkey``, only if that key signed it.

    Without a pinned key the bundle proves only that whoever holds the key it names signed it. With
    ``policy``, only if the log is one of its logs and its witnesses cosigned.

    Cost: a few milliseconds, nearly all of it in ``check``, which answers whether a key signed.
    Raises: ProofError.
    """
    bundle = _fields(data)
    kind = bundle["kind"]
    own = set(bundle) - _ANCHOR - {"witnesses"}
    if kind == "consistency":
        if own != {"paths", "trees"}:
            raise ProofError("the bundle has other fields than it should")
    elif not isinstance(kind, str) or kind not in _KINDS or own != _COMMIT | _KINDS[kind][0]:
        raise ProofError("the bundle is of no known kind, or has other fields than it should")
    anchor = anchors.read(bundle, vkey, policy, check)
    leaf, hashed = None, None
    if kind == "consistency":
        facts = claims.consistency(bundle, anchor)
    else:
        leaf, hashed = anchor.commit(bundle["leaf"], bundle["path"])
        facts = _KINDS[kind][1](bundle, anchor, leaf)
    return Report(
        kind=kind,
        origin=anchor.checkpoint.origin,
        vkey=anchor.vkey,
        pinned=vkey is not None or policy is not None,
        size=anchor.checkpoint.size,
        root=anchor.checkpoint.root,
        leaf=leaf,
        leaf_hash=hashed,
        facts=facts,
        witnesses=anchor.witnesses,
    )
