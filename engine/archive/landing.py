"""Files put into a folder so that a name is only ever seen on bytes that were read back from disk.

Layer: ``engine.archive``. Invariant: a file gets its name after its bytes were made durable, dropped
from memory where the system allows it, read again and found to be those that were read at the
source; so whatever a killed copy left under a name is right, and the rest is in ``tmp``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.archive.reader import CHUNK, refusals, sync_folder
from engine.clock import SystemClock
from engine.errors import CorruptError
from engine.objectstore import layout

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_MOST_FILES: Final = 256
_MOST_BYTES: Final = 64 << 20
_WRITE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class _Staged:
    """A written file that has no name yet."""

    name: str
    path: Path
    digest: str


class Landing:
    """Files on their way into the folder ``root``.

    Cost: many small files share the cost of being made durable.
    """

    def __init__(self, root: Path) -> None:
        """Write below ``root``, which is made when the first file comes."""
        self._root = root
        self._folder = root / layout.TMP / f"copy-{SystemClock().token()}"
        self._staged: list[_Staged] = []
        self._bytes = 0
        self._known: set[Path] = set()

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        """Take one file; one below ``objects/`` must be what its name says.

        Raises: CorruptError naming a file that does not match its name or did not arrive; IoError.
        """
        with refusals(name):
            if not self._staged:
                self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / str(len(self._staged))
            hasher = hashlib.sha256()
            with os.fdopen(os.open(path, _WRITE, 0o644), "wb") as file:
                for chunk in chunks:
                    hasher.update(chunk)
                    file.write(chunk)
                    self._bytes += len(chunk)
        digest = hasher.hexdigest()
        if name.startswith(f"{layout.OBJECTS}/") and layout.data_object(digest) != name:
            raise CorruptError(
                f"{name} does not match its name",
                subject=name,
                hint="`grizzly repair --from COPY` mends it from another copy.",
            )
        self._staged.append(_Staged(name, path, digest))
        if len(self._staged) >= _MOST_FILES or self._bytes >= _MOST_BYTES:
            self.flush()

    def flush(self) -> None:
        """Give the files that were taken their names, in the order in which they came; durable.

        Raises: CorruptError naming a file that the disk did not keep; IoError.
        """
        folders: dict[Path, None] = {}
        for staged in self._staged:
            with refusals(staged.name):
                if _read_back(staged.path) != staged.digest:
                    raise CorruptError(
                        f"{staged.name} was not kept by the disk as it was written",
                        subject=staged.name,
                        hint="Check the disk that the copy is on.",
                    )
        for staged in self._staged:
            with refusals(staged.name):
                final = self._root / staged.name
                self._make(final.parent)
                staged.path.replace(final)
                folders[final.parent] = None
        with refusals(str(self._root)):
            for folder in folders:
                sync_folder(folder)
        self._staged.clear()
        self._bytes = 0

    def _make(self, folder: Path) -> None:
        """Make a folder whose name survives a power cut, with those above it."""
        if folder in self._known:
            return
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir(exist_ok=True)
            sync_folder(folder.parent)
        self._known.add(folder)

    def clear(self) -> None:
        """Forget what has no name yet."""
        self._staged.clear()
        shutil.rmtree(self._folder, ignore_errors=True)


def _read_back(path: Path) -> str:
    """Make a file durable and return the SHA-256 of what the disk has of it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        os.fsync(descriptor)
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        hasher = hashlib.sha256()
        while chunk := file.read(CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()
