"""The options of a table: what each may be, and what it is when nobody said.

Layer: ``plan``. Invariant: CREATE TABLE … WITH and ALTER TABLE … SET know the same options, and an
option that is not in ``OPTIONS`` reaches no definition.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.errors import UsageError
from grammar import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.catalog import Table

    Value = str | tuple[str, ...]

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


OPTIONS: dict[str, Option] = {
    "type": Option(
        "how rows that change are kept", "hybrid", _one_of(TABLE_TYPES, "a type of table")
    ),
}
"""Every option, by name."""
