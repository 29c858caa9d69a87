"""What a verified proof says.

Layer: ``engine.proof``. Invariant: everything here was checked; nothing is merely quoted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.proof.leaf import Leaf


@dataclass(frozen=True, slots=True)
class Report:
    """What a verified bundle proves about the log of ``size`` commits with this ``root``.

    ``leaf`` is the commit that it is about, None where it is about the log alone. ``facts`` is what
    was proved of that kind, as JSON would have it. ``witnesses`` cosigned the checkpoint.
    """

    kind: str
    origin: str
    vkey: str
    pinned: bool
    size: int
    root: bytes
    leaf: Leaf | None
    leaf_hash: bytes | None
    facts: dict[str, Any] = field(default_factory=dict)
    witnesses: tuple[str, ...] = ()
