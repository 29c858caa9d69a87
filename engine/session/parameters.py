"""The values a caller gives become one value for each parameter of the text.

Layer: ``session``. Invariant: a parameter without a value, or a value without a parameter, is an error
before anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence, Set


def named(
    values: Sequence[object] | Mapping[str, object] | None, wanted: Set[str]
) -> dict[str, object]:
    """Return the values by parameter name; ``?`` and ``$1`` are called ``_1``.

    Raises: UsageError.
    """
    if values is None:
        given: dict[str, object] = {}
    elif isinstance(values, Mapping):
        given = {str(k): v for k, v in values.items()}
    elif isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise UsageError(
            f"parameters come as a list or by name, not as {type(values).__name__}",
            hint='for example ["a", 1] or {"name": "a"}',
        )
    else:
        given = {f"_{i}": v for i, v in enumerate(values, start=1)}
    missing, left = sorted(wanted - given.keys()), sorted(given.keys() - wanted)
    if missing:
        raise UsageError(
            f"{_shown(missing)} has no value", hint=f"the text takes {len(wanted)} parameters"
        )
    if left:
        raise UsageError(
            f"{_shown(left)} is given, but the text has no such parameter",
            hint=f"the text takes {len(wanted)} parameters",
        )
    return given


def _shown(names: list[str]) -> str:
    return ", ".join(f"parameter {n[1:]}" if n[1:].isdigit() else f"${n}" for n in names)
