"""When a table's files are rewritten: by its type, and for ``hybrid`` by how it is used.

Layer: ``execute``. Invariant: a policy follows from the definition and the counts alone, and says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.execute.usage import ENOUGH

if TYPE_CHECKING:
    from engine.catalog import Table

COPY, MERGE, HYBRID = "cow", "mor", "hybrid"
DELTAS = 8
"""A table that is read more than written is compacted at so many files of about one size."""
CROWD = 64
"""Any table is compacted at so many files."""
SMALL_ROWS = 128
"""A file of up to so many rows is rewritten rather than marked: its marks would be larger."""
STRIPE_ROWS = 122_880
"""A larger file is rewritten after the commit, not in it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """``waste``: the share of dead rows beyond which a file is rewritten, None for never.

    ``small``: files of up to so many rows are rewritten when rows in them die; ``most``: files of more
    rows wait until after the commit; ``crowd``: so many files are merged after a commit.
    """

    kind: str
    waste: float | None
    small: int
    most: int
    crowd: int
    why: str

    def rewrites(self, rows: int, dead: int) -> bool:
        """Say whether a file of so many rows, so many of them dead, is to be rewritten."""
        if not dead:
            return False
        return rows <= self.small or (self.waste is not None and dead > self.waste * rows)


def policy_of(table: Table, reads: int, writes: int) -> Policy:
    """Return the policy of a table that so many statements read and wrote."""
    kind = table.options.get("type", HYBRID)
    if kind == COPY:
        why = "cow: every file whose rows change is rewritten in the same commit"
        return Policy(kind, 0.0, SMALL_ROWS, 2**62, DELTAS, why)
    if kind == MERGE:
        why = f"mor: rows are marked dead; files are merged by COMPACT, or at {CROWD} files"
        return Policy(kind, None, 0, 0, CROWD, why)
    total = reads + writes
    seen = f"{reads} reads and {writes} writes seen"
    if total >= ENOUGH and reads >= 8 * writes:
        why = f"hybrid, mostly read ({seen}): rewrites beyond 5 % dead rows, merges {DELTAS} files"
        return Policy(HYBRID, 0.05, SMALL_ROWS, STRIPE_ROWS, DELTAS, why)
    if total >= ENOUGH and writes >= 2 * reads:
        why = (
            f"hybrid, mostly written ({seen}): rewrites beyond 40 % dead rows, merges {CROWD} files"
        )
        return Policy(HYBRID, 0.4, SMALL_ROWS, STRIPE_ROWS, CROWD, why)
    known = seen if total >= ENOUGH else "not much seen yet"
    why = f"hybrid ({known}): rewrites beyond 20 % dead rows, merges {CROWD // 2} files"
    return Policy(HYBRID, 0.2, SMALL_ROWS, STRIPE_ROWS, CROWD // 2, why)
