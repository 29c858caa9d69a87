"""The commands, one group of verbs a file.

Layer: ``grizzly_cli.commands``. Invariant: commands never import commands, and none of them loads
the engine before it runs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Typer

_GROUPS = (
    "statements",
    "lake",
    "copies",
    "archives",
    "proofs",
    "trust",
    "schema",
    "migrate",
    "table",
    "transfer",
    "upkeep",
    "timeline",
    "snapshot",
    "watermark",
    "branch",
    "blob",
    "about",
)

__all__ = ["mount"]


def mount(app: Typer) -> None:
    """Add every command to the tree, in the order that help shows them."""
    for group in _GROUPS:
        import_module(f"grizzly_cli.commands.{group}").mount(app)
