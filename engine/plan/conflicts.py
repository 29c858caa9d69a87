"""ON CONFLICT: the keys that new rows may meet.

Layer: ``plan``. Invariant: what is named is the whole of a primary key or of a UNIQUE constraint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import UnsupportedError
from engine.plan.columns import default_sql
from engine.plan.text import comma, ident
from grammar import span_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlglot import exp

    from engine.catalog import Column, Table


def conflict_keys(table: Table, conflict: exp.OnConflict) -> list[list[Column]]:
    """Return the columns that ON CONFLICT names, or none when it names nothing.

    Raises: UnsupportedError for anything but a key of the table.
    """
    names = {key.name.lower() for key in conflict.args.get("conflict_keys") or ()}
    constraint = conflict.args.get("constraint")
    if not names and constraint is None and not conflict.args.get("index_predicate"):
        return []
    for unique in table.distinct:
        columns = list(table.columns_of(unique.columns))
        by_name = constraint is not None and constraint.name.lower() == unique.name.lower()
        if by_name or (names and names == {c.name.lower() for c in columns}):
            return [columns]
    keys = (f"({', '.join(c.name for c in table.columns_of(u.columns))})" for u in table.distinct)
    raise UnsupportedError(
        f"ON CONFLICT takes all columns of a key: {' or '.join(keys) or 'there is none'}",
        span=span_of(conflict) or span_of((conflict.args.get("conflict_keys") or [constraint])[0]),
        hint="UPSERT … KEY (column) matches by other columns",
    )


def unless_there(target: str, keys: Sequence[Sequence[Column]], values: Mapping[int, str]) -> str:
    """Return SQL that leaves rows out which meet a row of the target, or one before them.

    Shape: to stand behind FROM a source; ``values`` are the new row's, by column id.
    """
    joins, firsts = [], []
    for number, key in enumerate(keys):
        new = [values.get(c.id, default_sql(c)) for c in key]
        pairs = zip(new, key, strict=True)
        on = " AND ".join(f"{value} = _t{number}.{ident(c.name)}" for value, c in pairs)
        joins.append(f" ANTI JOIN {ident(target)} AS _t{number} ON {on}")
        alone = "".join(f" OR {value} IS NULL" for value in new)
        firsts.append(f"(row_number() OVER (PARTITION BY {comma(new)}) = 1{alone})")
    return f"{''.join(joins)} QUALIFY {' AND '.join(firsts)}"
