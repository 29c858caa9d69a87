"""Proofs about rows: one that a table holds, and a key that it does not hold.

Layer: ``engine.proof``. Invariant: a row counts only while the file's deletion vector lets it live, and
a file counts as looked at only after every way a key could be in it was closed.
Format: grizzly-proof(5).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.proof import arrowstream, claims, fields, keywords, opening, roaring
from engine.proof.blocks import BLOCK, Column, Header
from engine.proof.errors import ProofError
from engine.proof.values import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.proof.anchor import Anchor
    from engine.proof.leaf import Leaf


@dataclass(frozen=True, slots=True)
class _File:
    """A data file's entry in the state."""

    rid: int
    entry: dict[str, Any]

    @classmethod
    def parse(cls, name: str, value: bytes) -> _File:
        entry = claims.parse_json(value)
        if not isinstance(entry, dict):
            raise ProofError("an entry of a data file is malformed")
        try:
            return cls(int(name, 16), entry)
        except ValueError as error:
            raise ProofError("an entry of a data file is malformed") from error

    def digest(self, *way: Any) -> bytes:
        """Return the hash at some place of the entry."""
        found: Any = self.entry
        try:
            for step in way:
                found = found[step]
            return bytes.fromhex(found)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ProofError("the file has not what the proof needs") from error

    def check(self, data: bytes, *way: Any) -> bytes:
        """Return an object's bytes, if the entry names their SHA-256."""
        if hashlib.sha256(data).digest() != self.digest(*way):
            raise ProofError("an object is not the one that the state names")
        return data

    def dead(self, shown_: dict[str, Any]) -> set[int]:
        """Return the positions of the rows that no longer count."""
        if "marks" not in self.entry:
            return set()
        if "marks" not in shown_:
            raise ProofError("the proof lacks the file's deletion vector")
        return roaring.positions(self.check(fields.data(shown_["marks"]), "marks", 1))

    def all_rows(self, evidence: dict[str, Any]) -> tuple[tuple[Column, ...], list[list[Any]]]:
        """Return all rows of a file, by columns, the hidden ones left out."""
        if "object" in evidence:
            found = arrowstream.read(self.check(fields.data(evidence["object"]), "data", 0))
            return found.columns, found.values
        header = Header.parse(evidence["header"], self.digest("tree"))
        return header.columns, header.whole(
            [fields.data(b) for b in fields.array(evidence["blocks"])]
        )


def _evidence(value: object, *allowed: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) - {"marks"} not in allowed:
        raise ProofError("the proof has other fields than it should")
    return value


def row(bundle: dict[str, Any], _anchor: Anchor, leaf: Leaf) -> dict[str, Any]:
    """Check that a table holds a row."""
    identifier = claims.table_id(bundle["table"])
    state = claims.shown(bundle["state"], leaf)
    table = claims.definition(state, identifier)
    entries = [
        token
        for token in state.between(*opening.prefix_range(f"f/{identifier}/"))
        if isinstance(token, tuple)
    ]
    if len(entries) != 1:
        raise ProofError("the proof does not show the one file of the row")
    key, value = entries[0]
    file = _File.parse(key.decode("ascii").rpartition("/")[2], value)
    evidence = _evidence(bundle["file"], {"object"}, {"block", "header", "path"})
    at = fields.number(bundle["at"])
    if at in file.dead(evidence):
        raise ProofError("the row no longer counts")
    if ("marks" in evidence) != ("marks" in file.entry):
        raise ProofError("the proof has a deletion vector that the file has not")
    found = _one(file, evidence, at)
    names = _names(table)
    values = {names[i]: found[i] for i in found if i in names}
    values["_rid"] = str(found[-1] if found[-1] is not None else file.rid + at)
    if values != bundle["row"]:
        raise ProofError("the row is another one")
    return {"table": claims.name_of(table), "id": identifier, "row": values}


