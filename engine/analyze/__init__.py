"""From names to sources, and from a backend's complaints to ours."""

from __future__ import annotations

from engine.analyze.binder import SYSTEM_RELATIONS, Binder, Surroundings
from engine.analyze.blame import blame, place_of
from engine.analyze.sources import (
    BlobSource,
    ChangeSource,
    FileSource,
    Source,
    SystemSource,
    TableSource,
    ViewSource,
)
from engine.analyze.trees import parameters, quoted_as_text, trees_of

__all__ = [
    "SYSTEM_RELATIONS",
    "Binder",
    "BlobSource",
    "ChangeSource",
    "FileSource",
    "Source",
    "Surroundings",
    "SystemSource",
    "TableSource",
    "ViewSource",
    "blame",
    "parameters",
    "place_of",
    "quoted_as_text",
    "trees_of",
]
