"""Pins: what a user has already seen of a log, so that nobody can show less or other of it later.

Layer: ``session``. Invariant: a pin only moves forward, and only to a log that begins with what it pins.

A pin is a file of checkpoints, of which the largest counts, in the user's state folder, outside every lakehouse. There is one for each folder
that was opened, and one more for each log that the user pinned on purpose: that one holds wherever
the log is met, copies and archives included.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.config import state_dir
from engine.errors import CorruptError, IoError, VerificationError
from engine.proof import ProofError
from engine.proof.note import Checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from engine.timeline import Timeline

_NOTE: Final = re.compile(rb"([^\n]+\n([0-9]{1,19})\n[^\n]+\n\n[^\n]+\n)")
_LONG: Final = 8 << 10
_HINT: Final = (
    "somebody put back or replaced it, unless you did: "
    "then `grizzly pin --remove` forgets what was there"
)


@dataclass(frozen=True, slots=True)
class Pin:
    """The size and root that a log once had, in a file."""

    path: Path
    everywhere: bool

    def read(self) -> Checkpoint | None:
        """Return what is pinned, or None.

        Raises: CorruptError when the file holds something else; IoError.
        """
        try:
            found = _NOTE.findall(self.path.read_bytes())
            if not found:
                raise ProofError("it holds no checkpoint")
            return Checkpoint.parse(max(found, key=lambda note: int(note[1]))[0])
        except FileNotFoundError:
            return None
        except OSError as error:
            raise IoError(f"{self.path}: {error.strerror}", subject=str(self.path)) from error
        except ProofError as error:
            raise CorruptError(
                f"{self.path} is not a pin: {error}", subject=str(self.path)
            ) from error

    def check(self, timeline: Timeline) -> None:
        """Check that the log begins with what is pinned, and pin what it is now.

        Cost: a fraction of a millisecond; the first look at a longer log reads a few tiles.
        Raises: VerificationError; CorruptError, IoError.
        """
        held = self.read()
        head = timeline.head
        size = head.seq + 1
        if held is not None:
            if held.size > size:
                raise VerificationError(
                    f"this lakehouse was rolled back: it has {size} commits, "
                    f"and had {held.size} when you last saw it",
                    hint=_HINT,
                )
            if (head.root if held.size == size else timeline.root_at(held.size)) != held.root:
                raise VerificationError(
                    f"this lakehouse was forked: its first {held.size} commits are not those "
                    "that you saw",
                    hint=_HINT,
                )
        if held is None or held.size < size:
            self._write(head.note)

    def advance(self, timeline: Timeline) -> None:
        """Pin what a checked log is now; without a place to write, what was pinned stays."""
        with suppress(OSError):
            held = self.read()
            if held is not None and held.size <= timeline.head.seq:
                self._write(timeline.head.note)

    def make(self, timeline: Timeline) -> None:
        """Pin the log as it is now, unless more of it is pinned.

        Raises: IoError when the file cannot be written; VerificationError as ``check``.
        """
        self.check(timeline)
        if self.read() is None:
            raise IoError(f"{self.path} cannot be written", subject=str(self.path))

    def remove(self) -> bool:
        """Forget what was pinned; return whether there was something."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise IoError(f"{self.path}: {error.strerror}", subject=str(self.path)) from error
        return True

    def _write(self, note: bytes) -> None:
        """Add a note to the file, which no file system waits for; a long file becomes one note."""
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self.path.open("ab") as file:
                file.write(b"\n" + note)  # what a crash tore ends here
                long = file.tell() > _LONG
            if long:
                staged = self.path.with_name(f"{self.path.name}.{os.getpid()}")
                staged.write_bytes(note)
                staged.replace(self.path)


def pins(timeline: Timeline, lake: Path) -> list[Pin]:
    """Return the pins that may hold for a log in a folder: that of the log, and that of the folder.

    An archive is one moment of a log, so it has only the first kind.
    """
    folder = state_dir() / "pins"
    found = [Pin(folder / timeline.db, everywhere=True)]
    if not lake.is_file():
        place = hashlib.sha256(os.fsencode(lake.resolve())).hexdigest()[:16]
        found.append(Pin(folder / f"{timeline.db}-{place}", everywhere=False))
    return found


def check(timeline: Timeline, lake: Path) -> list[Pin]:
    """Check a log against all pins that hold for it; return those to advance when it grows.

    Raises: VerificationError when it was rolled back or forked; CorruptError, IoError.
    """
    found = [pin for pin in pins(timeline, lake) if not pin.everywhere or pin.path.exists()]
    for pin in found:
        pin.check(timeline)
    return found
