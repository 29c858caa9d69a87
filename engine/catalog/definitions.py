"""What the state map holds for people beside tables: views, snapshots, and tables' data files.

Layer: ``catalog``, over ``timeline``. Invariant: each value has one canonical JSON form, because the
state root in every commit hashes these bytes. Format page: ``grizzly-lake(5)``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
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
class Watermark:
    """How far a consumer has come in the changes of a table: state key ``w/<name>``.

    Value: ``{"table": id, "ts": microseconds, "version": n}``. The consumer has seen every change up to
    and with ``version``; it will ask for those after. So whoever throws history away keeps what is
    reachable at ``version`` and at every later one from keys that begin with ``f/<table>/``: CHANGES
    needs each step. A table that took this one's place counts as this one, if the name is the same.
    """

    name: str
    table: str
    version: int
    ts: int

    @property
    def state_key(self) -> str:
        """The key of this definition in the state map."""
        return name_key("w", self.name)

    def encode(self) -> bytes:
        """Return the bytes stored in the state map."""
        return canonical({"table": self.table, "ts": self.ts, "version": self.version})

    @classmethod
    def decode(cls, name: str, data: bytes) -> Watermark:
        """Read what ``encode`` wrote."""
        value = json.loads(data)
        return cls(name, value["table"], value["version"], value["ts"])


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
class FileIndex:
    """A secondary index of one data file: for each column, by id, the objects that hold it."""

    name: str
    kind: str
    columns: tuple[tuple[int, tuple[Ref, ...]], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the canonical JSON value."""
        held = {str(i): [ref.to_json() for ref in refs] for i, refs in self.columns}
        return {"columns": held, "kind": self.kind}

    @classmethod
    def from_json(cls, name: str, data: dict[str, Any]) -> FileIndex:
        """Read what ``to_json`` wrote."""
        held = sorted((int(i), refs) for i, refs in data["columns"].items())
        columns = tuple((i, tuple(Ref.from_json(ref) for ref in refs)) for i, refs in held)
        return cls(name, data["kind"], columns)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One data file of a table: state key ``f/<table>/<rid>``.

    ``rid`` is the id of its first row; rows without a materialized id count up from it. ``sidecar`` is
    the statistics object of an ORC file.
    ``dead`` rows are marked in the deletion vector ``marks``. ``keys`` are the header and the body of
    the key index. ``tree`` is the root over an ORC file's rows, in hexadecimal.
    """

    rid: int
    rows: int
    size: int
    codec: str
    data: Ref
    sidecar: Ref | None = None
    marks: Ref | None = None
    dead: int = 0
    keys: tuple[Ref, Ref] | None = None
    tree: str | None = None
    idx: tuple[FileIndex, ...] = ()
    part: tuple[str | None, ...] = ()
    """The values by which the file was parted, in the order of the table's partition fields."""

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
        if self.keys is not None:
            out["keys"] = [ref.to_json() for ref in self.keys]
        if self.tree is not None:
            out["tree"] = self.tree
        if self.idx:
            out["idx"] = {index.name: index.to_json() for index in self.idx}
        if self.part:
            out["part"] = list(self.part)
        return canonical(out)

    @classmethod
    def decode(cls, key: str, data: bytes) -> FileEntry:
        """Read what ``encode`` wrote; ``key`` is the entry's state key."""
        value = json.loads(data)
        marks = value.get("marks")
        keys = [Ref.from_json(ref) for ref in value.get("keys", ())]
        return cls(
            rid=int(key.rsplit("/", 1)[1], 16),
            rows=value["rows"],
            size=value["bytes"],
            codec=value["codec"],
            data=Ref.from_json(value["data"]),
            sidecar=Ref.from_json(value["stats"]) if "stats" in value else None,
            marks=Ref.from_json(marks[1:]) if marks else None,
            dead=marks[0] if marks else 0,
            keys=(keys[0], keys[1]) if keys else None,
            tree=value.get("tree"),
            idx=tuple(FileIndex.from_json(*item) for item in sorted(value.get("idx", {}).items())),
            part=tuple(value.get("part", ())),
        )
