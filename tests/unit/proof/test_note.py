"""Checkpoints and keys have one spelling."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from engine.proof.errors import ProofError
from engine.proof.note import Checkpoint, VerifierKey, checkpoint_text
from tests.unit.timeline.lakes import SIGNER

if TYPE_CHECKING:
    from collections.abc import Callable

ORIGIN = "pl-grizzly/0123456789abcdef0123456789abcdef"
ROOT = bytes(range(32))


def note() -> bytes:
    return SIGNER.sign(checkpoint_text(ORIGIN, 7, ROOT), ORIGIN)


def test_a_signed_checkpoint_reads_back() -> None:
    checkpoint = Checkpoint.parse(note())
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (ORIGIN, 7, ROOT)
    checkpoint.verify(VerifierKey.parse(SIGNER.verifier_key(ORIGIN).text()))


def test_the_published_key_reads_back() -> None:
    # C2SP signed-note's example key.
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert VerifierKey.parse(text).text() == text


def test_the_published_note_verifies() -> None:
    # C2SP signed-note's example is free text, so only its signature is checked here.
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = (
        b"If you think cryptography is the answer to your problem,\n"
        b"then you don't know what your problem is.\n"
    )
    line = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    signature = base64.b64decode(line)
    assert signature[:4] == key.id
    checkpoint = Checkpoint(text, key.name, 0, b"", signature[:4], signature[4:])
    checkpoint.verify(key)


def test_no_byte_of_a_checkpoint_can_change() -> None:
    key, good = SIGNER.verifier_key(ORIGIN), note()
    for place in range(len(good)):
        for value in {good[place] ^ 1, good[place] ^ 0x20, good[place] ^ 0x80, 0x0A} - {
            good[place]
        }:
            changed = good[:place] + bytes([value]) + good[place + 1 :]
            with pytest.raises(ProofError):
                Checkpoint.parse(changed).verify(key)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + b"\n",
        lambda text: text.replace(b"\n7\n", b"\n07\n"),
        lambda text: text.replace(b"\n7\n", b"\n7\nextension\n"),
        lambda text: text + text[text.index(b"\xe2\x80\x94") :],
        lambda text: text.replace("— ".encode(), b"- "),
        lambda text: text.replace(b"=\n", b"\n", 1),
        lambda text: b"\xff" + text,
    ],
)
def test_other_spellings_are_refused(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ProofError):
        Checkpoint.parse(change(note())).verify(SIGNER.verifier_key(ORIGIN))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        "name+00000000+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T=",
        "PeterNeumann+c74f20a3+AhpcAQ==",
        "PeterNeumann+c74f20a3+====",
    ],
)
def test_malformed_keys_are_refused(text: str) -> None:
    with pytest.raises(ProofError):
        VerifierKey.parse(text)


def test_another_key_of_the_same_name_is_refused() -> None:
    from engine.timeline import Signer

    with pytest.raises(ProofError, match="another key"):
        Checkpoint.parse(note()).verify(Signer(bytes(32)).verifier_key(ORIGIN))
