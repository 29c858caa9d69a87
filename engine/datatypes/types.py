"""One logical type and its two Arrow shapes.

Layer: ``engine.datatypes``. Invariant: ``text`` alone decides everything else about a type.

A *logical* type is DuckDB's canonical text. Its *wire* shape is the Arrow type DuckDB 2 exchanges in
both directions without changing a value; where there is none, values travel as text and are cast
(to ``wire_text`` on the way out of DuckDB, to ``text`` on the way in). Its *physical* shape is what ORC, as
pyarrow writes and reads it, keeps exactly.

    logical                              wire                    physical
    BOOLEAN, TINYINT .. BIGINT           bool, int8 .. int64     the same
    UTINYINT, USMALLINT, UINTEGER        uint8, uint16, uint32   int16, int32, int64
    UBIGINT                              uint64                  decimal128(20, 0)
    FLOAT, DOUBLE                        float, double           the same
    DECIMAL(p,s)                         decimal128(p, s)        the same
    VARCHAR, BLOB                        string, binary          the same
    DATE                                 date32                  the same
    TIME, TIME_NS                        time64[us], time64[ns]  int64
    TIMESTAMP_S, _MS, TIMESTAMP, _NS     timestamp[s .. ns]      int64
    TIMESTAMP WITH TIME ZONE             timestamp[us, UTC]      int64
    TIMESTAMPTZ_NS                       timestamp[ns, UTC]      int64
    HUGEINT, UHUGEINT, UUID, BIT, JSON,
    TIME WITH TIME ZONE, INTERVAL, ENUM  string, cast on read    string
    T[]                                  list<T>                 list<physical T>
    T[n]                                 fixed_size_list<T>[n]   list<physical T>
    STRUCT(a T, ...)                     struct<a: T, ...>       struct<a: physical T, ...>
    MAP(K, V)                            map<K, V>               map<physical K, physical V>

INTERVAL travels as text because Arrow counts nanoseconds: DuckDB wraps around, silently, where the
microseconds exceed 292 years. Field names in physical structs that are no plain identifiers are
written ``_0``, ``_1`` ... by position.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from engine.datatypes.words import is_plain, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["plain", "text", "list", "array", "struct", "map"]


@dataclass(frozen=True, slots=True)
class DataType:
    """A logical type; ``text`` is its identity, the rest follows from it."""

    text: str
    kind: Kind = field(compare=False)
    wire: pa.DataType = field(compare=False, repr=False)
    physical: pa.DataType = field(compare=False, repr=False)
    wire_text: str = field(compare=False, repr=False)
    children: tuple[DataType, ...] = field(default=(), compare=False, repr=False)
    names: tuple[str, ...] = field(default=(), compare=False, repr=False)
    size: int = field(default=0, compare=False, repr=False)

    @property
    def cast_on_read(self) -> bool:
        """Tell whether DuckDB would take the wire shape for another type: read ``CAST(c AS text)``."""
        return self.wire_text != self.text

    @property
    def is_nested(self) -> bool:
        """Tell whether values have parts: a list, an array, a struct or a map."""
        return bool(self.children)


def plain(text: str, wire: pa.DataType, physical: pa.DataType | None = None) -> DataType:
    """Return a type without parts that DuckDB and Arrow wire_text exactly."""
    return DataType(text, "plain", wire, wire if physical is None else physical, text)


def textual(text: str) -> DataType:
    """Return a type whose values travel and rest as text."""
    return DataType(text, "text", pa.string(), pa.string(), "VARCHAR")


def decimal(width: int, scale: int) -> DataType:
    """Return ``DECIMAL(width,scale)``."""
    return plain(f"DECIMAL({width},{scale})", pa.decimal128(width, scale))


def enum(values: Sequence[str]) -> DataType:
    """Return the enumeration of these values, in their order."""
    return textual("ENUM(" + ", ".join("'" + v.replace("'", "''") + "'" for v in values) + ")")


def list_of(item: DataType) -> DataType:
    """Return ``item[]``."""
    return DataType(
        text=item.text + "[]",
        kind="list",
        wire=pa.list_(item.wire),
        physical=pa.list_(item.physical),
        wire_text=item.wire_text + "[]",
        children=(item,),
    )


def array_of(item: DataType, size: int) -> DataType:
    """Return ``item[size]``."""
    return DataType(
        text=f"{item.text}[{size}]",
        kind="array",
        wire=pa.list_(item.wire, size),
        physical=pa.list_(item.physical),
        wire_text=f"{item.wire_text}[{size}]",
        children=(item,),
        size=size,
    )


def struct_of(names: Sequence[str], children: Sequence[DataType]) -> DataType:
    """Return a struct of named fields."""

    def spell(texts: Sequence[str]) -> str:
        pairs = zip(names, texts, strict=True)
        return "STRUCT(" + ", ".join(f"{quoted(name)} {text}" for name, text in pairs) + ")"

    at_rest = [name if is_plain(name) else f"_{i}" for i, name in enumerate(names)]
    return DataType(
        text=spell([c.text for c in children]),
        kind="struct",
        wire=pa.struct([(n, c.wire) for n, c in zip(names, children, strict=True)]),
        physical=pa.struct([(n, c.physical) for n, c in zip(at_rest, children, strict=True)]),
        wire_text=spell([c.wire_text for c in children]),
        children=tuple(children),
        names=tuple(names),
    )


def map_of(key: DataType, value: DataType) -> DataType:
    """Return ``MAP(key, value)``."""
    return DataType(
        text=f"MAP({key.text}, {value.text})",
        kind="map",
        wire=pa.map_(key.wire, value.wire),
        physical=pa.map_(key.physical, value.physical),
        wire_text=f"MAP({key.wire_text}, {value.wire_text})",
        children=(key, value),
    )


_UTC = "UTC"
SCALARS: dict[str, DataType] = {
    t.text: t
    for t in (
        plain("BOOLEAN", pa.bool_()),
        plain("TINYINT", pa.int8()),
        plain("SMALLINT", pa.int16()),
        plain("INTEGER", pa.int32()),
        plain("BIGINT", pa.int64()),
        plain("UTINYINT", pa.uint8(), pa.int16()),
        plain("USMALLINT", pa.uint16(), pa.int32()),
        plain("UINTEGER", pa.uint32(), pa.int64()),
        plain("UBIGINT", pa.uint64(), pa.decimal128(20, 0)),
        plain("FLOAT", pa.float32()),
        plain("DOUBLE", pa.float64()),
        plain("VARCHAR", pa.string()),
        plain("BLOB", pa.binary()),
        plain("DATE", pa.date32()),
        plain("TIME", pa.time64("us"), pa.int64()),
        plain("TIME_NS", pa.time64("ns"), pa.int64()),
        plain("TIMESTAMP_S", pa.timestamp("s"), pa.int64()),
        plain("TIMESTAMP_MS", pa.timestamp("ms"), pa.int64()),
        plain("TIMESTAMP", pa.timestamp("us"), pa.int64()),
        plain("TIMESTAMP_NS", pa.timestamp("ns"), pa.int64()),
        plain("TIMESTAMP WITH TIME ZONE", pa.timestamp("us", _UTC), pa.int64()),
        plain("TIMESTAMPTZ_NS", pa.timestamp("ns", _UTC), pa.int64()),
        textual("HUGEINT"),
        textual("UHUGEINT"),
        textual("UUID"),
        textual("BIT"),
        textual("JSON"),
        textual("TIME WITH TIME ZONE"),
        textual("INTERVAL"),
    )
}
"""Every type without parameters, by its canonical text."""
