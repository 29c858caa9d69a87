"""What names mean in one state of the lakehouse."""

from __future__ import annotations

from engine.catalog.blobs import BLOBS, LONGEST_NAME, Blob
from engine.catalog.branches import (
    MAIN_BRANCH,
    Branch,
    BranchState,
    branch_in,
    branches,
    commits_on,
    differing_on,
    first_base,
    overlay_of,
    state_at,
)
from engine.catalog.catalog import MAIN, RESERVED_COLUMNS, SYSTEM, Catalog, Mapping, table_of
from engine.catalog.definitions import (
    PENDING_VERSION,
    ROW_ID_SHIFT,
    FileEntry,
    Ref,
    Snapshot,
    View,
    Watermark,
    key_name,
    name_key,
)
from engine.catalog.migrations import Migration
from engine.catalog.refs import refs_of
from engine.catalog.tables import Check, Column, Table, Unique

__all__ = [
    "BLOBS",
    "LONGEST_NAME",
    "MAIN",
    "MAIN_BRANCH",
    "PENDING_VERSION",
    "RESERVED_COLUMNS",
    "ROW_ID_SHIFT",
    "SYSTEM",
    "Blob",
    "Branch",
    "BranchState",
    "Catalog",
    "Check",
    "Column",
    "FileEntry",
    "Mapping",
    "Migration",
    "Ref",
    "Snapshot",
    "Table",
    "Unique",
    "View",
    "Watermark",
    "branch_in",
    "branches",
    "commits_on",
    "differing_on",
    "first_base",
    "key_name",
    "name_key",
    "overlay_of",
    "refs_of",
    "state_at",
    "table_of",
]
