"""What names mean in one state of the lakehouse."""

from __future__ import annotations

from engine.catalog.catalog import MAIN, RESERVED_COLUMNS, SYSTEM, Catalog, Mapping
from engine.catalog.definitions import (
    PENDING_VERSION,
    ROW_ID_SHIFT,
    Column,
    FileEntry,
    Ref,
    Snapshot,
    Table,
    View,
    name_key,
)
from engine.catalog.refs import refs_of

__all__ = [
    "MAIN",
    "PENDING_VERSION",
    "RESERVED_COLUMNS",
    "ROW_ID_SHIFT",
    "SYSTEM",
    "Catalog",
    "Column",
    "FileEntry",
    "Mapping",
    "Ref",
    "Snapshot",
    "Table",
    "View",
    "name_key",
    "refs_of",
]
