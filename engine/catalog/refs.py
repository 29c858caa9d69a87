"""Every object that a value of the state map refers to.

Layer: ``catalog``. Invariant: a reference is found by its shape, wherever it stands in a value, so
that no upkeep ever takes an object for garbage because its kind of value is new.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from engine.catalog.definitions import Ref

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEX: Final = frozenset("0123456789abcdef")
_HOLDERS: Final = ("f/", "i/", "blob/", "gc/", "x/")
"""The kinds of keys whose values can refer to objects; ``x/`` holds values of all kinds."""


def refs_of(key: str, value: bytes) -> Iterator[Ref]:
    """Yield the objects that a value refers to: each list that holds a digest is one reference.

    Shape: ``[digest]`` or ``[digest, at]``, as ``Ref.to_json`` makes them, with or without a number
    in front. A hash outside a list is a hash, and no reference.
    """
    if key.startswith(_HOLDERS):
        yield from _found(json.loads(value))


def _found(value: object) -> Iterator[Ref]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _found(inner)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            if _is_digest(inner):
                after = value[place + 1] if place + 1 < len(value) else None
                yield Ref(inner, after if type(after) is int else None)
            else:
                yield from _found(inner)


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and _HEX.issuperset(value)
