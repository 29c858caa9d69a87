"""What a relational engine must offer, and what it is offered: the seam between us and it.

Layer: ``execute.backends``. Invariant: a backend sees only SQL that ``plan`` generated from a checked
tree, and only relations that were registered for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias

from engine.errors import ExecutionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    import pyarrow.compute as pc

    from engine.storage import Predicate


Parameters: TypeAlias = Mapping[str, object] | None
"""The values of a statement's parameters by name; ``?`` and ``$1`` are called ``_1``."""


class Relation(Protocol):
    """Rows that a backend may read any number of times, from any thread."""

    schema: pa.Schema

    def rows(self) -> int | None:
        """Return the exact number of rows, or None when only reading would tell."""
        ...

    def prunes(self, predicate: Predicate) -> bool:
        """Say whether ``predicate`` lets this relation skip reading something."""
        ...

    def batches(
        self,
        columns: Sequence[str],
        prune: Sequence[Predicate],
        filter: pc.Expression | None,  # noqa: A002 - the field's word for it
    ) -> Iterator[pa.RecordBatch]:
        """Yield ``columns`` of the rows that satisfy ``filter``, exactly."""
        ...


class BackendError(ExecutionError):
    """The relational engine refused or failed; ``kind`` says how, ``names`` whom it blames.

    It never reaches a user as it is: ``execute.blame`` turns it into an error of ours.
    """

    def __init__(self, kind: str, message: str, *, names: Sequence[str] = ()) -> None:
        """Keep the engine's own words for the translation."""
        super().__init__(message)
        self.kind = kind
        self.names = tuple(names)


class ArrowRelation:
    """Rows that are already in memory."""

    def __init__(self, table: pa.Table) -> None:
        """Show ``table``."""
        self._table = table
        self.schema = table.schema

    def rows(self) -> int:
        """Return the number of rows."""
        return int(self._table.num_rows)

    def prunes(self, predicate: Predicate) -> bool:  # noqa: ARG002 - nothing to skip
        """Return False: there is nothing to skip."""
        return False

    def batches(
        self,
        columns: Sequence[str],
        prune: Sequence[Predicate],  # noqa: ARG002 - never offered, see prunes
        filter: pc.Expression | None,  # noqa: A002, ARG002 - never offered, see prunes
    ) -> Iterator[pa.RecordBatch]:
        """Yield ``columns`` of all rows."""
        yield from self._table.select(columns).to_batches()
