"""Runs plans: scans and files on one side, the relational engine on the other."""

from __future__ import annotations

from engine.execute.backends.base import BackendError, Parameters
from engine.execute.backends.files import FORMATS, READERS, suffix_of, write_file
from engine.execute.compact import CROWD
from engine.execute.executor import Answer, Executor, format_of
from engine.execute.keys import key_tuples
from engine.execute.lake import Lake
from engine.execute.rows import Outcome
from engine.execute.workspace import Workspace

__all__ = [
    "CROWD",
    "FORMATS",
    "READERS",
    "Answer",
    "BackendError",
    "Executor",
    "Lake",
    "Outcome",
    "Parameters",
    "Workspace",
    "format_of",
    "key_tuples",
    "suffix_of",
    "write_file",
]
