"""Whose signature a checkpoint bears, as the log itself announces its keys.

Layer: ``engine.timeline``. Invariant: a key signs for a log only after the log's state announces it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from engine.errors import CorruptError
from engine.objectstore import layout
from engine.proof.errors import ProofError
from engine.proof.note import Checkpoint, VerifierKey
from engine.timeline import signing

if TYPE_CHECKING:
    from engine.timeline.model import Head
    from engine.timeline.state import State

_KEYS: Final = "key/"


def verifier_key_entry(identifier: bytes) -> str:
    """Return the state key under which the log announces a key that signs its checkpoints."""
    return _KEYS + identifier.hex()


def announced_key(head: Head) -> VerifierKey:
    """Return the key that signed a head's checkpoint, as the state map announces it.

    Raises: CorruptError.
    """
    return _key(Checkpoint.parse(head.note), head.state)


def _key(checkpoint: Checkpoint, state: State) -> VerifierKey:
    try:
        held = json.loads(state.get(verifier_key_entry(checkpoint.key_id)) or b"{}")
        key = VerifierKey.parse(held["vkey"])
        if checkpoint.size > held.get("until", checkpoint.size) + 1:
            raise CorruptError(
                "the checkpoint is signed with a key that was retired before",
                subject=layout.CHECKPOINT,
            )
    except (ProofError, ValueError, KeyError, TypeError) as error:
        raise CorruptError(
            "the key that signed the checkpoint is not announced in the log",
            subject=layout.CHECKPOINT,
        ) from error
    return key


def check_signature(checkpoint: Checkpoint, state: State, path: str) -> None:
    """Check that a key which the state map announces signed a checkpoint, found at ``path``.

    Cost: about 2 ms, or 0.1 ms where something else had use for ``cryptography``.
    Raises: CorruptError.
    """
    try:
        checkpoint.verify(_key(checkpoint, state), signing.quickest())
    except ProofError as error:
        raise CorruptError(f"{path}: {error}", subject=path) from error
