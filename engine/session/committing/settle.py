"""Values that were written before their commit had a number are given it.

Layer: ``session``. Invariant: only what stands for the coming commit changes: a reference to an object
that the commit carries, and the versions in entries whose kind records them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from engine.catalog import PENDING_VERSION, ROW_ID_SHIFT
from engine.execute.workspace import is_pending
from engine.proof.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

_PENDING: Final = str(PENDING_VERSION).encode()
_VERSIONED: Final = {"y/": ("version",), "bl": ("version",), "b/": ("base", "since")}
"""Kinds of keys whose values name the commit that wrote them, and in which fields."""


class Settler:
    """Settles the values of one commit, and gathers the objects it has to carry."""

    def __init__(self, seq: int, pending: Mapping[str, bytes]) -> None:
        """Settle for commit ``seq``; ``pending`` are the objects that are nowhere yet, by digest."""
        self.objects: dict[str, bytes] = {}
        self._seq = seq
        self._pending = pending

    def key(self, key: str) -> str:
        """Return a state key with its final row id."""
        if not key.startswith("f/"):
            return key
        head, _, digits = key.rpartition("/")
        rid = int(digits, 16)
        if not is_pending(rid):
            return key
        first = rid & ((1 << ROW_ID_SHIFT) - 1)
        return f"{head}/{self._seq << ROW_ID_SHIFT | first:016x}"

    def value(self, key: str, value: bytes | None) -> bytes | None:
        """Return a value with its final references."""
        if value is None or _PENDING not in value:
            return value
        found = json.loads(value)
        for field in _VERSIONED.get(key[:2], ()):
            if found.get(field) == PENDING_VERSION:
                found[field] = self._seq
        return canonical(self._settled(found))

    def _settled(self, value: object) -> object:
        if isinstance(value, dict):
            return {name: self._settled(inner) for name, inner in value.items()}
        if not isinstance(value, list):
            return value
        out = list(value)
        for place, inner in enumerate(out):
            if inner == PENDING_VERSION and place and out[place - 1] in self._pending:
                digest = out[place - 1]
                self.objects[digest] = self._pending[digest]
                out[place] = self._seq
            else:
                out[place] = self._settled(inner)
        return out
