"""Blobs: files of any kind, kept under names people chose.

Layer: ``catalog``. Invariant: a blob's value says how long it is, what its bytes hash to and which
commit put it there; the same bytes under two names are one object.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from engine.catalog.definitions import PENDING_VERSION, Ref, name_key
from engine.proof.canonical import canonical

BLOBS = "blob"
"""What the state keys of blobs begin with."""

LONGEST_NAME = 900
"""Longest name of a blob as its key spells it."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob: state key ``blob/<name>``. ``version`` is the commit that put it.

    Units: bytes.
    """

    name: str
    size: int
    data: Ref
    version: int = PENDING_VERSION

    @property
    def state_key(self) -> str:
        """The key of this blob in the state map."""
        return name_key(BLOBS, self.name)

    def encode(self) -> bytes:
        """Return the bytes stored in the state map."""
        return canonical({"bytes": self.size, "data": self.data.to_json(), "version": self.version})

    @classmethod
    def decode(cls, name: str, data: bytes) -> Blob:
        """Read what ``encode`` wrote."""
        value = json.loads(data)
        return cls(name, value["bytes"], Ref.from_json(value["data"]), value["version"])
