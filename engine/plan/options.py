"""The options of a table: what each may be, and what it is when nobody said.

Layer: ``plan``. Invariant: CREATE TABLE … WITH and ALTER TABLE … SET know the same options, and an
option that is not in ``OPTIONS`` reaches no definition.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.catalog.arrangement import (
    CLUSTER,
    METHODS,
    PARTITION,
    TRANSFORMS,
    call_of,
    named,
    split,
)
from engine.datatypes import parse_type
from engine.errors import UsageError
from grammar import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.catalog import Table

    Value = str | tuple[str, ...]

MOST_CLUSTERED = 4
TABLE_TYPES = ("hybrid", "cow", "mor")


@dataclass(frozen=True, slots=True)
class Option:
    """An option; ``check`` returns a value as it is kept, or raises for one that cannot be."""

    help: str
    default: str
    check: Callable[[Table, Value], str]


def with_options(table: Table, given: Mapping[str, Value]) -> Table:
    """Return the table with these options set; it is the same table when nothing changes.

    Raises: UsageError for an unknown option or a value it cannot have.
    """
    options = dict(table.options)
    for name, value in given.items():
        options[name] = _known(name).check(table, value)
    return table if options == table.options else replace(table, options=options)


def without_options(table: Table, names: tuple[str, ...]) -> Table:
    """Return the table with these options back at their defaults.

    Raises: UsageError for an unknown option.
    """
    for name in names:
        _known(name)
    kept = {name: value for name, value in table.options.items() if name not in names}
    return table if kept == table.options else replace(table, options=kept)


def _known(name: str) -> Option:
    option = OPTIONS.get(name)
    if option is None:
        best = suggest(name, OPTIONS)
        raise UsageError(
            f"'{name}' is not an option of a table",
            hint=f"did you mean '{best}'?" if best else f"the options are: {', '.join(OPTIONS)}",
        )
    return option


def _one_of(words: tuple[str, ...], what: str) -> Callable[[Table, Value], str]:
    def check(table: Table, value: Value) -> str:  # noqa: ARG001 - the signature of every check
        word = value.lower() if isinstance(value, str) else ", ".join(value)
        if word not in words:
            best = suggest(word, words)
            raise UsageError(
                f"'{word}' is not {what}",
                hint=f"did you mean '{best}'?" if best else f"one of: {', '.join(words)}",
            )
        return word

    return check


def _clustering(table: Table, value: Value) -> str:
    method, inner = ("", ", ".join(value)) if not isinstance(value, str) else call_of(value.strip())
    names = split(inner)
    method = method or ("zorder" if len(names) > 1 else "sort")
    if method not in METHODS or not names or len(names) > MOST_CLUSTERED:
        raise UsageError(
            f"rows cannot be clustered by '{inner}'",
            hint=f"up to {MOST_CLUSTERED} columns, with {' or '.join(METHODS)}: zorder(a, b)",
        )
    return f"{method}({', '.join(_column(table, name) for name in names)})"


def _partitioning(table: Table, value: Value) -> str:
    items = split(value) if isinstance(value, str) else list(value)
    if not items:
        raise UsageError("a table is parted by at least one column", hint=_PARTITION_HINT)
    return ", ".join(_partition(table, item) for item in items)


def _partition(table: Table, item: str) -> str:
    transform, inner = call_of(item)
    width, _, name = inner.rpartition(",")
    wants_width = transform in {"bucket", "truncate"}
    known = not transform or transform in TRANSFORMS
    if not known or wants_width != width.strip().isdecimal() or (wants_width and not int(width)):
        raise UsageError(f"files cannot be parted by '{item}'", hint=_PARTITION_HINT)
    column = _column(table, name.strip())
    kind = next(c.type for c in table.columns if f"#{c.id}" == column)
    if transform in _TIMES and not kind.startswith(_TIMES[transform]):
        raise UsageError(f"'{name.strip()}' is {kind} and has no {transform}")
    if transform == "truncate" and not kind.endswith(("INT", "INTEGER", "VARCHAR")):
        raise UsageError(f"'{name.strip()}' is {kind}, which cannot be truncated")
    if transform in {"", "identity"}:
        return column
    return f"{transform}({width.strip()}, {column})" if wants_width else f"{transform}({column})"


_PARTITION_HINT = "a column, year(c), month(c), day(c), hour(c), bucket(16, c) or truncate(10, c)"
_TIMES = {
    "year": ("DATE", "TIMESTAMP"),
    "month": ("DATE", "TIMESTAMP"),
    "day": ("DATE", "TIMESTAMP"),
    "hour": ("TIMESTAMP",),
}


def _column(table: Table, text: str) -> str:
    """Return a column as it is kept: by its id, so that it may be renamed."""
    name = text.strip().strip('"`')
    column = table.column(name)
    if column is None:
        best = suggest(name, [c.name for c in table.columns])
        raise UsageError(
            f"there is no column '{name}'", hint=f"did you mean '{best}'?" if best else None
        )
    if parse_type(column.type).is_nested or column.type in {"INTERVAL", "JSON", "BIT"}:
        raise UsageError(f"values of '{name}', of type {column.type}, have no order to use here")
    return f"#{column.id}"


def shown_options(table: Table) -> dict[str, str]:
    """Return a table's options as CREATE TABLE … WITH takes them: columns by name."""
    return {name: named(table, value) for name, value in table.options.items()}


OPTIONS: dict[str, Option] = {
    CLUSTER: Option("columns that put rows side by side", "", _clustering),
    PARTITION: Option("what files are parted by", "", _partitioning),
    "type": Option(
        "how rows that change are kept", "hybrid", _one_of(TABLE_TYPES, "a type of table")
    ),
}
"""Every option, by name."""
