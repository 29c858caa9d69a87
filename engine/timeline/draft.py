"""A commit before it is written: what was proposed, made into a record.

Layer: ``engine.timeline``. Invariant: a draft is complete and signed; writing it is all that is
left, and until then nothing has changed.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError
from engine.proof.canonical import canonical
from engine.proof.hashing import leaf_hash
from engine.proof.leaf import Leaf
from engine.proof.note import checkpoint_text
from engine.proof.statemap import changes_root
from engine.timeline import record
from engine.timeline.model import Commit, Head

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.proof.tree import CompactRange
    from engine.timeline.model import Proposal
    from engine.timeline.signing import Signer
    from engine.timeline.state import State

_OPERATION: Final = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,63}", re.ASCII)
_KEY: Final = re.compile(r"[!-~]{1,1000}", re.ASCII)
_KEYS: Final = "key/"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a commit goes: the log and tree before it, and who signs."""

    db: str
    origin: str
    range: CompactRange
    state: State
    parent: bytes
    last_ts: int
    signer: Signer


@dataclass(frozen=True, slots=True)
class Draft:
    """A record ready to be appended, and the commit and head that it makes."""

    commit: Commit
    head: Head
    data: bytes


def verifier_key_entry(identifier: bytes) -> str:
    """Return the state key under which the log announces a key that signs its checkpoints."""
    return _KEYS + identifier.hex()


def _checked(changes: Mapping[str, bytes | None]) -> dict[bytes, bytes | None]:
    checked: dict[bytes, bytes | None] = {}
    for key, value in sorted(changes.items()):
        if not _KEY.fullmatch(key):
            raise UsageError(f"{key!r} cannot be a key of the state map", subject=key)
        if value is not None:
            try:
                value.decode("utf-8")
            except UnicodeDecodeError as error:
                raise UsageError("a value of the state map is not text", subject=key) from error
        checked[key.encode("ascii")] = value
    return checked


def _meta(proposal: Proposal) -> bytes:
    return canonical(
        {
            name.encode("utf-8", "replace").decode("utf-8"): value.encode(
                "utf-8", "replace"
            ).decode("utf-8")
            for name, value in proposal.meta.items()
        }
    )


def compose(place: Place, proposal: Proposal, now: int) -> Draft:
    """Return the commit that makes a proposal true, right after ``place``.

    The first commit that a key signs announces the key in the state map.

    Cost: by the number of changes, and one signature.
    Raises: UsageError, CorruptError.
    """
    if not _OPERATION.fullmatch(proposal.op):
        raise UsageError(f"{proposal.op!r} cannot name an operation", subject=proposal.op)
    seq, ts = place.range.size, max(now, place.last_ts + 1)
    wanted = dict(proposal.changes)
    key = place.signer.verifier_key(place.origin)
    announced = verifier_key_entry(key.id)
    held = place.state.get(announced)
    if held is None:
        wanted[announced] = canonical({"since": seq, "vkey": key.text()})
    elif b'"until":' in held:
        raise UsageError(
            f"the signing key {key.id.hex()} was retired from this lakehouse",
            hint="$GRIZZLY_KEY names the file of the key that follows it",
        )
    changes = _checked(wanted)
    state = place.state.apply(changes)
    meta = _meta(proposal)
    ordered = list(changes.items())
    leaf = Leaf(
        db=place.db,
        seq=seq,
        ts=ts,
        op=proposal.op,
        parent=place.parent,
        meta=hashlib.sha256(meta).digest(),
        changes_count=len(ordered),
        changes_root=changes_root(ordered),
        state_count=state.count,
        state_root=state.root,
    ).encode()
    after = place.range.copy()
    after.append(leaf_hash(leaf))
    root = after.root()
    note = place.signer.sign(checkpoint_text(place.origin, seq + 1, root), place.origin)
    objects = list({bytes(data): None for data in proposal.objects})
    data = record.encode(leaf, meta, record.encode_changes(ordered), note, objects)
    named = {key.decode("ascii"): value for key, value in ordered}
    commit = Commit(seq, ts, proposal.op, json.loads(meta), leaf, named)
    return Draft(commit, Head(seq, ts, root, leaf, note, state), data)
