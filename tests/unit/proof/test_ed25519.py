"""The verifier of signatures, against RFC 8032 and against another implementation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.proof import ed25519

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "rfc8032.json").read_text(encoding="utf-8")
)["signatures"]
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize("case", VECTORS)
def test_published_signatures(case: dict[str, str]) -> None:
    key, message, signature = (
        bytes.fromhex(case[name]) for name in ("key", "message", "signature")
    )
    assert ed25519.verify(key, message, signature)
    assert not ed25519.verify(key, message + b"\0", signature)
    for place in range(0, 64, 7):
        changed = bytearray(signature)
        changed[place] ^= 1
        assert not ed25519.verify(key, message, bytes(changed))


def test_agrees_with_another_implementation() -> None:
    for number in range(12):
        private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        public = private.public_key().public_bytes_raw()
        message = b"m" * number
        assert ed25519.verify(public, message, private.sign(message))
        assert not ed25519.verify(public, message, private.sign(message + b"x"))


def test_no_second_signature_can_be_derived() -> None:
    key, message, signature = (
        bytes.fromhex(VECTORS[1][n]) for n in ("key", "message", "signature")
    )
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    assert not ed25519.verify(key, message, signature[:32] + scalar.to_bytes(32, "little"))


@pytest.mark.parametrize(
    "key",
    [
        (1).to_bytes(32, "little"),
        bytes(32),
        (2**255 - 20).to_bytes(32, "little"),
        (2**255 - 18).to_bytes(32, "little"),
        b"\xff" * 32,
        b"short",
    ],
)
def test_weak_and_malformed_keys_are_refused(key: bytes) -> None:
    # With a key of small order the signature of nothing would pass for some messages.
    neutral = (1).to_bytes(32, "little") + bytes(32)
    assert not any(ed25519.verify(key, b"%d" % number, neutral) for number in range(8))


def test_lengths_are_checked() -> None:
    assert not ed25519.verify(bytes.fromhex(VECTORS[0]["key"]), b"", b"\0" * 63)
