"""The statistics object: what stands beside an ORC file and lets us read only parts of it, verified.

Layer: ``engine.storage``. Invariant: its byte ranges tile the file without gap or overlap, each with its
own SHA-256; whoever holds verified statistics can verify any part of the file alone.

Canonical JSON (sorted keys, no spaces, UTF-8):

    {"bytes": N, "rows": N, "sha256": "<of the file>", "v": "grizzly-statistics/1",
     "columns": [{"field": "<name in the file>", "id": N, "name": "...", "type": "..."}, ...],
                            with "parts": [N, ...] where fields inside the type were ever altered
     "hidden": ["_rid", "_cv"],                               those that the file has
     "ranges": [[offset, length, "<sha256>"], ...],           one for each stripe, then the tail
     "stripes": [{"rows": N, "zones": [zone, ...]}, ...]}     zones: columns, then hidden

The first range starts at byte 0, so it covers the file's header too. A zone is
``{"nulls": N}`` with ``low`` and ``high`` (numbers as numbers, floats in C99 hexadecimal, decimals as
text, bytes in hexadecimal), ``nan`` if there is NaN and ``values: false`` if there is nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.datatypes import DataType, parse_type
from engine.errors import CorruptError, UnsupportedError
from engine.storage import zonemap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.storage.zonemap import Zone

VERSION = "grizzly-statistics/1"
ROW_ID = "_rid"
CHANGED = "_cv"
HIDDEN = (ROW_ID, CHANGED)
"""Columns that a file may hold after the user's: row id, and version of the row's last change."""


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column as a data file was written with it; ``id`` is what stays when it is renamed.

    ``parts`` are the ids of the fields inside its type; none means 1, 2, 3 ….
    """

    id: int
    name: str
    type: str
    parts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A part of a file and its SHA-256."""

    offset: int
    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StripeInfo:
    """One stripe: its rows and, by physical name, zone maps (none for what is in memory anyway)."""

    rows: int
    zones: dict[str, Zone]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Everything known of a data file without reading it; ``fields`` are the physical names."""

    sha256: str
    size: int
    rows: int
    columns: tuple[FileColumn, ...]
    fields: tuple[str, ...]
    types: tuple[DataType, ...]
    ranges: tuple[ByteRange, ...]
    stripes: tuple[StripeInfo, ...]

    def to_bytes(self) -> bytes:
        """Return the statistics object."""
        named = len(self.columns)
        columns = [
            {"field": f, "id": c.id, "name": c.name, "type": c.type}
            | ({"parts": list(c.parts)} if c.parts else {})
            for f, c in zip(self.fields[:named], self.columns, strict=True)
        ]
        stripes = [
            {"rows": s.rows, "zones": [zonemap.to_json(s.zones[f]) for f in self.fields]}
            for s in self.stripes
        ]
        data = {
            "bytes": self.size,
            "columns": columns,
            "hidden": list(self.fields[named:]),
            "ranges": [[r.offset, r.length, r.sha256] for r in self.ranges],
            "rows": self.rows,
            "sha256": self.sha256,
            "stripes": stripes,
            "v": VERSION,
        }
        return canonical(data)


def canonical(data: object) -> bytes:
    """Return JSON with one spelling for one value."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def from_bytes(data: bytes, subject: str) -> Statistics:
    """Return the statistics an object holds; the caller has verified the object's digest.

    Raises: CorruptError when they are malformed or contradict themselves.
    """
    try:
        found = _parse(json.loads(data))
    except (ValueError, TypeError, KeyError, ArithmeticError, UnsupportedError) as error:
        raise CorruptError(
            f"the statistics of {subject} cannot be read: {error}", subject=subject
        ) from error
    return found


def _parse(data: dict[str, Any]) -> Statistics:
    if data["v"] != VERSION:
        raise ValueError(f"format {data['v']!r}")
    columns = tuple(
        FileColumn(c["id"], c["name"], c["type"], tuple(c.get("parts", ())))
        for c in data["columns"]
    )
    fields = tuple(c["field"] for c in data["columns"]) + tuple(data["hidden"])
    types = typed(columns, data["hidden"])
    ranges = tuple(ByteRange(*r) for r in data["ranges"])
    stripes = tuple(_stripe(s, fields, types) for s in data["stripes"])
    found = Statistics(
        data["sha256"], data["bytes"], data["rows"], columns, fields, types, ranges, stripes
    )
    _check(found)
    return found


def typed(columns: Sequence[FileColumn], hidden: Sequence[str]) -> tuple[DataType, ...]:
    """Return the types of a file's columns, the hidden ones last."""
    texts = [c.type for c in columns] + ["BIGINT"] * len(hidden)
    return tuple(parse_type(text) for text in texts)


def _stripe(data: dict[str, Any], fields: Sequence[str], types: Sequence[DataType]) -> StripeInfo:
    rows = int(data["rows"])
    zones = [zonemap.from_json(z, rows, t) for z, t in zip(data["zones"], types, strict=True)]
    return StripeInfo(rows, dict(zip(fields, zones, strict=True)))


def _check(found: Statistics) -> None:
    end = 0
    for part in found.ranges:
        if part.offset != end or part.length <= 0:
            raise ValueError("its byte ranges do not tile the file")
        end += part.length
    if end != found.size or len(found.ranges) != len(found.stripes) + 1:
        raise ValueError("its byte ranges do not tile the file")
    if sum(s.rows for s in found.stripes) != found.rows:
        raise ValueError("its stripes do not add up to its rows")
    if len(set(found.fields)) != len(found.fields):
        raise ValueError("two columns share a name in the file")
