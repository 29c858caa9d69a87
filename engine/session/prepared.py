"""Texts that were read before need not be read again.

Layer: ``session``. Invariant: what is kept depends on the text alone: no name is resolved, no value known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.analyze import parameters, trees_of
from engine.cache import Cache
from engine.plan import shape_of
from grammar import nodes, parse

if TYPE_CHECKING:
    from engine.plan import Shape

KEPT_TEXTS = 256
LONGEST = 8_192
"""Characters of a text that is kept; longer ones hold data, and do not come again."""
_KEPT = (nodes.Query, nodes.Write, nodes.Upsert, nodes.Begin, nodes.Commit, nodes.Rollback)
"""Statements whose trees planning leaves as they are."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A text's statements, each with its shape if it is plain, and the names of its parameters."""

    statements: tuple[tuple[nodes.Statement, Shape | None], ...]
    wanted: frozenset[str]


class Texts:
    """The texts of one session that were read lately."""

    def __init__(self) -> None:
        """Know none."""
        self._kept: Cache[Prepared] = Cache(KEPT_TEXTS)

    def read(self, text: str) -> Prepared:
        """Return the statements of a text.

        Raises: ParseError.
        """
        if len(text) > LONGEST:
            return _read(text)
        prepared = self._kept.get(text, lambda: _read(text))
        if not all(isinstance(statement, _KEPT) for statement, _ in prepared.statements):
            self.forget(text)
        return prepared

    def forget(self, text: str) -> None:
        """Read a text anew when it comes again: its trees were changed."""
        self._kept.drop(text)


def _read(text: str) -> Prepared:
    statements = parse(text)
    wanted = parameters([tree for s in statements for tree in trees_of(s)])
    return Prepared(tuple((s, shape_of(s)) for s in statements), frozenset(wanted))
