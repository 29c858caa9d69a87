"""What a proof about rows needs from data files: the row, its block, its way to the state.

Layer: ``session``. Invariant: what is shown of a file is only what decides the question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from engine.catalog import Catalog
from engine.datatypes import parse_type
from engine.errors import UnsupportedError, UsageError
from engine.proof import arrowstream, fields, keywords, roaring
from engine.proof.blocks import BLOCK, Header
from engine.proof.errors import ProofError
from engine.proof.rows import matching
from engine.proof.values import shown
from engine.storage import DataFile
from engine.storage.rowtree import RowTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.catalog import FileEntry, Ref, Table
    from engine.proof.blocks import Column
    from engine.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Located:
    """A live row: its file, its position there, and what proves it."""

    entry: FileEntry
    at: int
    evidence: dict[str, Any]
    row: dict[str, Any]


class Rows:
    """The files of a table at one version."""

    def __init__(self, timeline: Timeline, table: Table, version: int) -> None:
        """Look at a table as it was after a commit."""
        self._timeline = timeline
        self._table = table
        self._entries = Catalog(timeline.state_at(version)).files(table)
        self._kinds = [parse_type(column.type).text for column in table.key_columns]

    def key(self, texts: Sequence[str]) -> list[str]:
        """Return a key in the one spelling that proofs have.

        Raises: UsageError, when it is not a key of the table.
        """
        names = [column.name for column in self._table.key_columns]
        if not names:
            raise UsageError(f"{self._table.qualified} has no primary key")
        if len(texts) != len(names):
            raise UsageError(f"the key of {self._table.qualified} is ({', '.join(names)})")
        try:
            return [
                str(shown(keywords.value_of(text.strip(), kind), kind))
                for text, kind in zip(texts, self._kinds, strict=True)
            ]
        except ProofError as error:
            raise UsageError(f"that cannot be a key: {error}") from error

    def find(self, key: Sequence[str]) -> Located | None:
        """Return the live row with a key, or None.

        Cost: the index of each file that has one, the rows of the others; then the row's file.
        Raises: CorruptError, IoError; UnsupportedError, when the row's file has no row tree.
        """
        for entry in self._entries:
            _, found = self._search(entry, key)
            for at in sorted(found - self._dead(entry)):
                return self._located(entry, at)
        return None

    def absence(self, key: Sequence[str]) -> dict[str, Any]:
        """Return for each file what proves that no live row in it has a key.

        Raises: UsageError, when one has; CorruptError, IoError.
        """
        evidence = {}
        for entry in self._entries:
            shown_, found = self._search(entry, key)
            if found - self._dead(entry):
                raise UsageError(
                    f"{self._table.qualified} has a row with the key ({', '.join(key)})",
                    hint="prove --row proves that it is there",
                )
            if found:
                shown_ = {**shown_, **self._marks(entry)}
            evidence[entry.state_key(self._table.id).rpartition("/")[2]] = shown_
        return evidence

    def _object(self, ref: Ref) -> bytes:
        return self._timeline.object(ref.digest, ref.at)

    def _dead(self, entry: FileEntry) -> set[int]:
        return set() if entry.marks is None else roaring.positions(self._object(entry.marks))

    def _marks(self, entry: FileEntry) -> dict[str, str]:
        return {} if entry.marks is None else {"marks": fields.spell(self._object(entry.marks))}

    def _search(self, entry: FileEntry, key: Sequence[str]) -> tuple[dict[str, Any], set[int]]:
        """Return what shows which rows of a file have a key, and their positions."""
        indexed = None if entry.keys is None else self._by_index(entry.keys, key)
        if indexed is not None:
            return indexed
        if entry.codec == "arrow":
            data = self._object(entry.data)
            stream = arrowstream.read(data)
            found = self._matching(stream.columns, stream.values, key)
            return {"object": fields.spell(data)}, found
        tree = self._tree(entry)
        header = tree.header.decode("utf-8")
        blocks = [tree.block(n) for n in range(-(-entry.rows // BLOCK))]
        parsed = Header.parse(header, tree.root)
        found = self._matching(parsed.columns, parsed.whole(blocks), key)
        return {"blocks": [fields.spell(block) for block in blocks], "header": header}, found

    def _by_index(
        self, refs: tuple[Ref, Ref], key: Sequence[str]
    ) -> tuple[dict[str, Any], set[int]] | None:
        """Return the same from a file's key index; None when the key had other types then."""
        header = self._object(refs[0]).decode("utf-8")
        index = keywords.KeyIndex(header)
        families = [keywords.family(kind) for kind in self._kinds]
        if index.columns != list(zip(self._table.key, families, strict=True)):
            return None
        wanted = keywords.word(key, self._kinds)
        body = self._timeline.source(refs[1].digest, refs[1].at)
        blocks = [body.read(*index.extent(place)) for place in index.places(wanted)]
        shown_ = {"blocks": [fields.spell(block) for block in blocks], "keys": header}
        return shown_, index.find(wanted, blocks)

    def _matching(
        self, columns: Sequence[Column], values: Sequence[list[Any]], key: Sequence[str]
    ) -> set[int]:
        try:
            return matching(columns, values, self._table.key, key, self._kinds)
        except ProofError as error:
            raise UnsupportedError(
                f"keys of {self._table.qualified} cannot be proved: {error}",
                hint=f"COMPACT {self._table.qualified} writes its files anew",
            ) from error

    def _tree(self, entry: FileEntry) -> RowTree:
        sidecar = None if entry.sidecar is None else self._object(entry.sidecar)
        source = self._timeline.source(entry.data.digest, entry.data.at)
        tree = tree_of(DataFile(source, entry.data.digest, sidecar, entry.codec))
        if entry.tree is None:
            raise UnsupportedError(
                f"a file of {self._table.qualified} has no row tree, so its rows cannot be proved",
                hint=f"COMPACT {self._table.qualified} writes it anew",
            )
        return tree

    def _located(self, entry: FileEntry, at: int) -> Located:
        if entry.codec == "arrow":
            data = self._object(entry.data)
            stream = arrowstream.read(data)
            columns, hidden, values = stream.columns, stream.hidden, stream.values
            evidence, place = {"object": fields.spell(data)}, at
        else:
            tree = self._tree(entry)
            header = tree.header.decode("utf-8")
            parsed = Header.parse(header, tree.root)
            columns, hidden, place = parsed.columns, parsed.hidden, at % BLOCK
            block, path = tree.block(at // BLOCK), tree.path(at // BLOCK)
            values = parsed.block(at // BLOCK, block, path)
            evidence = {
                "block": fields.spell(block),
                "header": header,
                "path": fields.spell_all(path),
            }
        cells = [column[place] for column in values]
        names = {column.id: column.name for column in self._table.columns}
        row = {
            names[c.id]: shown(cell, c.type)
            for c, cell in zip(columns, cells, strict=False)
            if c.id in names
        }
        own = dict(zip(hidden, cells[len(columns) :], strict=True)).get("_rid")
        row["_rid"] = str(entry.rid + at if own is None else own)
        return Located(entry, at, {**evidence, **self._marks(entry)}, row)


def tree_of(file: DataFile) -> RowTree:
    """Return the tree over the rows of a data file, recomputed from its bytes.

    Cost: reads and decodes the whole file.
    Raises: CorruptError, IoError.
    """
    named = [file.field_of(column.id) for column in file.columns]
    hidden = [name for name in ("_rid", "_cv") if file.type_of(name) is not None]
    names = [name for name in [*named, *hidden] if name is not None]
    types = [kind for name in names if (kind := file.type_of(name)) is not None]
    batches = [file.read(place, names) for place in range(len(file.stripes))]
    columns = [
        pa.chunked_array([batch.column(n) for batch in batches], type=types[n].wire)
        for n in range(len(names))
    ]
    return RowTree(columns, file.columns, types, hidden)
