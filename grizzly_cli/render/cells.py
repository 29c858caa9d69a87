"""Arrow columns to text, cell by cell, for every type a query can yield.

Layer: ``grizzly_cli.render``. Invariant: what is printed reads back as the same value: integers and
decimals digit by digit, floats in their shortest exact form.
"""

from __future__ import annotations

import base64
import json
import math
import re
from itertools import pairwise
from json.encoder import encode_basestring as quote_json
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Column = list[str | None]

_QUOTED = re.compile(r"""[\s,'"\[\]{}=:()]""")
_UUID_BYTES = 16
_INFINITE = {2**63 - 1: "infinity", -(2**63 - 1): "-infinity"}
_WHOLE_NUMBERS = {"HUGEINT", "UHUGEINT"}


def is_number(kind: Any) -> bool:
    """Return whether cells of this Arrow type are aligned to the right."""
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def is_rigid(kind: Any) -> bool:
    """Return whether cells of this Arrow type mean little when they are cut short."""
    types = pa.types
    return bool(is_number(kind) or types.is_temporal(kind) or types.is_boolean(kind))


def plain(array: Any) -> Any:
    """Return the array without dictionary or extension wrapping."""
    if pa.types.is_dictionary(array.type):
        return plain(array.dictionary_decode())
    if isinstance(array.type, pa.BaseExtensionType):
        return plain(array.storage)
    return array


class Text:
    """Cells as people read them, in the way DuckDB writes them."""

    null: ClassVar[str] = "NULL"

    def column(self, array: Any, sql_type: str = "") -> Column:
        """Return the text of each cell, None for null."""
        del sql_type
        return self.cells(plain(array))

    def cells(self, array: Any) -> Column:
        """Return the text of each cell of an array that is not wrapped."""
        for fits, convert in _BY_TYPE:
            if fits(array.type):
                return convert(self, array)
        return self.strings([None if v is None else str(v) for v in array.to_pylist()])

    def _spans(self, array: Any) -> Iterable[tuple[bool, int, int]]:
        """Yield, for each list, whether it is there and where its elements are."""
        if pa.types.is_fixed_size_list(array.type):
            size = array.type.list_size
            offsets = [(array.offset + i) * size for i in range(len(array) + 1)]
        else:
            offsets = array.offsets.to_pylist()
        return zip(array.is_valid().to_pylist(), offsets, offsets[1:], strict=False)

    def lists(self, array: Any) -> Column:
        """Return the text of lists."""
        items = self.inner(array.values)
        return [self.listed(items[a:b]) if ok else None for ok, a, b in self._spans(array)]

    def maps(self, array: Any) -> Column:
        """Return the text of maps."""
        keys, values = self.inner(array.keys, key=True), self.inner(array.items)
        return [
            self.mapped(keys[a:b], values[a:b]) if ok else None for ok, a, b in self._spans(array)
        ]

    def structs(self, array: Any) -> Column:
        """Return the text of structs."""
        names = [field.name for field in array.type]
        parts = [self.inner(array.field(i)) for i in range(len(names))]
        rows = zip(*parts, strict=True) if parts else ((),) * len(array)
        valid = array.is_valid().to_pylist()
        return [
            self.record(names, row) if ok else None for ok, row in zip(valid, rows, strict=True)
        ]

    def inner(self, array: Any, *, key: bool = False) -> list[str]:
        """Return the text of cells that stand inside a list, struct or map."""
        del key
        array = plain(array)
        texts = self.cells(array)
        if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
            return ["NULL" if t is None else self._quoted(t) for t in texts]
        return ["NULL" if t is None else t for t in texts]

    def _quoted(self, text: str) -> str:
        if text and text.upper() != "NULL" and not _QUOTED.search(text):
            return text
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def listed(self, items: list[str]) -> str:
        """Return the text of a list."""
        return "[" + ", ".join(items) + "]"

    def mapped(self, keys: list[str], values: list[str]) -> str:
        """Return the text of a map."""
        return "{" + ", ".join(f"{k}={v}" for k, v in zip(keys, values, strict=True)) + "}"

    def record(self, names: list[str], values: Iterable[str]) -> str:
        """Return the text of a struct."""
        return "{" + ", ".join(f"'{n}': {v}" for n, v in zip(names, values, strict=True)) + "}"

    def strings(self, values: list[str | None]) -> Column:
        """Return the text of strings."""
        return values

    def floats(self, values: list[float | None]) -> Column:
        """Return the shortest exact text of floats."""
        return [None if v is None else repr(v) for v in values]

    def blob(self, value: bytes) -> str:
        """Return the text of a blob."""
        return "".join(chr(b) if 32 <= b < 127 and b != 92 else f"\\x{b:02X}" for b in value)

    def fixed(self, value: bytes) -> str:
        """Return the text of fixed-size binary: a UUID, or a blob."""
        if len(value) != _UUID_BYTES:
            return self.blob(value)
        digits = value.hex()
        cuts = (0, 8, 12, 16, 20, 32)
        return "-".join(digits[a:b] for a, b in pairwise(cuts))

    def times(self, array: Any) -> Column:
        """Return the text of dates, times, timestamps and intervals."""
        if pa.types.is_interval(array.type):
            return [None if v is None else interval(*v) for v in array.to_pylist()]
        return clock_texts(array, separator=" ", zone="+00")


