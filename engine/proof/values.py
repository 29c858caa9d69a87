"""Values of rows as a proof shows them: as text.

Layer: ``engine.proof``. Invariant: two values of one type have one text only if they are equal.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Final

from engine.proof.errors import ProofError

PER_SECOND: Final = {
    "TIME": 10**6,
    "TIME_NS": 10**9,
    "TIMESTAMP_S": 1,
    "TIMESTAMP_MS": 10**3,
    "TIMESTAMP": 10**6,
    "TIMESTAMP_NS": 10**9,
    "TIMESTAMP WITH TIME ZONE": 10**6,
    "TIMESTAMPTZ_NS": 10**9,
}
_MOST_DIGITS: Final = 38
_EPOCH: Final = datetime.datetime(1970, 1, 1)  # noqa: DTZ001 - moments are shown without a zone
_SECONDS: Final = range(-62_135_596_800, 253_402_300_800)
_DAYS: Final = range(-719_162, 2_932_897)


@dataclass(frozen=True, slots=True)
class Decimal:
    """A number of which the last ``scale`` digits are behind the point."""

    unscaled: int
    scale: int

    def __post_init__(self) -> None:
        """Refuse a scale that no type has."""
        if not 0 <= self.scale <= _MOST_DIGITS:
            raise ProofError("a decimal has more digits than a type can have")

    def text(self) -> str:
        """Return it with all its digits behind the point."""
        digits = f"{abs(self.unscaled):0{self.scale + 1}d}"
        sign = "-" if self.unscaled < 0 else ""
        if not self.scale:
            return sign + digits
        return f"{sign}{digits[: -self.scale]}.{digits[-self.scale :]}"


def shown(value: Any, kind: str = "") -> Any:
    """Return a value as JSON of texts, lists and objects; ``kind`` is its type's name.

    Dates and moments within lists and structs stay numbers of days or of their type's ticks.
    """
    if isinstance(value, list):
        return [shown(part) for part in value]
    if isinstance(value, dict):
        return {name: shown(part) for name, part in value.items()}
    return None if value is None else _plain(value, kind)


def _plain(value: Any, kind: str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return _moment(value, kind)
        case bytes():
            return value.hex()
        case Decimal():
            return value.text()
        case _:
            return value if isinstance(value, str) else repr(value)


def _moment(value: int, kind: str) -> str:
    if kind == "DATE" and value in _DAYS:
        return (_EPOCH + datetime.timedelta(days=value)).date().isoformat()
    per_second = PER_SECOND.get(kind)
    if per_second is None:
        return str(value)
    seconds, ticks = divmod(value, per_second)
    if seconds not in _SECONDS:
        return str(value)
    moment = _EPOCH + datetime.timedelta(seconds=seconds)
    whole = (
        moment.time().isoformat()
        if kind.startswith("TIME_NS") or kind == "TIME"
        else moment.isoformat()
    )
    digits = len(str(per_second)) - 1
    return whole + (f".{ticks:0{digits}d}" if ticks else "")