def _one(file: _File, evidence: dict[str, Any], at: int) -> dict[int, Any]:
    """Return the values of a row by their columns' ids; at -1 its own row id, if it has one."""
    if "object" in evidence:
        stream = arrowstream.read(file.check(fields.data(evidence["object"]), "data", 0))
        columns, hidden, values, place = stream.columns, stream.hidden, stream.values, at
    else:
        header = Header.parse(evidence["header"], file.digest("tree"))
        columns, hidden, place = header.columns, header.hidden, at % BLOCK
        path = fields.hashes(evidence["path"])
        values = header.block(at // BLOCK, fields.data(evidence["block"]), path)
    if any(place >= len(column) for column in values):
        raise ProofError("the file has no such row")
    cells = [column[place] for column in values]
    found = {c.id: shown(cell, c.type) for c, cell in zip(columns, cells, strict=False)}
    own = dict(zip(hidden, cells[len(columns) :], strict=True))
    return {**found, -1: own.get("_rid")}


def _names(table: dict[str, Any]) -> dict[int, str]:
    try:
        return {int(column["id"]): str(column["name"]) for column in table["columns"]}
    except (KeyError, TypeError, ValueError) as error:
        raise ProofError("the table's definition is malformed") from error


def absent(bundle: dict[str, Any], _anchor: Anchor, leaf: Leaf) -> dict[str, Any]:
    """Check that no row of a table has a primary key."""
    identifier = claims.table_id(bundle["table"])
    state = claims.shown(bundle["state"], leaf)
    table = claims.definition(state, identifier)
    key = [fields.text(part) for part in fields.array(bundle["key"])]
    columns = key_columns(table)
    kinds = [kind for _, _, kind in columns]
    if len(key) != len(columns) or any(
        shown(keywords.value_of(text, kind), kind) != text
        for text, kind in zip(key, kinds, strict=True)
    ):
        raise ProofError("the key is not one of the table's, or is spelled another way")
    entries = state.within(*opening.prefix_range(f"f/{identifier}/"))
    named = {name.decode("ascii").rpartition("/")[2]: value for name, value in entries}
    shown_ = fields.record(bundle["files"], named)
    for name, value in named.items():
        _not_in(_File.parse(name, value), shown_[name], key, [(i, kind) for i, _, kind in columns])
    return {
        "table": claims.name_of(table),
        "id": identifier,
        "key": {name: text for (_, name, _), text in zip(columns, key, strict=True)},
        "files": sorted(named),
    }


def key_columns(table: dict[str, Any]) -> list[tuple[int, str, str]]:
    """Return the ids, names and types of the columns of a table's primary key.

    Raises: ProofError, when it has none.
    """
    try:
        by_id = {int(c["id"]): (str(c["name"]), str(c["type"])) for c in table["columns"]}
        found = [(int(i), *by_id[int(i)]) for i in table["key"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ProofError("the table has no primary key") from error
    return found


def matching(
    known: Sequence[Column],
    values: Sequence[list[Any]],
    ids: Sequence[int],
    key: Sequence[str],
    kinds: Sequence[str],
) -> set[int]:
    """Return the positions of the rows of a file that have a key, of columns with these ids.

    Raises: ProofError, when the file has not the key's columns, or not their types.
    """
    by_id = {column.id: (column.type, cells) for column, cells in zip(known, values, strict=False)}
    if any(i not in by_id for i in ids):
        raise ProofError("the file is older than the key")
    held = [by_id[i][0] for i in ids]
    return {
        at
        for at, cells in enumerate(zip(*(by_id[i][1] for i in ids), strict=True))
        if all(keywords.same(*parts) for parts in zip(cells, held, key, kinds, strict=True))
    }


def _not_in(file: _File, value: object, key: list[str], columns: list[tuple[int, str]]) -> None:
    evidence = _evidence(value, {"object"}, {"blocks", "header"}, {"blocks", "keys"})
    kinds = [kind for _, kind in columns]
    if "keys" in evidence:
        header = fields.text(evidence["keys"])
        file.check(header.encode("utf-8"), "keys", 0, 0)
        index = keywords.KeyIndex(header)
        if index.columns != [(i, keywords.family(kind)) for i, kind in columns]:
            raise ProofError("the index is of another key")
        if index.rows != file.entry.get("rows"):
            raise ProofError("the index is of another file")
        blocks = [fields.data(block) for block in fields.array(evidence["blocks"])]
        found = index.find(keywords.word(key, kinds), blocks)
    else:
        known, values = file.all_rows(evidence)
        found = matching(known, values, [i for i, _ in columns], key, kinds)
    if found and found - file.dead(evidence):
        raise ProofError("a row has the key")
    if "marks" in evidence and not found:
        raise ProofError("the proof has a deletion vector that it does not need")
