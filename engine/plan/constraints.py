"""CHECK, UNIQUE and PRIMARY KEY of a table: added, dropped, and kept true to renamed columns.

Layer: ``plan``. Invariant: every constraint of a table has a name, and no two have the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

from engine.catalog import Check, Column, Table, Unique
from engine.datatypes import parse_type
from engine.errors import BindError, UnsupportedError
from grammar import suggest, to_duckdb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.plan.columndefs import Rule


def with_rule(table: Table, rule: Rule) -> Table:
    """Return the table with one more constraint; PRIMARY KEY makes its columns NOT NULL.

    Raises: BindError for an unknown column or a name that is taken, UnsupportedError.
    """
    if rule.name is not None and rule.name.lower() in _names(table):
        raise BindError(f"{table.qualified} already has a constraint '{rule.name}'")
    if rule.kind == "CHECK":
        name = rule.name or _free(table, "_".join([table.name, *rule.columns, "check"]))
        return replace(table, checks=(*table.checks, Check(name, rule.condition)))
    if rule.kind == "UNIQUE":
        ids = key_ids(table.columns, rule.columns, "UNIQUE")
        if any(set(u.columns) == set(ids) for u in table.distinct):
            raise BindError(f"({', '.join(rule.columns)}) of {table.qualified} is unique already")
        name = rule.name or _free(table, "_".join([table.name, *rule.columns, "key"]))
        return replace(table, uniques=(*table.uniques, Unique(name, ids)))
    if table.key:
        raise BindError(
            f"{table.qualified} already has a primary key",
            hint="ALTER TABLE … DROP PRIMARY KEY drops it",
        )
    key = key_ids(table.columns, rule.columns)
    name = rule.name or _free(table, f"{table.name}_pkey")
    return require_key(replace(table, key=key, key_name=name))


def without_rule(table: Table, name: str) -> Table | None:
    """Return the table without the constraint of that name, or None when it has none."""
    folded = name.lower()
    if table.key and table.key_constraint.lower() == folded:
        return without_key(table)
    checks = tuple(c for c in table.checks if c.name.lower() != folded)
    uniques = tuple(u for u in table.uniques if u.name.lower() != folded)
    if len(checks) + len(uniques) == len(table.checks) + len(table.uniques):
        return None
    return replace(table, checks=checks, uniques=uniques)


def without_key(table: Table) -> Table:
    """Return the table without its primary key; the columns stay NOT NULL."""
    return replace(table, key=(), key_name=None)


def constraint_names(table: Table) -> list[str]:
    """Return the names of all constraints, the primary key's first."""
    return [u.name for u in table.distinct] + [c.name for c in table.checks]


def needing(table: Table, column: Column) -> str | None:
    """Return the name of a constraint that needs a column, or None."""
    for unique in table.distinct:
        if column.id in unique.columns:
            return unique.name
    return checking(table, column)


def checking(table: Table, column: Column) -> str | None:
    """Return the name of a CHECK that reads a column, or None."""
    for check in table.checks:
        if any(_reads(c, column.name) for c in _parsed(check.condition).find_all(exp.Column)):
            return check.name
    return None


def renamed_checks(table: Table, old: str, new: str) -> tuple[Check, ...]:
    """Return the table's CHECKs with a column under its new name."""
    return tuple(replace(c, condition=_renamed(c.condition, old, new)) for c in table.checks)


def key_ids(
    columns: Sequence[Column], names: Sequence[str], what: str = "the key"
) -> tuple[int, ...]:
    """Return the ids of the columns of a key.

    Raises: BindError for an unknown one, UnsupportedError for one that cannot be compared.
    """
    ids: list[int] = []
    for name in names:
        found = next((c for c in columns if c.name.lower() == name.lower()), None)
        if found is None:
            best = suggest(name, [c.name for c in columns])
            raise BindError(
                f"{what} names '{name}', which is not a column",
                hint=f"did you mean '{best}'?" if best else None,
            )
        if parse_type(found.type).is_nested or found.type == "INTERVAL":
            raise UnsupportedError(f"'{name}' cannot be a key: its type is {found.type}")
        if found.id in ids:
            raise BindError(f"{what} names '{name}' twice")
        ids.append(found.id)
    return tuple(ids)


def require_key(table: Table) -> Table:
    """Return the table with its key columns NOT NULL, as a primary key implies."""
    columns = tuple(
        replace(c, nullable=c.nullable and c.id not in table.key) for c in table.columns
    )
    return replace(table, columns=columns)


def _names(table: Table) -> set[str]:
    return {name.lower() for name in constraint_names(table)}


def _free(table: Table, name: str) -> str:
    taken, number, free = _names(table), 1, name
    while free.lower() in taken:
        number += 1
        free = f"{name}{number}"
    return free


def _parsed(condition: str) -> exp.Expr:
    return sqlglot.parse_one(condition, dialect="duckdb")


def _reads(node: exp.Column, name: str) -> bool:
    """Say whether a dotted name begins with the column: the rest are fields inside it."""
    return bool(node.parts[0].name.lower() == name.lower())


def _renamed(condition: str, old: str, new: str) -> str:
    tree = _parsed(condition)
    for node in tree.find_all(exp.Column):
        if _reads(node, old):
            node.parts[0].replace(exp.to_identifier(new, quoted=True))
    return str(to_duckdb(tree))
