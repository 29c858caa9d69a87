"""Data files held against all that is said of them: statistics, row tree, marks and key index.

Layer: ``session``. Invariant: what is compared is recomputed from the file's decoded rows.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pyarrow as pa

from engine.errors import CorruptError
from engine.proof.errors import ProofError
from engine.proof.keywords import KeyIndex
from engine.session.proving.rowproofs import tree_of
from engine.storage import DataFile, deletion, keyindex
from engine.storage.keyhash import families, words
from engine.storage.zonemap import zone_of

if TYPE_CHECKING:
    from engine.catalog import FileEntry, Ref
    from engine.timeline import Timeline


def check(timeline: Timeline, entry: FileEntry) -> str:
    """Return what a data file was found to be, after all that is derived from it was recomputed.

    Cost: decodes the whole file.
    Raises: CorruptError naming what differs; IoError.
    """

    def fetch(ref: Ref) -> bytes:
        return timeline.object(ref.digest, ref.at)

    sidecar = None if entry.sidecar is None else fetch(entry.sidecar)
    source = timeline.source(entry.data.digest, entry.data.at)
    file = DataFile(source, entry.data.digest, sidecar, entry.codec)
    name = f"file {entry.data.digest[:12]}"
    if file.rows != entry.rows or source.size != entry.size:
        raise CorruptError(f"{name} has not the rows and bytes that the state names", subject=name)
    _statistics(file, name)
    if entry.tree is not None and tree_of(file).root.hex() != entry.tree:
        raise CorruptError(f"{name} has other rows than its row tree", subject=name)
    if entry.marks is not None:
        dead = deletion.deserialize(fetch(entry.marks), name)
        if len(dead) != entry.dead or (dead and dead.max() >= entry.rows):
            raise CorruptError(f"{name} has other dead rows than the state says", subject=name)
    if entry.keys is not None:
        _keys(file, fetch(entry.keys[0]), entry.keys[1].digest, name)
    return f"{entry.rows} rows, as all that is said of them"


def _statistics(file: DataFile, name: str) -> None:
    for place, stripe in enumerate(file.stripes):
        fields = list(stripe.zones)
        batch = file.read(place, fields)
        for field, column in zip(fields, batch.columns, strict=True):
            kind = file.type_of(field)
            chunked = pa.chunked_array([column])
            if kind is not None and zone_of(chunked, kind) != stripe.zones[field]:
                raise CorruptError(f"{name}: the statistics of {field} are wrong", subject=name)


def _keys(file: DataFile, header: bytes, body: str, name: str) -> None:
    try:
        columns = KeyIndex(header.decode("utf-8")).columns
    except (ProofError, UnicodeDecodeError) as error:
        raise CorruptError(f"{name}: its key index cannot be read", subject=name) from error
    fields = [field for i, _ in columns if (field := file.field_of(i)) is not None]
    types = [kind for field in fields if (kind := file.type_of(field)) is not None]
    batches = [file.read(place, fields) for place in range(len(file.stripes))]
    cells = [
        pa.chunked_array([batch.column(n) for batch in batches], type=kind.wire)
        for n, kind in enumerate(types)
    ]
    found = families(types)
    same = found is not None and len(fields) == len(columns)
    if same and found is not None:
        ids = [i for i, _ in columns]
        rebuilt = keyindex.encode(
            keyindex.build(words(cells, types)), list(zip(ids, found, strict=True))
        )
        same = rebuilt[0] == header and hashlib.sha256(rebuilt[1]).hexdigest() == body
    if not same:
        raise CorruptError(f"{name} has other keys than its key index", subject=name)
