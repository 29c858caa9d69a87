"""What the state map holds for people: tables, views, snapshots and the data files of a table.

Layer: ``catalog``, over ``timeline``. Invariant: each value has one canonical JSON form, because the
state root in every commit hashes these bytes. Format page: ``grizzly-lake(5)``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, unquote

from engine.proof.canonical import canonical

ROW_ID_SHIFT = 32
"""A row id is ``version << 32 | n``: the commit that made the row, and its place in that commit."""

PENDING_VERSION = 0x7FFF_FFFF
"""Stands for the version of a commit that is still being written; no real commit reaches it."""


def name_key(prefix: str, name: str) -> str:
    """Return the ASCII state key for something known by a name people chose."""
    return f"{prefix}/{quote(name, safe='')}"


def key_name(key: str) -> str:
    """Return the name inside a key that ``name_key`` made."""
    return unquote(key.split("/", 1)[1])


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table; ``id`` outlives its name, so renames rewrite no data.

    ``default`` is what INSERT computes; ``initial`` what rows older than the column hold, a constant.
    """

    id: int
    name: str
    type: str
    nullable: bool = True
    default: str | None = None
    initial: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the canonical JSON value, absent keys for defaults."""
        out: dict[str, Any] = {"id": self.id, "name": self.name, "type": self.type}
        if not self.nullable:
            out["required"] = True
        if self.default is not None:
            out["default"] = self.default
        if self.initial is not None:
            out["initial"] = self.initial
        return out

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Column:
        """Read what ``to_json`` wrote."""
        return cls(
            data["id"],
            data["name"],
            data["type"],
            nullable=not data.get("required", False),
            default=data.get("default"),
            initial=data.get("initial"),
        )


@dataclass(frozen=True, slots=True)
class Table:
    """A table's definition: state key ``t/<id>``."""

    id: str
    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[int, ...] = ()
    checks: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    next_column: int = 1
    revision: int = 1
    comment: str | None = None

    @property
    def state_key(self) -> str:
        """The key of this definition in the state map."""
        return f"t/{self.id}"

    @property
    def file_prefix(self) -> str:
        """What the state keys of this table's data files begin with."""
        return f"f/{self.id}/"

    @property
    def qualified(self) -> str:
        """``schema.name``, or the bare name in ``main``."""
        return self.name if self.schema == "main" else f"{self.schema}.{self.name}"

    @property
    def key_columns(self) -> tuple[Column, ...]:
        """The primary key's columns, in key order; empty without a key."""
        by_id = {column.id: column for column in self.columns}
        return tuple(by_id[i] for i in self.key)

    def column(self, name: str) -> Column | None:
        """Return the column called ``name`` in any case, or None."""
        folded = name.lower()
        return next((c for c in self.columns if c.name.lower() == folded), None)

    def evolve(self, **changes: Any) -> Table:
        """Return the next revision of this definition."""
        return replace(self, revision=self.revision + 1, **changes)

    def encode(self) -> bytes:
        """Return the bytes stored in the state map."""
        out: dict[str, Any] = {
            "columns": [c.to_json() for c in self.columns],
            "name": self.name,
            "next": self.next_column,
            "revision": self.revision,
            "schema": self.schema,
        }
        if self.key:
            out["key"] = list(self.key)
        if self.checks:
            out["checks"] = list(self.checks)
        if self.options:
            out["options"] = self.options
        if self.comment is not None:
            out["comment"] = self.comment
        return canonical(out)

    @classmethod
    def decode(cls, table_id: str, data: bytes) -> Table:
        """Read what ``encode`` wrote."""
        value = json.loads(data)
        return cls(
            table_id,
            value["schema"],
            value["name"],
            tuple(Column.from_json(c) for c in value["columns"]),
            tuple(value.get("key", ())),
            tuple(value.get("checks", ())),
            value.get("options", {}),
            value["next"],
            value["revision"],
            value.get("comment"),
        )


