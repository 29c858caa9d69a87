"""The log replayed by itself: whether it holds, and every file that can be made again from it.

Layer: ``engine.timeline``. Invariant: nothing is believed but records, and those only where they
follow one another up to a checkpoint that a key announced in the log has signed.
Format: grizzly-lake(5).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.errors import CorruptError
from engine.objectstore import layout
from engine.timeline import audit, log, tiles
from engine.timeline.state import State

if TYPE_CHECKING:
    from engine.objectstore import Store
    from engine.timeline.record import Record

_COMMITS: Final = layout.SEGMENT_COMMITS


@dataclass
class Replay:
    """A log as far as it was replayed: the newest record, the states, and what follows from them.

    ``derived`` are the files that sealed segments have, by path. ``changes`` are those of every
    commit, for whoever looks for what they refer to; ``leaves`` are the hashes in the log's tree.
    """

    last: Record | None = None
    derived: dict[str, bytes] = field(default_factory=dict)
    changes: list[tuple[str, bytes]] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    state: State = field(default_factory=lambda: State(_no_node))

    @property
    def commits(self) -> int:
        """Return how many commits were replayed."""
        return 0 if self.last is None else self.last.claims.seq + 1


def _no_node(digest: bytes) -> bytes:
    path = layout.state(digest.hex())
    raise CorruptError(f"{path} is missing", subject=path)


def replay(store: Store, db: str) -> Replay:
    """Replay a whole log from its segments alone.

    Cost: reads the log; memory by the size of the state.
    Raises: CorruptError naming the first segment that is damaged, missing or does not follow.
    """
    found = Replay()
    tree = tiles.Tree(store, 0, [])
    index = 0
    while True:
        records = segment(store, index, last=store.size(layout.segment(index + 1)) is None)
        _follow(found, tree, records, db)
        if len(records) == _COMMITS and _is_sealed(store, index):
            _seal(found, tree, index, records)
        if store.size(layout.segment(index + 1)) is None:
            break
        index += 1
    if found.last is None:
        path = layout.segment(0)
        raise CorruptError(f"{path}: commit 0 is damaged", subject=path)
    note = log.parse_note(found.last, f"pl-grizzly/{db}")
    if note.root != tree.range.root():
        raise found.last.corrupt("its checkpoint is not the log's")
    audit.check_signature(note, found.state, found.last.segment)
    return found


def segment(store: Store, index: int, *, last: bool) -> list[Record]:
    """Return the records of a segment, all of them intact with the objects that they carry.

    Raises: CorruptError naming the segment.
    """
    path = layout.segment(index)
    if store.size(path) is None:
        raise CorruptError(f"{path} is missing", subject=path)
    records = log.scan(store, index).records if last else log.read_full(store, index)
    data = store.read(path)
    for record in records:
        for digest, (start, length) in record.objects.items():
            if hashlib.sha256(data[start : start + length]).digest() != digest:
                raise record.corrupt(f"inlined object {digest.hex()} is damaged")
    return records


def _follow(found: Replay, tree: tiles.Tree, records: list[Record], db: str) -> None:
    before = found.last
    link = log.Link(db) if before is None else log.Link(db, before.hashed, before.claims.ts)
    log.check_links(records, link)
    for record in records:
        changes = record.parse_changes()
        found.state = found.state.apply(dict(changes))
        claims = record.claims
        if (found.state.count, found.state.root) != (claims.state_count, claims.state_root):
            raise record.corrupt("its state is not the one that its changes lead to")
        found.changes += [
            (key.decode("ascii"), value) for key, value in changes if value is not None
        ]
        tree.append(record.hashed)
        found.leaves.append(record.hashed)
        found.last = record


def _is_sealed(store: Store, index: int) -> bool:
    """Return whether a full segment has derived files, or has to have them."""
    return any(
        store.size(path) is not None
        for path in (layout.segment(index + 1), layout.segment_index(index))
    )


def _seal(found: Replay, tree: tiles.Tree, index: int, records: list[Record]) -> None:
    for node in found.state.unsaved():
        node.saved = True
        found.derived[layout.state(node.digest.hex())] = node.encode()
    found.derived.update(tree.seal())
    for path in tree.superseded():
        found.derived.pop(path, None)
    content = log.encode_index(index, log.index_of(records))
    found.derived[layout.segment_index(index)] = content
