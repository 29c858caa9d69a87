"""The one spelling of a JSON value: RFC 8785 for the values used here.

Layer: ``engine.proof``. Invariant: ``canonical(parse(data)) == data``, or ``parse`` raises.
"""

from __future__ import annotations

import json
from typing import Final

from engine.proof.errors import ProofError

_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
)


def canonical(value: object) -> bytes:
    """Return the canonical JSON of a value made of str, int, bool, None, list and str-keyed dict.

    Source: RFC 8785, which for such values (and ASCII keys) is sorted keys and no white space.
    """
    return _ENCODER.encode(value).encode("utf-8")


def parse(data: bytes) -> object:
    """Return the value that ``data`` is the canonical JSON of.

    Raises: ProofError, when it is not JSON or is spelled another way.
    """
    try:
        value: object = json.loads(data)
        same = canonical(value) == data
    except (ValueError, RecursionError) as error:
        raise ProofError("not JSON") from error
    if not same:
        raise ProofError("not canonical JSON")
    return value
