"""A folder of migrations, as files.

Layer: ``session``. Invariant: every ``.sql`` file of the folder is a migration with a number of its own,
or the folder is refused: a slip in a name must not pass a migration over.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import IoError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"(?P<name>\d+_\w[\w.-]*?)(?:\.gz)?\.sql\Z")
_DOWN = re.compile(r"^[ \t]*--[ \t]*down\b.*$", re.IGNORECASE | re.MULTILINE)
_GZIP = b"\x1f\x8b"
_LARGEST = 16 << 20
"""Bytes of the longest script that is read."""


@dataclass(frozen=True)
class Script:
    """A migration as its file has it; ``down`` is what undoes it, if it says."""

    name: str
    file: str
    digest: str
    up: str
    down: str | None


def scripts_in(folder: Path) -> list[Script]:
    """Return the migrations of a folder, by number.

    Raises: IoError, UsageError for a name that is none, or a number given twice.
    """
    try:
        files = sorted(p for p in folder.iterdir() if p.name.endswith(".sql"))
        scripts = [_script(path) for path in files]
    except OSError as error:
        raise IoError(
            f"cannot read the migrations in {folder}: {error.strerror}",
            subject=str(folder),
            hint="name the folder that holds them, as 001_name.sql; else it is ./migrations",
        ) from error
    numbers: dict[int, str] = {}
    for script in scripts:
        number = int(script.name.split("_", 1)[0])
        if number in numbers:
            raise UsageError(
                f"two migrations have the number {number}: {numbers[number]}, {script.name}"
            )
        numbers[number] = script.name
    return [script for _, script in sorted(zip(numbers, scripts, strict=True), key=lambda p: p[0])]


def _script(path: Path) -> Script:
    match = _NAME.match(path.name)
    if match is None:
        raise UsageError(
            f"{path.name} is not named like a migration", hint="for example: 0001_create_orders.sql"
        )
    if path.stat().st_size > _LARGEST:
        raise UsageError(f"{path.name} is longer than {_LARGEST >> 20} MB")
    data = path.read_bytes()
    try:
        if data.startswith(_GZIP):
            with gzip.open(path) as packed:
                data = packed.read(_LARGEST)
        text = data.decode("utf-8-sig")
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        raise UsageError(f"{path.name} is not UTF-8 text") from error
    cut = _DOWN.search(text)
    up, down = (text, None) if cut is None else (text[: cut.start()], text[cut.end() :])
    digest = hashlib.sha256(data).hexdigest()
    return Script(match["name"], path.name, digest, up, down)
