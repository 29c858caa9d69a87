"""Someone who never ran this program: no settings, no key, no history, the name Ada."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_OURS = ("GRIZZLY_", "NO_COLOR", "CLICOLOR", "COLUMNS", "LINES")


@contextlib.contextmanager
def stranger() -> Iterator[None]:
    """Be a stranger, child processes included."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="grizzly-home-") as home:
        for name in [name for name in os.environ if name.startswith(_OURS)]:
            del os.environ[name]
        for name in ("CONFIG", "STATE", "CACHE", "DATA"):
            os.environ[f"XDG_{name}_HOME"] = str(Path(home, name.lower()))
        os.environ["LOGNAME"] = "ada"
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
