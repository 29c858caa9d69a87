"""Secondary indexes: what of a table's columns is indexed, and how.

Layer: ``catalog``. Invariant: a definition names columns by id; which files have the index already,
their entries say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.catalog.definitions import name_key
from engine.proof.canonical import canonical

if TYPE_CHECKING:
    from engine.catalog.catalog import Mapping
    from engine.catalog.tables import Table

KINDS: Final = ("bloom", "btree")


@dataclass(frozen=True, slots=True)
class Index:
    """An index of a table: state key ``i/<table>/<name>``."""

    table: str
    name: str
    kind: str
    columns: tuple[int, ...]

    @property
    def state_key(self) -> str:
        """The key of this definition in the state map."""
        return name_key(f"i/{self.table}", self.name.lower())

    def encode(self) -> bytes:
        """Return the bytes stored in the state map."""
        return canonical({"columns": list(self.columns), "kind": self.kind, "name": self.name})

    @classmethod
    def decode(cls, table: str, data: bytes) -> Index:
        """Read what ``encode`` wrote."""
        value = json.loads(data)
        return cls(table, value["name"], value["kind"], tuple(value["columns"]))


def indexes_of(state: Mapping, table: Table) -> list[Index]:
    """Return a table's indexes, of columns that are there still, by name."""
    known = {column.id for column in table.columns}
    found = [Index.decode(table.id, data) for _, data in state.items(f"i/{table.id}/")]
    return [index for index in found if known.issuperset(index.columns)]
