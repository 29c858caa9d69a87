"""Commits before they are written: what was proposed, made into records.

Layer: ``engine.timeline``. Invariant: a draft's commits follow each other and the head they were
begun from; signing and writing it is all that is left, and until then nothing has changed.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from engine.errors import LakeError, UsageError
from engine.proof.canonical import canonical
from engine.proof.note import checkpoint_text
from engine.timeline import group, record
from engine.timeline.group import Seal
from engine.timeline.model import Commit, Head
from engine.timeline.signers import verifier_key_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.proof.tree import CompactRange
    from engine.timeline.model import Proposal
    from engine.timeline.record import Record
    from engine.timeline.signing import Signer
    from engine.timeline.state import State

_OPERATION: Final = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,63}", re.ASCII)
_KEY: Final = re.compile(r"[!-~]{1,1000}", re.ASCII)
_MOST_BYTES: Final = 1 << 26


def _checked(changes: Mapping[str, bytes | None]) -> dict[bytes, bytes | None]:
    checked: dict[bytes, bytes | None] = {}
    for key in sorted(changes) if len(changes) > 1 else changes:
        value = changes[key]
        if not _KEY.fullmatch(key):
            raise UsageError(f"{key!r} cannot be a key of the state map", subject=key)
        if value is not None and not value.isascii():
            try:
                value.decode("utf-8")
            except UnicodeDecodeError as error:
                raise UsageError("a value of the state map is not text", subject=key) from error
        checked[key.encode("ascii")] = value
    return checked


def _text(value: str) -> str:
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


class Draft:
    """Commits that are to become durable together, right after a head."""

    def __init__(  # noqa: PLR0913 - all that a commit follows from
        self,
        *,
        db: str,
        origin: str,
        signer: Signer,
        before: CompactRange,
        head: Head | None,
        parent: bytes,
        state: State,
        path: str,
        room: int,
    ) -> None:
        """Begin after ``head``, whose leaf has the hash ``parent`` and ends the tree ``before``."""
        self._db = db
        self._origin = origin
        self._signer = signer
        self._key = signer.verifier_key(origin)
        self._announced = verifier_key_entry(self._key.id)
        self._path = path
        self._room = room
        self._bytes = 0
        self._parent = parent
        self._ts = -1 if head is None else head.ts
        self._range = before.copy()
        self._objects: list[bytes] = []
        self._is_announced = False
        self._meta: Mapping[str, str] = {}
        self._meta_spelled = b"{}"
        self._by_digest: dict[str, bytes] = {}
        self._head = head
        self._state = state
        self.records: list[Record] = []

    @property
    def seq(self) -> int:
        """Return the number of the next commit."""
        return self._range.size

    @property
    def newest(self) -> Head:
        """Return the newest commit, added or before; an empty log has none to build upon.

        Raises: LakeError.
        """
        if self._head is None:
            raise LakeError("the log has no commit yet")
        return self._head

    @property
    def full(self) -> bool:
        """Return whether what else waits belongs into another group."""
        return len(self.records) >= self._room or self._bytes > _MOST_BYTES

    def add(self, proposal: Proposal, now: int) -> Commit:
        """Add the commit that makes a proposal true; when it raises, nothing was added.

        The first commit that a key signs announces the key in the state map.

        Cost: by the number of changes.
        Raises: UsageError, CorruptError.
        """
        if not _OPERATION.fullmatch(proposal.op):
            raise UsageError(f"{proposal.op!r} cannot name an operation", subject=proposal.op)
        seq, ts = self.seq, max(now, self._ts + 1)
        changes = _checked(self._with_key(proposal.changes, seq))
        if proposal.meta != self._meta:
            meta = {_text(name): _text(value) for name, value in proposal.meta.items()}
            self._meta_spelled, self._meta = canonical(meta), meta
        objects = list({bytes(data): None for data in proposal.objects})
        if len(objects) > record.MOST_OBJECTS:
            raise UsageError(f"{len(objects)} objects are more than one commit can hold")
        state = self._state.apply(changes)
        made = record.make(
            record.Place(self._db, seq, self._parent, self._path, 0),
            ts,
            proposal.op,
            self._meta_spelled,
            tuple(changes.items()),
            (state.count, state.root),
            objects,
        )
        self._range.append(made.hashed)
        self._parent, self._ts, self._state = made.hashed, ts, state
        self._objects += objects
        self._bytes += len(made.section) + sum(made.lengths)
        self.records.append(made)
        self._is_announced = self._announced.encode("ascii") not in changes
        self._head = Head(seq, ts, self._range.copy(), made.leaf, b"", state, made.hashed)
        return Commit(seq, ts, proposal.op, self._meta, made.leaf, _named(changes))

    def _with_key(
        self, changes: Mapping[str, bytes | None], seq: int
    ) -> Mapping[str, bytes | None]:
        if self._is_announced:
            return changes
        held = self._state.get(self._announced)
        if held is not None:
            if b'"until":' in held:
                raise UsageError(
                    f"the signing key {self._key.id.hex()} was retired from this lakehouse",
                    hint="$GRIZZLY_KEY names the file of the key that follows it",
                )
            return changes
        return {**changes, self._announced: canonical({"since": seq, "vkey": self._key.text()})}

    def seal(self) -> Seal:
        """Sign the log as it is after the last commit."""
        root = self.newest.root
        signature = self._signer.signature(checkpoint_text(self._origin, self.seq, root))
        return Seal(self.seq, root, self._key.id, signature)

    @property
    def tree(self) -> CompactRange:
        """Return the log's tree after the last commit."""
        return self._range

    def placed(self, at: int) -> None:
        """Tell the records where their objects are, now that the group lies at ``at``."""
        at += group.overhead(sum(len(made.section) for made in self.records))
        for made in self.records:
            made.start = at
            at = made.end

    def object(self, digest: str) -> bytes | None:
        """Return an object that one of the commits carries, by its SHA-256 in hexadecimal."""
        for data in self._objects[len(self._by_digest) :]:
            self._by_digest[hashlib.sha256(data).hexdigest()] = data
        return self._by_digest.get(digest)

    def encode(self, seal: Seal) -> bytes:
        """Return the group as it is to be appended."""
        return group.encode(self._db, self.records, seal, self._objects)


def _named(changes: Mapping[bytes, bytes | None]) -> dict[str, bytes | None]:
    return {key.decode("ascii"): value for key, value in changes.items()}
