"""An archive opened for reading: its frame is checked at once, each member when it is first used.

Layer: ``engine.archive``, above ``format``. Invariant: no byte of a member leaves here unless the
frame of the archive is exactly the one that its manifest prescribes and, where asked, the member
has the SHA-256 that the manifest promises; a check holds only while the file's identity (device,
inode, size, times) does not change.
"""

from __future__ import annotations

import hashlib
import os
import stat
import weakref
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.archive import format as gobi
from engine.errors import ArchiveError, CorruptError, IoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.archive.format import Manifest, Place

CHUNK = 1 << 20
"""Units: bytes read at a time."""

Stamp = tuple[int, int, int, int, int]


@contextmanager
def refusals(subject: str) -> Iterator[None]:
    """Turn what the operating system refuses into an IoError that names ``subject``."""
    try:
        yield
    except OSError as error:
        raise IoError(f"{error.strerror or error}: {subject}", subject=subject) from error


def sync_folder(folder: Path | str) -> None:
    """Make the names in a folder durable. Raises: OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class ArchiveReader:
    """A ``.gobi`` file whose frame holds. Cost: opening reads the manifest and the directory."""

    def __init__(self, path: Path) -> None:
        """Open and check the frame.

        Raises: ArchiveError when it is no archive, damaged or cut short; IoError.
        """
        self.path = path
        with refusals(str(path)):
            if not stat.S_ISREG(path.stat().st_mode):
                raise ArchiveError("not an archive: it is not a file", subject=str(path))
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._closing = weakref.finalize(self, os.close, self._fd)
        self._verified: dict[str, Stamp] = {}
        try:
            self.manifest = self._manifest()
        except ArchiveError as error:
            error.subject = error.subject or str(path)
            self.close()
            raise
        self.places: dict[str, Place] = {p.member.name: p for p in self.manifest.places}

    def close(self) -> None:
        """Give the file back."""
        self._closing()

    def require_whole(self) -> None:
        """Refuse an archive that holds only what is new since some version, or only one table.

        Raises: ArchiveError.
        """
        if self.manifest.table is not None:
            raise ArchiveError(
                "the archive holds only one table",
                subject=str(self.path),
                hint="commands that read take it in place, with -d",
            )
        base = self.manifest.base
        if base is not None:
            raise ArchiveError(
                f"the archive holds only what is new since version {base.size - 1}",
                subject=str(self.path),
                hint="`grizzly apply` brings a lakehouse of that version up to date with it.",
            )

    def stamp(self) -> Stamp:
        """Return the identity of the file as it is now."""
        with refusals(str(self.path)):
            now = os.fstat(self._fd)
        return (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)

    def read(self, place: Place, offset: int, length: int) -> bytes:
        """Return bytes of a member, unverified, fewer when the range passes its end."""
        length = max(0, min(length, place.member.size - offset))
        data = self._pread(place.data + offset, length)
        if len(data) != length:
            raise ArchiveError("the archive became shorter", subject=place.member.name)
        return data

    def verify(self, place: Place) -> None:
        """Check a member's header and bytes, once while the file stays the same.

        Raises: ArchiveError or CorruptError naming the member.
        """
        name = place.member.name
        stamp = self.stamp()
        if self._verified.get(name) == stamp:
            return
        for _ in self.chunks(place):
            pass
        self._verified[name] = stamp

    def chunks(self, place: Place) -> Iterator[bytes]:
        """Yield a member's bytes; only when they end without an error are they the right ones.

        Raises: ArchiveError or CorruptError naming the member.
        """
        member = place.member
        header = self._pread(place.header, place.data - place.header)
        if header != gobi.local_header(place):
            raise ArchiveError("the member's header is damaged", subject=member.name)
        sha256, crc32 = hashlib.sha256(), 0
        for offset in range(0, member.size, CHUNK):
            data = self.read(place, offset, CHUNK)
            sha256.update(data)
            crc32 = zlib.crc32(data, crc32)
            yield data
        if sha256.hexdigest() != member.sha256 or f"{crc32:08x}" != member.crc32:
            raise CorruptError(
                f"{member.name} in the archive is not what was packed", subject=member.name
            )

    def _manifest(self) -> Manifest:
        length = gobi.manifest_size(self._pread(0, gobi.FIRST_HEADER_BYTES))
        text = self._pread(gobi.FIRST_HEADER_BYTES, length)
        if len(text) != length:
            raise ArchiveError("the archive is cut short", subject=gobi.MANIFEST)
        manifest = gobi.parse_manifest(text)
        size = self.stamp()[2]
        if size != manifest.size:
            raise ArchiveError(
                f"the archive has {size} bytes where its manifest makes it {manifest.size}",
                hint="It was cut short or something was appended; copy it again.",
            )
        first = gobi.local_header(manifest.places[0])
        if self._pread(0, len(first)) != first:
            raise ArchiveError("the archive's first header is damaged", subject=gobi.MANIFEST)
        tail = self._pread(manifest.directory_offset, len(manifest.directory))
        if tail != manifest.directory:
            raise ArchiveError("the central directory and the manifest disagree")
        return manifest

    def _pread(self, offset: int, length: int) -> bytes:
        parts = []
        with refusals(str(self.path)):
            while length > 0:
                part = os.pread(self._fd, min(length, 1 << 30), offset)
                if not part:
                    break
                parts.append(part)
                offset += len(part)
                length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)
