"""``.gobi`` to a lakehouse on disk; the archive may have been made by an enemy.

Layer: ``engine.archive``. Invariant: the target folder is complete, verified and durable, or absent.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import closing
from typing import TYPE_CHECKING

from engine.archive import format as gobi
from engine.archive.placing import placed
from engine.archive.reader import ArchiveReader
from engine.archive.report import PackReport

if TYPE_CHECKING:
    from pathlib import Path

    from engine.archive.report import Progress

_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def unpack(archive: Path, target: Path, *, progress: Progress | None = None) -> PackReport:
    """Make the lakehouse ``target``, a new or empty folder, from an archive.

    Cost: one sequential read of the archive, one sync per member.
    Raises: ArchiveError or CorruptError naming the member, UsageError when ``target`` is in use,
    IoError.
    """
    with placed(target) as folder, closing(ArchiveReader(archive)) as reader:
        reader.require_whole()
        digest = _write(reader, folder, progress)
    manifest = reader.manifest
    return PackReport(target, len(manifest.members), manifest.size, digest, manifest.checkpoint)


def _write(reader: ArchiveReader, folder: Path, progress: Progress | None) -> str:
    """Write every member below ``folder``; return the archive's SHA-256."""
    manifest = reader.manifest
    whole = hashlib.sha256()
    done, total = 0, manifest.payload
    for place in manifest.places:
        whole.update(gobi.local_header(place))
        name = place.member.name
        if name == gobi.MANIFEST:
            whole.update(manifest.text)
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, _WRITE, 0o644), "wb") as file:
            for chunk in reader.chunks(place):
                whole.update(chunk)
                file.write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(done, total)
            file.flush()
            os.fsync(file.fileno())
    whole.update(manifest.directory)
    return whole.hexdigest()
