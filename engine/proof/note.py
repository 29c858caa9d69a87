"""Signed checkpoints: what a log's key says about the log's size and root.

Layer: ``engine.proof``. Invariant: a checkpoint is exactly three lines of text and one signature,
spelled in the only way they can be; anything else is refused, not skipped.
Source: C2SP signed-note and tlog-checkpoint.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.proof import ed25519
from engine.proof.errors import ProofError

if TYPE_CHECKING:
    from collections.abc import Callable

_ED25519: Final = 1
_NAME: Final = r"[!-*,-~]{1,255}"
_VKEY: Final = re.compile(rf"({_NAME})\+([0-9a-f]{{8}})\+([0-9A-Za-z+/=]+)", re.ASCII)
_CHECKPOINT: Final = re.compile(
    rf"(({_NAME})\n(0|[1-9][0-9]{{0,18}})\n([0-9A-Za-z+/=]{{44}})\n)"
    rf"\n— ({_NAME}) ([0-9A-Za-z+/=]{{92}})\n",
    re.ASCII,
)


def _decode(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofError("malformed base64") from error
    if base64.b64encode(data).decode("ascii") != text:
        raise ProofError("base64 that is not canonical")
    return data


def key_id(name: str, public_key: bytes) -> bytes:
    """Return the four bytes that tell keys of one name apart.

    Source: C2SP signed-note, "Signatures".
    """
    text = name.encode("ascii") + b"\n" + bytes([_ED25519]) + public_key
    return hashlib.sha256(text).digest()[:4]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """An Ed25519 public key and the name it signs under."""

    name: str
    public_key: bytes

    @property
    def id(self) -> bytes:
        """Return the four bytes that tell keys of one name apart."""
        return key_id(self.name, self.public_key)

    def text(self) -> str:
        """Return the key as it is published.

        Source: C2SP signed-note, "Verifier keys".
        """
        encoded = base64.b64encode(bytes([_ED25519]) + self.public_key).decode("ascii")
        return f"{self.name}+{self.id.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Return the key that ``text`` publishes.

        Raises: ProofError.
        """
        match = _VKEY.fullmatch(text)
        if match is None:
            raise ProofError("malformed verifier key")
        data = _decode(match[3])
        if len(data) != 33 or data[0] != _ED25519:
            raise ProofError("the verifier key is not an Ed25519 key")
        key = cls(match[1], data[1:])
        if key.id.hex() != match[2]:
            raise ProofError("the verifier key does not match its own identifier")
        return key


def checkpoint_text(origin: str, size: int, root: bytes) -> bytes:
    """Return the text that a checkpoint's signature covers.

    Source: C2SP tlog-checkpoint.
    """
    return f"{origin}\n{size}\n{base64.b64encode(root).decode('ascii')}\n".encode("ascii")


def signed(text: bytes, name: str, identifier: bytes, signature: bytes) -> bytes:
    """Return the signed note of a text and its one signature.

    Source: C2SP signed-note.
    """
    encoded = base64.b64encode(identifier + signature).decode("ascii")
    return text + f"\n— {name} {encoded}\n".encode()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A parsed checkpoint, of which nothing is verified yet."""

    text: bytes
    origin: str
    size: int
    root: bytes
    key_id: bytes
    signature: bytes

    @classmethod
    def parse(cls, note: bytes) -> Checkpoint:
        """Return the checkpoint that ``note`` spells.

        Raises: ProofError.
        """
        try:
            match = _CHECKPOINT.fullmatch(note.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise ProofError("malformed checkpoint") from error
        if match is None:
            raise ProofError("malformed checkpoint")
        if match[2] != match[5]:
            raise ProofError("the checkpoint is signed under another name than its log's")
        root, signature = _decode(match[4]), _decode(match[6])
        if len(root) != 32 or len(signature) != 68:
            raise ProofError("malformed checkpoint")
        text = match[1].encode("ascii")
        return cls(text, match[2], int(match[3]), root, signature[:4], signature[4:])

    def verify(
        self, key: VerifierKey, check: Callable[[bytes, bytes, bytes], bool] = ed25519.verify
    ) -> None:
        """Check the signature; ``check`` answers whether a key signed a message with a signature.

        Cost: about 2 ms.
        Raises: ProofError.
        """
        if key.name != self.origin or key.id != self.key_id:
            raise ProofError("the checkpoint is signed with another key")
        if not check(key.public_key, self.text, self.signature):
            raise ProofError("the checkpoint's signature is false")
