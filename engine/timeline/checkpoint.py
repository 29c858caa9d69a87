"""The newest checkpoint beside the log: how many commits the log must hold at least.

Layer: ``engine.timeline``. Invariant: of two slots one is written at a time, in place and without a
sync; a slot that is not whole counts for nothing, so damage lowers what is promised, never invents.
Format: grizzly-lake(5).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from engine.errors import CorruptError
from engine.objectstore import layout
from engine.proof.errors import ProofError
from engine.proof.note import Checkpoint

if TYPE_CHECKING:
    from engine.objectstore import Store

_SLOT: Final = 512
_BLANK: Final = b"\n" * _SLOT


def _slot(note: bytes) -> bytes:
    line = b"crc32 %08x\n" % zlib.crc32(note)
    return (note + line).ljust(_SLOT, b"\n")


def write(store: Store, note: bytes, size: int) -> None:
    """Put the signed checkpoint of a log of ``size`` commits where the last but one was.

    Cost: one write within a page; nothing is synced.
    Raises: IoError, ReadOnlyError.
    """
    if store.size(layout.CHECKPOINT) == 2 * _SLOT:
        store.patch(layout.CHECKPOINT, _slot(note), size % 2 * _SLOT)
    else:
        # Both, for who comes while one of them is written finds the other.
        store.replace(layout.CHECKPOINT, 2 * _slot(note))


def slots(data: bytes) -> list[bytes | None]:
    """Return the note in each slot, empty in a blank one, None in one that is not whole.

    A file that is nothing but a note counts as one slot.
    """
    found: list[bytes | None] = []
    if len(data) < _SLOT:
        return [data if _parsed(data) else None]
    for place in range(0, len(data), _SLOT):
        slot = data[place : place + _SLOT]
        note = slot.rpartition(b"crc32 ")[0]
        if slot == _BLANK:
            found.append(b"")
        else:
            found.append(note if _parsed(note) and _slot(note) == slot else None)
    return found


def _parsed(note: bytes) -> Checkpoint | None:
    try:
        return Checkpoint.parse(note)
    except ProofError:
        return None


def read(store: Store) -> tuple[bytes, int]:
    """Return the newest note of ``log/checkpoint`` and the number of commits that it promises.

    A power cut may leave an old one, or on some file systems an empty file.

    Shape: no bytes and 0 when it is empty; no bytes and -1 when it is missing.
    Raises: CorruptError, when neither slot is whole; IoError.
    """
    path = layout.CHECKPOINT
    if store.size(path) is None:
        return b"", -1
    data = store.read(path)
    if not data:
        return b"", 0
    parsed = [found for note in slots(data) if note and (found := (note, _parsed(note)))]
    sizes = [(checkpoint.size, note) for note, checkpoint in parsed if checkpoint]
    if not sizes:
        raise CorruptError(f"{path} is damaged", subject=path)
    size, note = max(sizes)
    return note, size
