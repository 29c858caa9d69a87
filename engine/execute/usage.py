"""How often tables are read and written, as far as this lakehouse's sessions have seen.

Layer: ``execute``. Invariant: a hint and nothing more: it may be lost, old or wrong, and no answer
depends on it. It is kept beside the log, not in it, and written once a session.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from engine.errors import StorageError, TransactionError
from engine.objectstore import layout

if TYPE_CHECKING:
    from engine.objectstore import Store

ENOUGH: Final = 16
"""So many statements on a table tell something about it."""
_MOST: Final = 4_096
"""Counts beyond this are halved, so that what is long past fades."""


class Usage:
    """Counts of statements that read and that wrote each table, by its id."""

    def __init__(self, store: Store | None = None) -> None:
        """Begin with what earlier sessions saw; without a store nothing is kept."""
        self._store = store
        self._seen: tuple[Counter[str], Counter[str]] | None = None
        self._new: tuple[Counter[str], Counter[str]] = (Counter(), Counter())

    def read(self, table_id: str) -> None:
        """Count a statement that read a table."""
        self._new[0][table_id] += 1

    def wrote(self, table_id: str) -> None:
        """Count a statement that wrote a table."""
        self._new[1][table_id] += 1

    def of(self, table_id: str) -> tuple[int, int]:
        """Return how many statements read and wrote a table."""
        if self._seen is None:
            self._seen = self._load()
        reads, writes = (self._seen[n][table_id] + self._new[n][table_id] for n in (0, 1))
        return reads, writes

    def save(self) -> None:
        """Add what this session saw to what is kept, if that can be written."""
        if self._store is None or not any(self._new):
            return
        reads, writes = self._load()
        reads.update(self._new[0])
        writes.update(self._new[1])
        self._seen, self._new = (reads, writes), (Counter(), Counter())
        content = {}
        for table_id in sorted(reads.keys() | writes.keys()):
            pair = [reads[table_id], writes[table_id]]
            while max(pair) > _MOST:
                pair = [n // 2 for n in pair]
            content[table_id] = pair
        with suppress(StorageError, TransactionError):
            self._store.replace(layout.USAGE, json.dumps(content).encode())

    def _load(self) -> tuple[Counter[str], Counter[str]]:
        reads: Counter[str] = Counter()
        writes: Counter[str] = Counter()
        if self._store is None or self._store.size(layout.USAGE) is None:
            return reads, writes
        with suppress(ValueError, TypeError, AttributeError, StorageError):
            for table_id, (read, wrote) in json.loads(self._store.read(layout.USAGE)).items():
                reads[str(table_id)], writes[str(table_id)] = int(read), int(wrote)
        return reads, writes
