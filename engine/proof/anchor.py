"""The part that all proofs share: a signed checkpoint, and commits that are in its log.

Layer: ``engine.proof``. Invariant: a commit is used only after its path led to the signed root.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.proof import cosignature, fields
from engine.proof.canonical import canonical
from engine.proof.errors import ProofError
from engine.proof.hashing import leaf_hash
from engine.proof.leaf import Leaf
from engine.proof.note import VerifierKey
from engine.proof.tree import verify_inclusion

if TYPE_CHECKING:
    from engine.proof.cosignature import Check, Policy
    from engine.proof.note import Checkpoint


@dataclass(frozen=True, slots=True)
class Anchor:
    """A checkpoint whose signatures were verified."""

    checkpoint: Checkpoint
    vkey: str
    witnesses: tuple[str, ...]

    def commit(self, value: object, path: object) -> tuple[Leaf, bytes]:
        """Return the commit that ``value`` is, and its leaf's hash, if ``path`` proves it.

        Raises: ProofError.
        """
        data = canonical(value)
        leaf = Leaf.parse(data)
        if not self.checkpoint.origin.endswith("/" + leaf.db):
            raise ProofError("the leaf belongs to another log than the checkpoint")
        hashed = leaf_hash(data)
        checkpoint = self.checkpoint
        verify_inclusion(leaf.seq, checkpoint.size, hashed, fields.hashes(path), checkpoint.root)
        return leaf, hashed


def read(bundle: dict[str, Any], vkey: str | None, policy: Policy | None, check: Check) -> Anchor:
    """Return a bundle's checkpoint, after every signature on it was verified.

    Raises: ProofError, when one is false, when ``vkey`` is another key than the one that signed, or
    when the cosignatures are not those that ``policy`` wants.
    """
    named = fields.text(bundle["vkey"])
    if vkey is not None and vkey != named:
        raise ProofError("the bundle is signed with another key than the one expected")
    key = VerifierKey.parse(named)
    checkpoint, cosignatures = cosignature.split(fields.text(bundle["checkpoint"]))
    checkpoint.verify(key, check)
    names = fields.array(bundle["witnesses"]) if "witnesses" in bundle else []
    if len(names) != len(cosignatures):
        raise ProofError("the witnesses are not those that signed the checkpoint")
    keys = [cosignature.WitnessKey.parse(fields.text(name)) for name in names]
    for witness, signed in zip(keys, cosignatures, strict=True):
        signed.verify(witness, checkpoint, check)
    if policy is not None:
        if policy.log_key(checkpoint).text() != named:
            raise ProofError("the policy does not name the key that signed the checkpoint")
        policy.require(checkpoint, cosignatures, check)
    return Anchor(checkpoint, named, tuple(names))
