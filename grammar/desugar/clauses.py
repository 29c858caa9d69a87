"""The words that begin a clause of a query.

Layer: ``grammar``. Invariant: in the order in which standard SQL writes the clauses.
"""

from __future__ import annotations

CLAUSE_ORDER = (
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "HAVING",
    "WINDOW",
    "QUALIFY",
    "ORDER BY",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "USING SAMPLE",
)
CLAUSES = frozenset(CLAUSE_ORDER)
SET_OPERATIONS = frozenset({"UNION", "EXCEPT", "INTERSECT"})
