"""What a table is: its columns, its constraints, its options.

Layer: ``catalog``. Invariant: each value has one canonical JSON form, because the state root in every
commit hashes these bytes. Columns are known by ids that no rename and no move changes, and so are the
fields inside them. Format page: ``grizzly-lake(5)``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from engine.proof.canonical import canonical


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table; ``id`` outlives its name, so renames rewrite no data.

    ``default`` is what INSERT computes; ``initial`` what rows older than the column hold, a constant.
    ``parts`` are the ids of the fields inside the type, in the order the type names them; none means
    1, 2, 3 …, as in every column whose fields were never altered. ``next_part`` is the next id to give.
    """

    id: int
    name: str
    type: str
    nullable: bool = True
    default: str | None = None
    initial: str | None = None
    comment: str | None = None
    parts: tuple[int, ...] = ()
    next_part: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the canonical JSON value, absent keys for defaults."""
        out: dict[str, Any] = {"id": self.id, "name": self.name, "type": self.type}
        if not self.nullable:
            out["required"] = True
        if self.default is not None:
            out["default"] = self.default
        if self.initial is not None:
            out["initial"] = self.initial
        if self.comment is not None:
            out["comment"] = self.comment
        if self.parts:
            out["parts"] = list(self.parts)
            out["next_part"] = self.next_part
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
            comment=data.get("comment"),
            parts=tuple(data.get("parts", ())),
            next_part=data.get("next_part", 0),
        )


@dataclass(frozen=True, slots=True)
class Check:
    """A named condition that no row makes false."""

    name: str
    condition: str


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns, by id, in which no two rows agree; a row with a NULL among them agrees with none."""

    name: str
    columns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table's definition: state key ``t/<id>``. ``key_name`` is what the primary key is called."""

    id: str
    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[int, ...] = ()
    checks: tuple[Check, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    next_column: int = 1
    revision: int = 1
    comment: str | None = None
    uniques: tuple[Unique, ...] = ()
    key_name: str | None = None

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
        return self.columns_of(self.key)

    @property
    def key_constraint(self) -> str:
        """The name of the primary key."""
        return self.key_name or f"{self.name}_pkey"

    @property
    def distinct(self) -> tuple[Unique, ...]:
        """Every constraint by which rows differ: the primary key, if any, and then UNIQUE."""
        own = (Unique(self.key_constraint, self.key),) if self.key else ()
        return own + self.uniques

    def columns_of(self, ids: tuple[int, ...]) -> tuple[Column, ...]:
        """Return columns by their ids, in the order of the ids."""
        by_id = {column.id: column for column in self.columns}
        return tuple(by_id[i] for i in ids)

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
        if self.key_name is not None:
            out["key_name"] = self.key_name
        if self.checks:
            out["checks"] = [{"name": c.name, "sql": c.condition} for c in self.checks]
        if self.uniques:
            out["unique"] = [{"columns": list(u.columns), "name": u.name} for u in self.uniques]
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
            tuple(Check(c["name"], c["sql"]) for c in value.get("checks", ())),
            value.get("options", {}),
            value["next"],
            value["revision"],
            value.get("comment"),
            tuple(Unique(u["name"], tuple(u["columns"])) for u in value.get("unique", ())),
            value.get("key_name"),
        )
