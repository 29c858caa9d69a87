"""Cosignatures: what witnesses say about a checkpoint, and how many of them are enough.

Layer: ``engine.proof``. Invariant: a cosignature counts only after it was verified, and a witness
counts once.
Source: C2SP tlog-cosignature (cosignature/v1, Ed25519) and tlog-policy.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.proof import ed25519, fields
from engine.proof.errors import ProofError
from engine.proof.note import Checkpoint, VerifierKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Check: TypeAlias = Callable[[bytes, bytes, bytes], bool]
    """Answers whether a public key signed a message with a signature."""

_COSIGNATURE: Final = 4
_NAME: Final = r"[!-*,-~]{1,255}"
_VKEY: Final = re.compile(rf"({_NAME})\+([0-9a-f]{{8}})\+([0-9A-Za-z+/=]+)", re.ASCII)
_LINE: Final = re.compile(rf"— ({_NAME}) ([0-9A-Za-z+/=]{{104}})", re.ASCII)
_SIGNED: Final = struct.Struct(">4sQ64s")


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's Ed25519 public key and its name."""

    name: str
    public_key: bytes

    @property
    def id(self) -> bytes:
        """Return the four bytes that tell keys of one name apart."""
        data = self.name.encode("ascii") + b"\n" + bytes([_COSIGNATURE]) + self.public_key
        return hashlib.sha256(data).digest()[:4]

    def text(self) -> str:
        """Return the key as it is published."""
        return (
            f"{self.name}+{self.id.hex()}+{fields.spell(bytes([_COSIGNATURE]) + self.public_key)}"
        )

    @classmethod
    def parse(cls, text: str) -> WitnessKey:
        """Return the key that ``text`` publishes.

        Raises: ProofError.
        """
        match = _VKEY.fullmatch(text)
        if match is None:
            raise ProofError("malformed witness key")
        data = fields.data(match[3])
        if len(data) != 33 or data[0] != _COSIGNATURE:
            raise ProofError("the witness key is not an Ed25519 cosignature key")
        key = cls(match[1], data[1:])
        if key.id.hex() != match[2]:
            raise ProofError("the witness key does not match its own identifier")
        return key


def message(time: int, checkpoint: Checkpoint) -> bytes:
    """Return what a witness signs: that it saw this checkpoint consistent with all before.

    Units: seconds since 1970, UTC.
    """
    return b"cosignature/v1\ntime %d\n" % time + checkpoint.text


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's signature with its time, of which nothing is verified yet."""

    name: str
    key_id: bytes
    time: int
    signature: bytes

    def line(self) -> str:
        """Return the line that a note carries."""
        signed = _SIGNED.pack(self.key_id, self.time, self.signature)
        return f"— {self.name} {fields.spell(signed)}"

    def verify(self, key: WitnessKey, checkpoint: Checkpoint, check: Check) -> None:
        """Check that the witness signed this checkpoint.

        Raises: ProofError.
        """
        if (key.name, key.id) != (self.name, self.key_id):
            raise ProofError("a cosignature is another witness's")
        if not check(key.public_key, message(self.time, checkpoint), self.signature):
            raise ProofError(f"the cosignature of {key.name} is false")


def split(note: str) -> tuple[Checkpoint, list[Cosignature]]:
    """Return a checkpoint and the cosignatures that follow its log's signature.

    Raises: ProofError.
    """
    body, blank, signatures = note.partition("\n\n")
    first, newline, rest = signatures.partition("\n")
    checkpoint = Checkpoint.parse((body + blank + first + newline).encode("utf-8", "replace"))
    if rest and not rest.endswith("\n"):
        raise ProofError("the checkpoint does not end as it should")
    return checkpoint, [parse_line(line) for line in rest.split("\n")[:-1]]


def parse_line(line: str) -> Cosignature:
    """Return the cosignature on a note's line.

    Raises: ProofError.
    """
    match = _LINE.fullmatch(line)
    data = fields.data(match[2]) if match is not None else b""
    if match is None or len(data) != _SIGNED.size:
        raise ProofError("malformed cosignature")
    identifier, time, signature = _SIGNED.unpack(data)
    return Cosignature(match[1], identifier, time, signature)


