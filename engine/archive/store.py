"""A ``.gobi`` file as a store: a lakehouse that is read in place.

Layer: ``engine.archive``; stands in for ``engine.objectstore``'s folder. Invariant: ``read`` gives
only bytes whose member has the SHA-256 that the manifest promises. ``source`` promises that for
all but ``objects/``, whose readers check each range against the digest in the file's own name.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from engine.archive.fixed import FixedStore
from engine.archive.reader import ArchiveReader
from engine.errors import ArchiveError, CorruptError, IoError
from engine.objectstore import layout
from engine.timeline import Finding

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
    from pathlib import Path

    from engine.archive.format import Place


class ArchiveSource:
    """Random access to one member."""

    def __init__(self, store: ArchiveStore, path: str) -> None:
        """Name the member; nothing is read yet."""
        self._store = store
        self.name = path

    @property
    def size(self) -> int:
        """Return the number of bytes.

        Raises: IoError when there is no such member.
        """
        return self._store.place(self.name).member.size

    @property
    def stamp(self) -> Hashable:
        """Return a value that changes when somebody rewrites the archive."""
        return self._store.stamp(self.name)

    def read(self, offset: int, length: int) -> bytes:
        """Return the bytes from ``offset``, fewer than ``length`` only at the end.

        Raises: ArchiveError or CorruptError naming the member; IoError.
        """
        if self.name.startswith(f"{layout.OBJECTS}/"):
            return self._store.range(self.name, offset, length)
        return self._store.read(self.name, offset, length)


class ArchiveStore(FixedStore):
    """The members of an archive, under the names that they have in a lakehouse's folder."""

    refusal = "is an archive, which is only read"
    way_out = "`grizzly unpack` makes a lakehouse of it that can be written to."

    def __init__(self, path: Path, *, partial: bool = False) -> None:
        """Open the archive and check its frame. Cost: reads the manifest and the directory.

        Raises: ArchiveError when it is no archive, damaged or cut short, or holds only a part of a
        lakehouse where a whole one is wanted; IoError.
        """
        self.name = str(path)
        self._reader = ArchiveReader(path)
        self.base = self._reader.manifest.base
        self.table = self._reader.manifest.table
        if not partial:
            try:
                self.require_whole()
            except ArchiveError:
                self.close()
                raise
        self.checkpoint = self._reader.manifest.checkpoint
        self.names = [member.name for member in self._reader.manifest.members]

    def require_whole(self) -> None:
        """Refuse an archive that is not a whole lakehouse. Raises: ArchiveError."""
        self._reader.require_whole()

    def close(self) -> None:
        """Give the file back; nothing can be read any more."""
        self._reader.close()

    def place(self, path: str) -> Place:
        """Return where a member lies.

        Raises: IoError when there is no such member.
        """
        place = self._reader.places.get(path)
        if place is None:
            raise IoError(f"{path}: no such file in {self.name}", subject=path)
        return place

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return bytes of a member from ``offset``, up to its end without ``length``.

        Cost: the first read of a member reads all of it.
        Raises: ArchiveError or CorruptError naming the member; IoError.
        """
        place = self.place(path)
        self._reader.verify(place)
        size = place.member.size
        return self._reader.read(place, offset, size if length is None else length)

    def range(self, path: str, offset: int, length: int) -> bytes:
        """Return bytes of a member that the caller verifies.

        Raises: ArchiveError when the archive became shorter; IoError.
        """
        return self._reader.read(self.place(path), offset, length)

    def size(self, path: str) -> int | None:
        """Return the member's size, or None when there is no such member."""
        place = self._reader.places.get(path)
        return None if place is None else place.member.size

    def stamp(self, path: str) -> Hashable | None:
        """Return the archive's identity and the member's place, or None without a member."""
        place = self._reader.places.get(path)
        return None if place is None else (*self._reader.stamp(), place.data)

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the name of every member below the folder ``prefix``, sorted."""
        folder = f"{prefix}/"
        for at in range(bisect_left(self.names, folder), len(self.names)):
            if not self.names[at].startswith(folder):
                return
            yield self.names[at]

    def source(self, path: str) -> ArchiveSource:
        """Return random access to a member."""
        return ArchiveSource(self, path)

    def findings(self) -> Iterator[Finding]:
        """Yield whether each member is what was packed. Cost: reads the whole archive.

        Raises: IoError.
        """
        for place in self._reader.places.values():
            name = place.member.name
            try:
                self._reader.verify(place)
            except (ArchiveError, CorruptError) as error:
                yield Finding(name, ok=False, detail=error.message)
            else:
                yield Finding(name, ok=True, detail=f"{place.member.size} bytes as packed")
