"""What belongs to the house: its folders, its papers, its modules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("engine", "grammar", "grizzly_cli")
FOLDERS = (*PACKAGES, "tests", "man", ".ci")
PAPERS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
FILES = (*PAPERS, "pyproject.toml", "Makefile", "grizzly.py", ".gitignore", "LICENSE")
_BYTES = {".gobi", ".orc", ".pyc", ".idx", ".wal"}


def sources() -> Iterator[Path]:
    """Yield every Python file of the product."""
    yield ROOT / "grizzly.py"
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def texts() -> Iterator[Path]:
    """Yield every file that a person wrote."""
    yield from (ROOT / name for name in FILES if (ROOT / name).exists())
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix not in _BYTES and "vectors" not in path.parts:
                yield path


def module_name(path: Path) -> str:
    """Return the dotted name a file is imported by."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
