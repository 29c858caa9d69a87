"""The commit leaf: what the log's tree is made of.

Layer: ``engine.proof``. Invariant: one regular expression is both parser and proof that the bytes
are canonical JSON, so a leaf has one spelling.
Format: grizzly-proof(5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from engine.proof.errors import ProofError

_HASH: Final = rb"([0-9a-f]{64})"
_COUNT: Final = rb"(0|[1-9][0-9]{0,15})"
_LEAF: Final = re.compile(
    rb'\{"changes":\{"n":' + _COUNT + rb',"root":"' + _HASH + rb'"\},"db":"([0-9a-f]{32})",'
    rb'"meta":"' + _HASH + rb'","op":"([A-Za-z][A-Za-z0-9 _-]{0,63})","parent":"' + _HASH + rb'",'
    rb'"seq":' + _COUNT + rb',"state":\{"n":' + _COUNT + rb',"root":"' + _HASH + rb'"\},'
    rb'"ts":' + _COUNT + rb',"v":"grizzly-commit/1"\}'
)
_LIMIT: Final = 2**53

NO_PARENT: Final = bytes(32)
"""The parent of the first commit."""


def spell(  # noqa: PLR0913 - a leaf has so many fields
    *,
    db: str,
    seq: int,
    ts: int,
    op: str,
    parent: bytes,
    meta: bytes,
    changes: tuple[int, bytes],
    state: tuple[int, bytes],
) -> bytes:
    """Return the bytes of the leaf with these claims, which the caller has checked.

    Shape: ``changes`` and ``state`` are a count and a root.
    """
    return (
        f'{{"changes":{{"n":{changes[0]},"root":"{changes[1].hex()}"}},"db":"{db}",'
        f'"meta":"{meta.hex()}","op":"{op}","parent":"{parent.hex()}","seq":{seq},'
        f'"state":{{"n":{state[0]},"root":"{state[1].hex()}"}},"ts":{ts},'
        '"v":"grizzly-commit/1"}'
    ).encode("ascii", "replace")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One commit's claims: its place, its time, and the roots over all that it holds."""

    db: str
    seq: int
    ts: int
    op: str
    parent: bytes
    meta: bytes
    changes_count: int
    changes_root: bytes
    state_count: int
    state_root: bytes

    def encode(self) -> bytes:
        """Return the leaf's bytes.

        Raises: ProofError, when they could not be parsed again.
        """
        data = spell(
            db=self.db,
            seq=self.seq,
            ts=self.ts,
            op=self.op,
            parent=self.parent,
            meta=self.meta,
            changes=(self.changes_count, self.changes_root),
            state=(self.state_count, self.state_root),
        )
        if (
            not _LEAF.fullmatch(data)
            or max(self.seq, self.ts, self.changes_count, self.state_count) >= _LIMIT
        ):
            raise ProofError("a commit leaf that cannot be written")
        return data

    @classmethod
    def parse(cls, data: bytes) -> Leaf:
        """Return the leaf that ``data`` spells.

        Raises: ProofError.
        """
        match = _LEAF.fullmatch(data)
        if match is None:
            raise ProofError("malformed commit leaf")
        numbers = [int(match[group]) for group in (1, 7, 8, 10)]
        if max(numbers) >= _LIMIT:
            raise ProofError("a number in the commit leaf is too large")
        return cls(
            db=match[3].decode("ascii"),
            seq=numbers[1],
            ts=numbers[3],
            op=match[5].decode("ascii"),
            parent=bytes.fromhex(match[6].decode("ascii")),
            meta=bytes.fromhex(match[4].decode("ascii")),
            changes_count=numbers[0],
            changes_root=bytes.fromhex(match[2].decode("ascii")),
            state_count=numbers[2],
            state_root=bytes.fromhex(match[9].decode("ascii")),
        )
