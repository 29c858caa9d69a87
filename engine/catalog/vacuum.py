"""What was vacuumed, and which versions something in the state holds on to.

Layer: ``catalog``. Invariant: an object that a plan lists may be gone; whether it is, its file tells.
A plan is the state key ``gc/<version>``; the objects it may take are listed in an object of its own,
canonical JSON ``[[digest, bytes], …]``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.catalog.definitions import Ref
from engine.proof.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.catalog.catalog import Mapping
    from engine.timeline import Timeline

PLANNED, TRASH, RESTORED, PURGED = "planned", "trash", "restored", "purged"
_PREFIX: Final = "gc/"
_HOLDERS: Final = {"ref": "version", "b": "base", "w": "version"}
"""Kinds of keys that hold on to versions, and the field that says which."""


@dataclass(frozen=True, slots=True)
class VacuumPlan:
    """One vacuum: state key ``gc/<version>``; ``version`` is the commit that recorded it.

    Units: ``ts`` microseconds since the Unix epoch, UTC.
    """

    version: int
    ts: int
    stage: str
    objects: int
    size: int
    why: str
    listed: Ref

    @property
    def state_key(self) -> str:
        """The key of this plan in the state map."""
        return f"{_PREFIX}{self.version:016x}"

    @property
    def folder(self) -> str:
        """The name of the folder in the trash that holds what was taken."""
        return f"{self.version:016x}"

    @property
    def undoable(self) -> bool:
        """Whether what was taken is in the trash still."""
        return self.stage in {PLANNED, TRASH}

    def encode(self) -> bytes:
        """Return the bytes stored in the state map."""
        return canonical(
            {
                "bytes": self.size,
                "objects": self.objects,
                "plan": self.listed.to_json(),
                "stage": self.stage,
                "ts": self.ts,
                "why": self.why,
            }
        )

    @classmethod
    def decode(cls, key: str, data: bytes) -> VacuumPlan:
        """Read what ``encode`` wrote; ``key`` is the plan's state key."""
        value = json.loads(data)
        return cls(
            int(key.removeprefix(_PREFIX), 16),
            value["ts"],
            value["stage"],
            value["objects"],
            value["bytes"],
            value["why"],
            Ref.from_json(value["plan"]),
        )


def encode_list(objects: dict[str, int]) -> bytes:
    """Return the list of a plan's objects and their sizes."""
    return canonical([[digest, objects[digest]] for digest in sorted(objects)])


def decode_list(data: bytes) -> dict[str, int]:
    """Read what ``encode_list`` wrote."""
    return {digest: int(size) for digest, size in json.loads(data)}


def plans(state: Mapping) -> list[VacuumPlan]:
    """Return every vacuum that a state knows of, oldest first."""
    return [VacuumPlan.decode(key, data) for key, data in state.items(_PREFIX)]


def pins(items: Iterable[tuple[str, bytes | None]]) -> Iterator[tuple[int, bool]]:
    """Yield the versions that entries of a state hold on to, and whether all later ones too.

    A snapshot holds its version, a branch the one it began from; a watermark, on a branch too, every
    version from its own on, for whoever asks for changes since then needs them all.
    """
    for key, value in items:
        kind, _, rest = key.partition("/")
        if kind == "x":
            kind = rest.partition("/")[2].partition("/")[0]
            if kind != "w":
                continue
        if value is None or kind not in _HOLDERS:
            continue
        found = json.loads(value)
        version = found.get(_HOLDERS[kind]) if isinstance(found, dict) else None
        if isinstance(version, int):
            yield version, kind == "w"


def taken(timeline: Timeline, digest: str) -> VacuumPlan | None:
    """Return the vacuum that took an object which is missing, or None when none did.

    Raises: CorruptError, IoError.
    """
    for plan in reversed(plans(timeline.refresh().state)):
        if plan.stage == RESTORED:
            continue
        listed = timeline.object(plan.listed.digest, plan.listed.at)
        if digest in decode_list(listed):
            return plan
    return None
