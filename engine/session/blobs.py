"""Blobs given back: what is kept under a name, and its bytes.

Layer: ``session``. Invariant: bytes are read in pieces, and are right when they end without an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import BindError
from engine.execute import blob_chunks
from grammar import suggest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.catalog import Blob
    from engine.session.frame import Frame


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """What a blob is. ``ts`` is when ``version`` put it; an inlined one lies in that commit.

    Units: bytes; microseconds since the Unix epoch, UTC.
    """

    name: str
    bytes: int
    sha256: str
    version: int
    ts: int
    inlined: bool


class Blobs:
    """The blobs that a session sees, at the moment that it reads."""

    def __init__(self, frame: Frame) -> None:
        """Look through a session's frame."""
        self._frame = frame

    def stat(self, name: str) -> BlobInfo:
        """Return what is known of a blob.

        Raises: BindError when there is none of that name.
        """
        blob = self._find(name)
        return BlobInfo(
            name=blob.name,
            bytes=blob.size,
            sha256=blob.data.digest,
            version=blob.version,
            ts=self._frame.timeline.commit_at(blob.version).ts,
            inlined=blob.data.at is not None,
        )

    def read(self, name: str) -> Iterator[bytes]:
        """Yield a blob's bytes in pieces.

        Raises: BindError when there is none of that name; CorruptError, at the latest at the end.
        """
        blob = self._find(name)
        yield from blob_chunks(blob, self._frame.timeline.source(blob.data.digest, blob.data.at))

    def _find(self, name: str) -> Blob:
        catalog = self._frame.workspace().catalog
        blob = catalog.blob(name)
        if blob is None:
            best = suggest(name, [found.name for found in catalog.blobs()])
            raise BindError(
                f"there is no blob '{name}'",
                hint=f"did you mean '{best}'?" if best else "`grizzly blob list` lists them",
            )
        return blob
