"""Words from a command line as parts of a statement.

Layer: ``grizzly_cli.context``. Invariant: whatever the words are, they stay one name or one value.
"""

from __future__ import annotations

import re

_DATE = re.compile(r"\d{4,}-\d\d?-\d\d?([ T].*)?")


def name(text: str) -> str:
    """Return ``[schema.]table`` as quoted identifiers."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in text.split("."))


def literal(text: str) -> str:
    """Return a string literal."""
    return "'" + text.replace("'", "''") + "'"


def point(text: str) -> str:
    """Return a point in time: a version, a timestamp, or else the name of a snapshot."""
    if text.isdecimal():
        return f"VERSION {text}"
    if _DATE.fullmatch(text):
        return f"TIMESTAMP {literal(text)}"
    return f"SNAPSHOT {literal(text)}"