@dataclass(frozen=True, slots=True)
class View:
    """A stored query, as the CREATE VIEW that made it: state key ``v/<id>``."""

    id: str
    schema: str
    name: str
    sql: str
    columns: tuple[str, ...] = ()

    @property
    def state_key(self) -> str:
        """The key of this definition in the state map."""
        return f"v/{self.id}"

    @property
    def qualified(self) -> str:
        """``schema.name``, or the bare name in ``main``."""
        return self.name if self.schema == "main" else f"{self.schema}.{self.name}"

    def encode(self) -> bytes:
        """Return the bytes stored in the state map."""
        return canonical(
            {
                "columns": list(self.columns),
                "name": self.name,
                "schema": self.schema,
                "sql": self.sql,
            }
        )

    @classmethod
    def decode(cls, view_id: str, data: bytes) -> View:
        """Read what ``encode`` wrote."""
        value = json.loads(data)
        return cls(view_id, value["schema"], value["name"], value["sql"], tuple(value["columns"]))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A named point in time: state key ``ref/<name>``."""

    name: str
    version: int
    ts: int

    @property
    def state_key(self) -> str:
        """The key of this definition in the state map."""
        return name_key("ref", self.name)

    def encode(self) -> bytes:
        """Return the bytes stored in the state map."""
        return canonical({"ts": self.ts, "version": self.version})

    @classmethod
    def decode(cls, name: str, data: bytes) -> Snapshot:
        """Read what ``encode`` wrote."""
        value = json.loads(data)
        return cls(name, value["version"], value["ts"])


@dataclass(frozen=True, slots=True)
class Ref:
    """An immutable object by its SHA-256; ``at`` is the commit that carries it, None for a file."""

    digest: str
    at: int | None = None

    def to_json(self) -> list[Any]:
        """Return ``[digest]`` or ``[digest, at]``."""
        return [self.digest] if self.at is None else [self.digest, self.at]

    @classmethod
    def from_json(cls, data: list[Any]) -> Ref:
        """Read what ``to_json`` wrote."""
        return cls(data[0], data[1] if len(data) > 1 else None)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One data file of a table: state key ``f/<table>/<rid>``.

    ``rid`` is the id of its first row; rows without a materialized id count up from it. ``sidecar`` is
    the statistics object of an ORC file.
    ``dead`` rows are marked in the deletion vector ``marks``.
    """

    rid: int
    rows: int
    size: int
    codec: str
    data: Ref
    sidecar: Ref | None = None
    marks: Ref | None = None
    dead: int = 0

    @property
    def live(self) -> int:
        """How many rows the file still shows."""
        return self.rows - self.dead

    def state_key(self, table_id: str) -> str:
        """The key of this entry in the state map."""
        return f"f/{table_id}/{self.rid:016x}"

    def encode(self) -> bytes:
        """Return the bytes stored in the state map."""
        out: dict[str, Any] = {
            "bytes": self.size,
            "codec": self.codec,
            "data": self.data.to_json(),
            "rows": self.rows,
        }
        if self.sidecar is not None:
            out["stats"] = self.sidecar.to_json()
        if self.marks is not None:
            out["marks"] = [self.dead, *self.marks.to_json()]
        return canonical(out)

    @classmethod
    def decode(cls, key: str, data: bytes) -> FileEntry:
        """Read what ``encode`` wrote; ``key`` is the entry's state key."""
        value = json.loads(data)
        marks = value.get("marks")
        return cls(
            rid=int(key.rsplit("/", 1)[1], 16),
            rows=value["rows"],
            size=value["bytes"],
            codec=value["codec"],
            data=Ref.from_json(value["data"]),
            sidecar=Ref.from_json(value["stats"]) if "stats" in value else None,
            marks=Ref.from_json(marks[1:]) if marks else None,
            dead=marks[0] if marks else 0,
        )
