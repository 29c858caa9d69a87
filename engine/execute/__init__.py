"""Runs plans: scans and files on one side, the relational engine on the other."""

from __future__ import annotations

from engine.execute.backends.base import BackendError, Parameters
from engine.execute.backends.files import FORMATS, READERS, suffix_of, write_file
from engine.execute.blobs import PIECE
from engine.execute.blobs import chunks as blob_chunks
from engine.execute.direct import takes_rows
from engine.execute.exact import column as exact_column
from engine.execute.executor import Answer, Executor, format_of
from engine.execute.keys import indexable, key_tuples, lookup
from engine.execute.lake import Lake
from engine.execute.moments import seconds_ago, versions_back
from engine.execute.reads import Reads
from engine.execute.ready import Ready
from engine.execute.rows import Outcome
from engine.execute.usage import Usage
from engine.execute.workspace import INLINE_BYTES, Workspace

__all__ = [
    "FORMATS",
    "INLINE_BYTES",
    "PIECE",
    "READERS",
    "Answer",
    "BackendError",
    "Executor",
    "Lake",
    "Outcome",
    "Parameters",
    "Reads",
    "Ready",
    "Usage",
    "Workspace",
    "blob_chunks",
    "exact_column",
    "format_of",
    "indexable",
    "key_tuples",
    "lookup",
    "seconds_ago",
    "suffix_of",
    "takes_rows",
    "versions_back",
    "write_file",
]
