"""A new folder that is complete, durable and in its place, or absent.

Layer: ``engine.archive``. Invariant: nobody sees the folder before it is whole; it is filled beside
its place and renamed.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.archive.reader import refusals, sync_folder
from engine.clock import SystemClock
from engine.errors import UsageError
from engine.objectstore.layout import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def placed(target: Path) -> Iterator[Path]:
    """Yield the folder to fill with a lakehouse's own files; put it into ``target`` when all is well.

    Raises: UsageError when ``target`` is in use; IoError.
    """
    _refuse_used(target)
    token = SystemClock().token()
    if target.is_dir():
        final, beside = target / FOLDER, target / f"{FOLDER}.{token}"
        folder = beside
    else:
        final, beside = target, target.parent / f".{target.name}.{token}"
        folder = beside / FOLDER
    try:
        with refusals(str(target)):
            folder.mkdir(parents=True)
            yield folder
            _sync_tree(beside)
            beside.rename(final)
            sync_folder(final.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _refuse_used(target: Path) -> None:
    with refusals(str(target)):
        if target.is_symlink() or (target.exists() and not target.is_dir()):
            raise UsageError(f"{target} exists and is not a folder", subject=str(target))
        if target.is_dir() and next(target.iterdir(), None) is not None:
            raise UsageError(
                f"{target} is not empty",
                subject=str(target),
                hint="name a folder that does not exist yet",
            )
        if not target.parent.is_dir():
            raise UsageError(f"there is no folder {target.parent}", subject=str(target.parent))


def _sync_tree(folder: Path) -> None:
    for parent, _, _ in os.walk(folder):
        sync_folder(parent)
