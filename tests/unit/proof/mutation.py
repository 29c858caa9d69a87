"""Changing a proof in every place, to see whether anyone notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.proof import ProofError, verify
from engine.timeline.signing import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def rejects(data: bytes) -> bool:
    """Say whether the verifier refuses, in the only way it may."""
    try:
        verify(data, check=check)
    except ProofError:
        return True
    return False


def changed(good: bytes, step: int = 1) -> Iterator[bytes]:
    """Yield a proof with one byte changed, missing or too many, at every ``step``-th place."""
    for place in range(0, len(good), step):
        old = good[place]
        for value in {old ^ 1, old ^ 0x20, 0x30} - {old}:
            yield good[:place] + bytes([value]) + good[place + 1 :]
        yield good[:place] + good[place + 1 :]
        yield good[:place] + b" " + good[place:]


def survivors(
    good: bytes, step: int = 1, refuses: Callable[[bytes], bool] = rejects
) -> list[bytes]:
    """Return the changed proofs that were still believed."""
    return [data for data in changed(good, step) if not refuses(data)]
