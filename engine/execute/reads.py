"""What a transaction has read, so that its commit can tell whether that still holds.

Layer: ``execute``. Invariant: whatever a statement of a tracked transaction saw of a table is covered
by a read noted here; too much may be covered, never too little.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    import pyarrow.compute as pc

    from engine.execute.backends.base import Relation
    from engine.storage import Predicate

KEPT = 256
"""So many conditions are kept of one table; after that, all of it counts as read."""


class Reads:
    """The rows a transaction read, by table: conditions that every row it saw satisfies."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        self.conditions: dict[str, list[pc.Expression]] = {}
        """Conditions on a table's rows, by the table's id; no condition means all rows."""
        self._paused = False
        self._known: set[tuple[str, str]] = set()

    def note(self, table_id: str, condition: pc.Expression | None) -> None:
        """Remember that the rows of a table that satisfy ``condition`` were read."""
        if self._paused:
            return
        kept = self.conditions.get(table_id)
        if condition is None or (kept is not None and len(kept) >= KEPT):
            self.conditions[table_id] = []
            return
        if kept == []:
            return
        text = str(condition)
        # A long list is printed with dots in it, and does not tell what it holds.
        if "..." not in text:
            if (table_id, text) in self._known:
                return
            self._known.add((table_id, text))
        self.conditions.setdefault(table_id, []).append(condition)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Note nothing: what is read inside is protected by the keys that are written."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before


class Watched:
    """A relation whose reading is noted; it takes over every filter, to know what was read."""

    def __init__(self, inner: Relation, table_id: str, reads: Reads) -> None:
        """Note what is read of ``inner``, the rows of a table."""
        self.schema = inner.schema
        self.rows = inner.rows
        self.trusted = False
        self._inner = inner
        self._table = table_id
        self._reads = reads

    def prunes(self, predicate: Predicate) -> bool:  # noqa: ARG002 - a filter always narrows what was read
        """Return True: the narrower the read, the fewer conflicts."""
        return True

    def batches(
        self,
        columns: Sequence[str],
        prune: Sequence[Predicate],
        filter: pc.Expression | None,  # noqa: A002 - the field's word for it
    ) -> Iterator[pa.RecordBatch]:
        """Yield ``columns`` of the rows that satisfy ``filter``, and note that they were read."""
        if not self.trusted:
            self._reads.note(self._table, filter)
        return self._inner.batches(columns, prune, filter)
