"""Migrations that were applied.

Layer: ``catalog``. Invariant: a migration is in the state exactly from the commit that applied it to
the commit that undid it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from engine.catalog.definitions import name_key
from engine.proof.canonical import canonical

MIGRATIONS = "m"
"""What the state keys of migrations begin with."""


@dataclass(frozen=True, slots=True)
class Migration:
    """An applied migration: state key ``m/<name>``; ``digest`` is the SHA-256 of its text."""

    name: str
    digest: str

    @property
    def state_key(self) -> str:
        """The key of this migration in the state map."""
        return name_key(MIGRATIONS, self.name)

    def encode(self) -> bytes:
        """Return the bytes stored in the state map."""
        return canonical({"digest": self.digest})

    @classmethod
    def decode(cls, name: str, data: bytes) -> Migration:
        """Read what ``encode`` wrote."""
        return cls(name, json.loads(data)["digest"])
