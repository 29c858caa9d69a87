"""Reading the fields of a proof strictly: each has one type and one spelling.

Layer: ``engine.proof``. Invariant: what is returned, spelled again, gives back the same bytes.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

from engine.proof.errors import ProofError
from engine.proof.hashing import SIZE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_EXACT: Final = 2**53


def record(value: object, names: Collection[str]) -> dict[str, Any]:
    """Return ``value`` as an object of exactly these names.

    Raises: ProofError.
    """
    if not isinstance(value, dict) or set(value) != set(names):
        raise ProofError("the proof has other fields than it should")
    return value


def text(value: object) -> str:
    """Return ``value`` as text that is Unicode.

    Raises: ProofError.
    """
    if not isinstance(value, str) or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ProofError("a field of the proof is not text")
    return value


def number(value: object) -> int:
    """Return ``value`` as a count that every JSON reader takes exactly.

    Raises: ProofError.
    """
    if type(value) is not int or not 0 <= value < _EXACT:
        raise ProofError("a field of the proof is not a number")
    return value


def array(value: object) -> list[Any]:
    """Return ``value`` as a list.

    Raises: ProofError.
    """
    if not isinstance(value, list):
        raise ProofError("a field of the proof is not a list")
    return value


def data(value: object) -> bytes:
    """Return the bytes that a text in base64 stands for.

    Raises: ProofError, for any spelling but the canonical one.
    """
    spelled = text(value)
    try:
        found = base64.b64decode(spelled, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofError("malformed base64") from error
    if spell(found) != spelled:
        raise ProofError("base64 that is not canonical")
    return found


def hashes(value: object) -> list[bytes]:
    """Return the hashes that one text in base64 holds, one after the other.

    Raises: ProofError.
    """
    found = data(value)
    if len(found) % SIZE:
        raise ProofError("a hash is not 32 bytes long")
    return [found[place : place + SIZE] for place in range(0, len(found), SIZE)]


def one_hash(value: object) -> bytes:
    """Return the hash that a text in base64 holds.

    Raises: ProofError.
    """
    found = data(value)
    if len(found) != SIZE:
        raise ProofError("a hash is not 32 bytes long")
    return found


def spell(value: bytes) -> str:
    """Return bytes as ``data`` reads them."""
    return base64.b64encode(value).decode("ascii")


def spell_all(values: Iterable[bytes]) -> str:
    """Return hashes as ``hashes`` reads them."""
    return spell(b"".join(values))
