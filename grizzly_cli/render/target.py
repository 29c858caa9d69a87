"""Where a result goes and in which form, and what came of it.

Layer: ``grizzly_cli.render``. Invariant: a row limit stops reading; it never reads on in silence.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODULES = {
    "box": "grid",
    "table": "grid",
    "csv": "delimited",
    "markdown": "delimited",
    "json": "delimited",
    "jsonl": "delimited",
    "arrow": "binary",
    "parquet": "binary",
    "orc": "binary",
}


class Rows(Protocol):
    """The part of a statement's result that can be drawn."""

    @property
    def columns(self) -> list[str]:
        """Return the columns' names."""
        ...

    @property
    def types(self) -> list[str]:
        """Return the columns' types as SQL names them."""
        ...

    @property
    def schema(self) -> Any:
        """Return the Arrow schema."""
        ...

    def batches(self) -> Iterator[Any]:
        """Yield the rows as Arrow record batches, once."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """A place for bytes and the form they take.

    ``head`` is how many rows a grid may show before it cuts the middle, None for all of them;
    ``width`` how many terminal columns it may fill.
    """

    sink: BinaryIO
    format: str
    limit: int | None = None
    head: int | None = None
    width: int | None = None
    color: bool = False
    unicode: bool = True


@dataclass(slots=True)
class Shown:
    """What was read and what of it can be seen."""

    rows: int = 0
    shown: int = 0
    columns: int = 0
    shown_columns: int = 0
    cut_cells: int = 0
    limited: bool = False
    nonfinite: int = 0


@dataclass(slots=True)
class Capped:
    """A result's batches up to a limit, counting as they pass."""

    rows: Rows
    limit: int | None
    seen: int = 0
    limited: bool = False

    def __iter__(self) -> Iterator[Any]:
        """Yield batches; the one that crosses the limit is sliced, and nothing after it is read."""
        for batch in self.rows.batches():
            if self.limit is not None and self.seen + batch.num_rows > self.limit:
                self.limited = True
                kept = batch.slice(0, self.limit - self.seen)
                self.seen = self.limit
                if kept.num_rows:
                    yield kept
                return
            self.seen += batch.num_rows
            yield batch


def write(rows: Rows, target: Target) -> Shown:
    """Write a result to its target and report what was written.

    Cost: streams by batch, but for grids without a row limit and for binary formats.
    """
    module = importlib.import_module(f"grizzly_cli.render.{_MODULES[target.format]}")
    capped = Capped(rows, target.limit)
    shown: Shown = module.write(rows, capped, target)
    shown.rows = capped.seen
    shown.limited = capped.limited
    shown.columns = len(rows.columns)
    return shown
