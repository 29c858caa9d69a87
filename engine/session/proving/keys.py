"""Signing keys: which ones a lakehouse was signed with, whose is next, whose no longer counts.

Layer: ``session``. Invariant: a key follows another only by a commit that the other one signed; a secret
is never deleted and never leaves its file.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.config import key_path, trust_path
from engine.errors import IoError, ReadOnlyError, UsageError, VerificationError
from engine.proof import ProofError
from engine.proof import verify as verify_bundle
from engine.proof.canonical import canonical
from engine.proof.note import Checkpoint, VerifierKey
from engine.timeline import Proposal, Timeline, load_or_create
from engine.timeline.proving import Prover
from engine.timeline.signing import check

if TYPE_CHECKING:
    from pathlib import Path

    from engine.clock import Clock
    from engine.timeline import Head, Signer

_PREFIX = "key/"


@dataclass(frozen=True, slots=True)
class LogKey:
    """A key that a log announces; ``until`` is the last version that it may sign."""

    id: str
    vkey: str
    since: int
    by: str | None = None
    until: int | None = None
    reason: str | None = None

    @classmethod
    def decode(cls, key: str, data: bytes) -> LogKey:
        """Read what the state map has at ``key``."""
        value = json.loads(data)
        return cls(
            key.removeprefix(_PREFIX),
            value["vkey"],
            value["since"],
            value.get("by"),
            value.get("until"),
            value.get("reason"),
        )

    def encode(self) -> bytes:
        """Return the value for the state map."""
        value: dict[str, Any] = {"since": self.since, "vkey": self.vkey}
        more = {"by": self.by, "until": self.until, "reason": self.reason}
        return canonical({**value, **{name: v for name, v in more.items() if v is not None}})


def announced(timeline: Timeline) -> list[LogKey]:
    """Return all keys of a log, oldest first."""
    state = timeline.refresh().state
    found = [LogKey.decode(key, data) for key, data in state.items(_PREFIX)]
    return sorted(found, key=lambda one: one.since)


def own(origin: str) -> tuple[Path, str]:
    """Return the file of this user's secret key, and the verifier key it signs a log with.

    Raises: UsageError when there is none yet; CorruptError, IoError.
    """
    path = key_path()
    if not path.exists():
        raise UsageError(f"there is no signing key yet at {path}", hint="the first commit makes it")
    return path, load_or_create(path).verifier_key(origin).text()


def create(path: Path) -> None:
    """Make a new secret key in a file, for ``$GRIZZLY_KEY`` or for ``rotate``.

    Raises: UsageError when the file is there already; IoError.
    """
    if path.exists():
        raise UsageError(f"{path} is there already", subject=str(path))
    load_or_create(path)


def rotate(lake: Timeline, clock: Clock, new: Path | None = None) -> tuple[Path, bytes]:
    """Let a new key follow this user's key; return where the old one is kept, and a proof for others.

    Two commits: the old key signs one that announces the new key, the new key one that retires the old.
    The proof's checkpoint is signed by the old key: whoever trusts that one learns the new one from it.
    After an interruption it can be run again with the file of the new key.

    Raises: UsageError, when the user's key is not the one that signs this log; LakeError, IoError.
    """
    path = key_path()
    if not path.exists():
        raise UsageError(f"there is no signing key yet at {path}", hint="the first commit makes it")
    old = load_or_create(path)
    timeline = _opened(lake, clock, old)
    before = old.verifier_key(timeline.origin)
    if timeline.vkey != before.text():
        raise UsageError(
            f"this lakehouse is signed with another key than {path}",
            hint="$GRIZZLY_KEY names the file of the key that signs it",
        )
    staged = new or path.with_name(f"{path.name}.next")
    fresh = load_or_create(staged)
    after = fresh.verifier_key(timeline.origin)
    if after == before:
        raise UsageError(f"{staged} is the key that signs already", subject=str(staged))
    name = _PREFIX + after.id.hex()

    def announce(_head: Head, seq: int) -> Proposal:
        value = LogKey(after.id.hex(), after.text(), seq + 1, before.id.hex()).encode()
        return Proposal("key", {name: value}, meta={"message": f"key {after.id.hex()} follows"})

    seq = timeline.commit(announce).seq
    evidence = Prover(timeline).state(seq, [name])
    kept = path.with_name(f"{path.name}.{before.id.hex()}")
    try:
        if not kept.exists():
            os.link(path, kept)
        staged.replace(path)
    except OSError as error:
        raise IoError(f"{path}: {error.strerror or error}", subject=str(path)) from error
    _retire(_opened(lake, clock, fresh), before.id.hex(), "rotated")
    return kept, evidence


def revoke(lake: Timeline, clock: Clock, identifier: str) -> None:
    """Record that a key signs no more commits, signed with this user's key.

    Raises: UsageError when there is no such key, it is revoked, or it is the signing one; LakeError.
    """
    timeline = _opened(lake, clock, load_or_create(key_path()))
    if load_or_create(key_path()).verifier_key(timeline.origin).id.hex() == identifier:
        raise UsageError("a key cannot revoke itself", hint="grizzly key rotate")
    _retire(timeline, identifier, "revoked")


def _retire(timeline: Timeline, identifier: str, reason: str) -> None:
    name = _PREFIX + identifier

    def retire(head: Head, seq: int) -> Proposal:
        data = head.state.get(name)
        if data is None:
            raise UsageError(f"no key {identifier} signed this lakehouse", subject=identifier)
        held = LogKey.decode(name, data)
        if held.until is not None and held.reason == reason:
            raise UsageError(f"key {identifier} is {reason} already", subject=identifier)
        until = seq - 1 if held.until is None else held.until
        value = LogKey(identifier, held.vkey, held.since, held.by, until, reason).encode()
        return Proposal("key", {name: value}, meta={"message": f"key {identifier} {reason}"})

    timeline.commit(retire)


def _opened(lake: Timeline, clock: Clock, signer: Signer) -> Timeline:
    if not lake.store.writable:
        raise ReadOnlyError(f"{lake.store.name} cannot be written to", subject=lake.store.name)
    return Timeline.open(lake.store, clock=clock, signer=signer)


def trusted(origin: str) -> list[str]:
    """Return the verifier keys that this user trusts to sign a log; none means any."""
    return [key for key in all_trusted() if key.partition("+")[0] == origin]


def trust(vkey: str) -> None:
    """Trust a verifier key for its log, and for that log no key that is not trusted too.

    Raises: UsageError when it is none; IoError.
    """
    try:
        VerifierKey.parse(vkey)
    except ProofError as error:
        raise UsageError(f"that is not a verifier key: {error}") from error
    _write_trusted([*(key for key in all_trusted() if key != vkey), vkey])


def distrust(vkey: str) -> bool:
    """Trust a key no more; return whether it was trusted."""
    before = all_trusted()
    _write_trusted([key for key in before if key != vkey])
    return vkey in before


def trust_successor(evidence: bytes) -> str:
    """Trust the key that a trusted one announced, by the proof that ``rotate`` made; return it.

    Raises: VerificationError when it proves no such thing.
    """
    try:
        report = verify_bundle(evidence, check=check)
    except ProofError as error:
        raise VerificationError(f"the proof is false: {error}") from error
    if report.vkey not in trusted(report.origin):
        raise VerificationError(f"the proof is signed by a key that is not trusted: {report.vkey}")
    entries = report.facts.get("entries", {}) if report.kind == "state" else {}
    for key, value in entries.items():
        if key.startswith(_PREFIX):
            found = LogKey.decode(key, value.encode("utf-8"))
            if f"{report.origin}+{found.id}+" in found.vkey and found.until is None:
                trust(found.vkey)
                return found.vkey
    raise VerificationError("the proof announces no key")


def require_trusted(timeline: Timeline) -> None:
    """Check that the newest checkpoint is signed with a key that the user trusts, if any is named.

    Cost: one small file; a verification only where keys are trusted.
    Raises: VerificationError.
    """
    keys = trusted(timeline.origin)
    if not keys:
        return
    vkey = timeline.vkey
    if vkey not in keys:
        raise VerificationError(
            f"this lakehouse is signed with a key that is not trusted: {vkey}",
            hint="`grizzly key trust` names the keys to trust",
        )
    try:
        Checkpoint.parse(timeline.head.note).verify(VerifierKey.parse(vkey))
    except ProofError as error:
        raise VerificationError(f"the checkpoint is not signed as it says: {error}") from error


def all_trusted() -> list[str]:
    """Return all verifier keys that this user trusts.

    Raises: IoError.
    """
    try:
        return trust_path().read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        path = trust_path()
        raise IoError(f"{path}: {error}", subject=str(path)) from error


def _write_trusted(keys: list[str]) -> None:
    path = trust_path()
    staged = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        staged.write_text("".join(f"{key}\n" for key in keys), encoding="utf-8")
        staged.replace(path)
    except OSError as error:
        raise IoError(f"{path}: {error.strerror or error}", subject=str(path)) from error
