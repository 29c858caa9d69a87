"""Which lakehouse the shell is in, known before the engine is loaded.

Layer: ``grizzly_cli.repl``. Invariant: it finds what the engine would find; where it finds nothing,
the engine is asked, and says why.
"""

from __future__ import annotations

import os
from pathlib import Path

_FOLDER = ".grizzly"


def lake_name(explicit: str | None) -> str:
    """Return the name of the lakehouse that a path names, or of the nearest one upward.

    Cost: a few looks at the file system, where there is one.
    Raises: LakeError when there is none.
    """
    path = _seen(explicit or os.environ.get("GRIZZLY_DB"))
    if path is None:
        from engine.session import find_lake  # noqa: PLC0415  # loads the engine, to be refused

        path = Path(find_lake(explicit=explicit))
    whole = path.resolve()
    return whole.stem if whole.is_file() else whole.name


def _seen(named: str | None) -> Path | None:
    if named:
        path = Path(named)
        if path.is_file():
            return path
        folder = path.parent if path.name == _FOLDER else path
        return folder if _is_lake(folder) else None
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if _is_lake(folder)), None)


def _is_lake(folder: Path) -> bool:
    return (folder / _FOLDER / "FORMAT").is_file()