@dataclass(frozen=True, slots=True)
class Policy:
    """Whose word is enough: a log's keys, the witnesses, and groups of which so many must sign."""

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, WitnessKey]
    groups: Mapping[str, tuple[int, tuple[str, ...]]]
    quorum: str | None

    def log_key(self, checkpoint: Checkpoint) -> VerifierKey:
        """Return the key of the policy that a checkpoint claims to be signed with.

        Raises: ProofError, when the policy has no such key.
        """
        for key in self.logs:
            if (key.name, key.id) == (checkpoint.origin, checkpoint.key_id):
                return key
        raise ProofError("the policy does not name the key that signed the checkpoint")

    def require(
        self, checkpoint: Checkpoint, found: Iterable[Cosignature], check: Check = ed25519.verify
    ) -> list[str]:
        """Return the names of the policy's witnesses that signed, if they are a quorum.

        Cosignatures of others are passed over; a false one of a named witness is not.

        Raises: ProofError, when they are not.
        """
        signed: dict[str, None] = {}
        for cosignature in found:
            for name, key in self.witnesses.items():
                if (key.name, key.id) == (cosignature.name, cosignature.key_id):
                    cosignature.verify(key, checkpoint, check)
                    signed[name] = None
        if self.quorum is not None and not self._met(self.quorum, signed):
            raise ProofError(
                f"the checkpoint has not the cosignatures that the policy wants: "
                f"{len(signed)} of {len(self.witnesses)} witnesses signed it"
            )
        return list(signed)

    def _met(self, name: str, signed: Mapping[str, None]) -> bool:
        if name in self.witnesses:
            return name in signed
        needed, members = self.groups[name]
        return sum(self._met(member, signed) for member in members) >= needed


def parse_policy(text: str) -> Policy:
    """Return the policy that a file spells.

    Lines: ``log VKEY [URL]``, ``witness NAME VKEY [URL]``, ``group NAME any|all|N MEMBER...``,
    ``quorum NAME|none``; a name is defined before it is used.

    Raises: ProofError, naming the line.
    """
    logs: list[VerifierKey] = []
    witnesses: dict[str, WitnessKey] = {}
    groups: dict[str, tuple[int, tuple[str, ...]]] = {}
    quorum: list[str] = []
    for place, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        try:
            match words:
                case []:
                    continue
                case ["log", key] | ["log", key, _]:
                    logs.append(VerifierKey.parse(key))
                case ["witness", name, key] | ["witness", name, key, _] if _new(
                    name, witnesses, groups
                ):
                    witnesses[name] = _unused(WitnessKey.parse(key), witnesses)
                case ["group", name, needed, *members] if _new(name, witnesses, groups):
                    groups[name] = _group(needed, members, {**witnesses, **groups})
                case ["quorum", name] if name == "none" or not _new(name, witnesses, groups):
                    quorum.append(name)
                case _:
                    raise ProofError("not a line of a policy")
        except ProofError as error:
            raise ProofError(f"line {place} of the policy: {error}") from error
    if len(quorum) != 1 or not logs:
        raise ProofError("a policy has a log and exactly one quorum")
    return Policy(tuple(logs), witnesses, groups, None if quorum == ["none"] else quorum[0])


def _unused(key: WitnessKey, witnesses: Mapping[str, WitnessKey]) -> WitnessKey:
    if any(key.public_key == other.public_key for other in witnesses.values()):
        raise ProofError("two witnesses have one key")
    return key


def _new(name: str, *known: Mapping[str, object]) -> bool:
    return name != "none" and not any(name in names for names in known)


def _group(
    needed: str, members: Sequence[str], known: Mapping[str, object]
) -> tuple[int, tuple[str, ...]]:
    if not members or len(set(members)) < len(members) or any(m not in known for m in members):
        raise ProofError("a group has members that are defined above, each once")
    count = {"any": 1, "all": len(members)}.get(needed)
    if count is None:
        count = int(needed) if re.fullmatch(r"[1-9][0-9]{0,3}", needed, re.ASCII) else 0
    if not 0 < count <= len(members):
        raise ProofError(f"{needed} of {len(members)} members can never be")
    return count, tuple(members)