def _any(*names: str) -> Callable[[Any], bool]:
    tests = [getattr(pa.types, f"is_{name}") for name in names]
    return lambda kind: any(test(kind) for test in tests)


def _each(to_text: Callable[[Text, Any], str]) -> Callable[[Text, Any], Column]:
    def convert(text: Text, array: Any) -> Column:
        return [None if v is None else to_text(text, v) for v in array.to_pylist()]

    return convert


_BY_TYPE: tuple[tuple[Callable[[Any], bool], Callable[[Text, Any], Column]], ...] = (
    (_any("integer"), _each(lambda _, v: str(v))),
    (_any("string", "large_string", "string_view"), lambda t, a: t.strings(a.to_pylist())),
    (_any("floating"), lambda t, a: t.floats(a.to_pylist())),
    (_any("decimal"), _each(lambda _, v: f"{v:f}")),
    (_any("boolean"), _each(lambda _, v: "true" if v else "false")),
    (_any("temporal"), lambda t, a: t.times(a)),
    (_any("null"), lambda _, a: [None] * len(a)),
    (_any("binary", "large_binary", "binary_view"), _each(lambda t, v: t.blob(v))),
    (_any("fixed_size_binary"), _each(lambda t, v: t.fixed(v))),
    (_any("map"), lambda t, a: t.maps(a)),
    (_any("struct"), lambda t, a: t.structs(a)),
    (_any("list", "large_list", "fixed_size_list"), lambda t, a: t.lists(a)),
)


