"""The FORMAT file: what this folder is, and what a program must know to touch it.

Layer: ``engine.timeline``. Invariant: a program that does not know every flag refuses the lake.
Format: grizzly-lake(5).
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Final

from engine.errors import CorruptError, LakeError
from engine.objectstore import layout
from engine.proof.canonical import canonical

_NAME: Final = "grizzly-lakehouse"
_VERSION: Final = 1
_ID: Final = re.compile(r"[0-9a-f]{32}")


def encode(identifier: str) -> bytes:
    """Return the file of a lakehouse with this identifier of 32 hexadecimal digits."""
    line = canonical({"flags": [], "format": _NAME, "id": identifier, "version": _VERSION}) + b"\n"
    return line + f"sha256 {hashlib.sha256(line).hexdigest()}\n".encode("ascii")


def decode(data: bytes) -> str:
    """Return the identifier of the lakehouse.

    Raises: CorruptError; LakeError, when a newer program made it.
    """
    line, _, rest = data.partition(b"\n")
    line += b"\n"
    if rest != f"sha256 {hashlib.sha256(line).hexdigest()}\n".encode("ascii"):
        raise _corrupt()
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise _corrupt() from error
    if not isinstance(fields, dict) or fields.get("format") != _NAME:
        raise _corrupt()
    if fields.get("version") != _VERSION or fields.get("flags") != []:
        raise LakeError(
            "the lakehouse was made by a newer grizzly",
            subject=layout.FORMAT,
            hint="install the newest version of pl-grizzly",
        )
    identifier = fields.get("id")
    if not isinstance(identifier, str) or not _ID.fullmatch(identifier):
        raise _corrupt()
    return identifier


def _corrupt() -> CorruptError:
    return CorruptError("FORMAT is damaged", subject=layout.FORMAT)
