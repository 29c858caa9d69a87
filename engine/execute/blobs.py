"""Blobs read by statements: their bytes as a value, or as a file of a foreign format.

Layer: ``execute``. Invariant: nobody sees a byte of a blob before all of them were checked.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from engine.errors import CorruptError, GrizzlyError, IoError, UnsupportedError
from engine.execute.backends.files import ForeignFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa
    import pyarrow.compute as pc

    from engine.catalog import Blob
    from engine.objectstore import ByteSource
    from engine.storage import Predicate

PIECE: Final = 1 << 20
"""Units: bytes read at a time."""

LARGEST_VALUE: Final = 1 << 30
"""Units: bytes of the largest blob that a statement takes as one value."""

_SUFFIXES: Final = re.compile(r"(?:\.[A-Za-z0-9]{1,9}){1,2}\Z")


def chunks(blob: Blob, source: ByteSource) -> Iterator[bytes]:
    """Yield a blob's bytes; only when they end without an error are they the right ones.

    Cost: memory for one piece.
    Raises: CorruptError, IoError.
    """
    hasher = hashlib.sha256()
    for offset in range(0, source.size, PIECE):
        piece = source.read(offset, PIECE)
        hasher.update(piece)
        yield piece
    if hasher.hexdigest() != blob.data.digest:
        raise CorruptError(f"the blob '{blob.name}' is damaged", subject=source.name)


def content(blob: Blob, source: ByteSource) -> bytes:
    """Return all of a blob's bytes, verified.

    Raises: UnsupportedError when they are too many for one value; CorruptError, IoError.
    """
    if blob.size > LARGEST_VALUE:
        raise UnsupportedError(
            f"the blob '{blob.name}' has {blob.size} bytes, too many for one value",
            hint="FROM 'blob:name.csv' reads one as a file; `grizzly blob get` writes it out",
        )
    return b"".join(chunks(blob, source))


class BlobFile(ForeignFile):
    """A blob as a file that a reader of files can open: a verified copy, gone when it is closed."""

    def __init__(
        self, blob: Blob, source: ByteSource, reader: str, options: Mapping[str, str]
    ) -> None:
        """Copy the blob to where temporary files go, and look at its head.

        Raises: CorruptError; IoError, ExecutionError.
        """
        self._title = f"blob:{blob.name}"
        self._folder = tempfile.TemporaryDirectory(prefix="grizzly-blob-")
        try:
            suffixes = _SUFFIXES.search(blob.name)
            path = Path(self._folder.name) / f"blob{suffixes[0] if suffixes else ''}"
            _spool(blob, source, path)
            super().__init__(str(path), reader, options)
        except BaseException as error:
            self._folder.cleanup()
            if isinstance(error, GrizzlyError):
                self._retitle(error)
            raise

    @override
    def batches(
        self,
        columns: Sequence[str],
        prune: Sequence[Predicate],
        filter: pc.Expression | None,
    ) -> Iterator[pa.RecordBatch]:
        """Yield ``columns`` of every row, in the file's order."""
        try:
            yield from super().batches(columns, prune, filter)
        except GrizzlyError as error:
            self._retitle(error)
            raise

    @override
    def close(self) -> None:
        """Let go of the copy."""
        super().close()
        self._folder.cleanup()

    def _retitle(self, error: GrizzlyError) -> None:
        """Call the blob by its name, and not by that of the copy."""
        folder = re.escape(self._folder.name)
        error.message = re.sub(rf"{folder}/blob[.\w]*", self._title, error.message)
        error.subject = self._title


def _spool(blob: Blob, source: ByteSource, path: Path) -> None:
    try:
        with path.open("wb") as file:
            for piece in chunks(blob, source):
                file.write(piece)
    except OSError as error:
        raise IoError(
            f"cannot copy the blob '{blob.name}' to {path.parent}: {error.strerror}",
            subject=str(path),
            hint="TMPDIR names another folder for temporary files",
        ) from error