class Json(Text):
    """Cells as JSON values; ``nonfinite`` counts the numbers that JSON cannot hold."""

    null: ClassVar[str] = "null"

    def __init__(self) -> None:
        self.nonfinite = 0

    @override
    def column(self, array: Any, sql_type: str = "") -> Column:
        """Return the JSON text of each cell, None for null."""
        array = plain(array)
        if pa.types.is_string(array.type):
            if sql_type == "JSON":
                return [None if v is None else embedded(v) for v in array.to_pylist()]
            if sql_type in _WHOLE_NUMBERS:
                return [None if v is None else str(v) for v in array.to_pylist()]
        return self.cells(array)

    @override
    def inner(self, array: Any, *, key: bool = False) -> list[str]:
        """Return the JSON text of cells inside a list, struct or map."""
        array = plain(array)
        texts = ["null" if t is None else t for t in self.cells(array)]
        return [t if t.startswith('"') else quote_json(t) for t in texts] if key else texts

    @override
    def listed(self, items: list[str]) -> str:
        """Return a JSON array."""
        return "[" + ",".join(items) + "]"

    @override
    def mapped(self, keys: list[str], values: list[str]) -> str:
        """Return a JSON object whose names are the map's keys as text."""
        return "{" + ",".join(f"{k}:{v}" for k, v in zip(keys, values, strict=True)) + "}"

    @override
    def record(self, names: list[str], values: Iterable[str]) -> str:
        """Return a JSON object."""
        pairs = zip(names, values, strict=True)
        return "{" + ",".join(f"{quote_json(n)}:{v}" for n, v in pairs) + "}"

    @override
    def strings(self, values: list[str | None]) -> Column:
        """Return JSON strings."""
        return [None if v is None else quote_json(v) for v in values]

    @override
    def floats(self, values: list[float | None]) -> Column:
        """Return JSON numbers; NaN and infinities become null and are counted."""
        out: Column = []
        for value in values:
            if value is None or math.isfinite(value):
                out.append(None if value is None else repr(value))
            else:
                self.nonfinite += 1
                out.append(None)
        return out

    @override
    def blob(self, value: bytes) -> str:
        """Return a JSON string of base64."""
        return f'"{base64.b64encode(value).decode()}"'

    @override
    def fixed(self, value: bytes) -> str:
        """Return a JSON string of a UUID, or of base64."""
        return f'"{super().fixed(value)}"' if len(value) == _UUID_BYTES else self.blob(value)

    @override
    def times(self, array: Any) -> Column:
        """Return JSON strings in ISO 8601."""
        if pa.types.is_interval(array.type):
            texts = [None if v is None else interval(*v) for v in array.to_pylist()]
        else:
            texts = clock_texts(array, separator="T", zone="Z")
        return [None if t is None else f'"{t}"' for t in texts]


def embedded(text: str) -> str:
    """Return a JSON document on one line, or the text as a JSON string if it is not one."""
    try:
        json.loads(text)
    except ValueError:
        return quote_json(text)
    return text if "\n" not in text else re.sub(r"\s*\n\s*", " ", text)


def clock_texts(array: Any, *, separator: str, zone: str) -> Column:
    """Return dates, times and timestamps as text without needless zeros.

    ``zone`` is what follows an instant; instants are shown in UTC.
    """
    kind = array.type
    suffix = ""
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        array, suffix = array.cast(pa.timestamp(kind.unit)), zone
    texts = array.cast(pa.string()).to_pylist()
    if pa.types.is_date(kind):
        return [_extreme(t, array, i) for i, t in enumerate(texts)]
    out: Column = []
    for i, text in enumerate(texts):
        if text is None or text.startswith("<"):
            out.append(_extreme(text, array, i))
            continue
        whole, dot, fraction = text.partition(".")
        fraction = fraction.rstrip("0")
        out.append(whole.replace(" ", separator) + (dot + fraction if fraction else "") + suffix)
    return out


def _extreme(text: str | None, array: Any, index: int) -> str | None:
    """Name a value beyond the calendar's reach; leave all others."""
    if text is None or not text.startswith("<"):
        return text
    if pa.types.is_date32(array.type):
        days = array[index].value
        return {2**31 - 1: "infinity", -(2**31 - 1): "-infinity"}.get(days, f"day {days}")
    value = array[index].value
    return _INFINITE.get(value, f"{value} {array.type.unit}")


def interval(months: int, days: int, nanoseconds: int) -> str:
    """Return an interval as DuckDB writes it: ``1 year 2 months 3 days 04:05:06``."""
    years, months = divmod(abs(months), 12) if months >= 0 else (-(-months // 12), -(-months % 12))
    parts = [
        f"{n} {unit}{'' if abs(n) == 1 else 's'}"
        for n, unit in ((years, "year"), (months, "month"), (days, "day"))
        if n
    ]
    if nanoseconds or not parts:
        sign = "-" if nanoseconds < 0 else ""
        seconds, fraction = divmod(abs(nanoseconds), 10**9)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        tail = f".{fraction:09d}".rstrip("0") if fraction else ""
        parts.append(f"{sign}{hours:02d}:{minutes:02d}:{seconds:02d}{tail}")
    return " ".join(parts)
