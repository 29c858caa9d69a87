"""Sessions: the engine's public door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.execute import write_file as _write
from engine.session.places import create_lake, find_lake, is_lake
from engine.session.proving.integrity import Finding
from engine.session.result import Result
from engine.session.session import Session, TableInfo

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from engine.clock import Clock

__all__ = [
    "Finding",
    "Result",
    "Session",
    "TableInfo",
    "connect",
    "create_lake",
    "find_lake",
    "is_lake",
    "write_file",
]


def connect(
    path: Path | str,
    *,
    read_only: bool = False,
    as_of: str | None = None,
    branch: str | None = None,
    clock: Clock | None = None,
    guarded: bool = False,
) -> Session:
    """Open a session on the lakehouse or ``.gobi`` archive at ``path``.

    ``guarded`` holds the log against what this user has seen of it before, and the keys they trust.

    Raises: LakeError, CorruptError, ArchiveError, IoError, UsageError; VerificationError if guarded.
    """
    session = Session(
        find_lake(explicit=str(path)),
        read_only=read_only,
        as_of=as_of,
        branch=branch,
        clock=clock,
    )
    if guarded:
        try:
            session.guard()
        except BaseException:
            session.close()
            raise
    return session


def write_file(table: pa.Table, target: str, form: str) -> int:
    """Write rows to a file in a format such as ``parquet``; return how many.

    Raises: IoError, UnsupportedError.
    """
    return _write(iter(table.to_batches()), table.schema, target, form)
