"""The short ways of naming a moment: ``HEAD~2``, ``2 hours ago``.

Layer: ``execute``. Invariant: words only; what they mean depends on a timeline and a clock that the
caller has.
"""

from __future__ import annotations

import re
from typing import Final

_BACK: Final = re.compile(r"HEAD(?:~(\d{1,18}))?\Z", re.IGNORECASE)
_AGO: Final = re.compile(
    r"(\d{1,9})\s*(s|m|h|d|w|(?:sec(?:ond)?|min(?:ute)?|hour|day|week)s?)\s+ago\Z", re.IGNORECASE
)
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def versions_back(text: str) -> int | None:
    """Return how many versions before the newest ``HEAD`` or ``HEAD~2`` means, None for other words."""
    found = _BACK.match(text.strip())
    return None if found is None else int(found[1] or 0)


def seconds_ago(text: str) -> int | None:
    """Return how long ago ``2h ago`` or ``3 weeks ago`` is, None for other words."""
    found = _AGO.match(text.strip())
    return None if found is None else int(found[1]) * _UNITS[found[2][0].lower()]
