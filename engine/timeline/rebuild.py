"""The log replayed by itself: whether it holds, and what follows from it.

Layer: ``engine.timeline``. Invariant: nothing is believed but records, and those only where they
follow one another up to a checkpoint that a key announced in the log has signed.
Format: grizzly-lake(5).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from engine.errors import CorruptError
from engine.objectstore import layout
from engine.proof.leaf import NO_PARENT
from engine.proof.note import Checkpoint
from engine.proof.tree import CompactRange
from engine.timeline import log
from engine.timeline.pack import Pack
from engine.timeline.packs import covering
from engine.timeline.signers import check_signature
from engine.timeline.state import State, parse_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.objectstore import Store
    from engine.timeline.group import Seal
    from engine.timeline.record import Record

_COMMITS: Final = layout.SEGMENT_COMMITS


def _no_node(digest: bytes, born: int) -> bytes:
    raise CorruptError(f"state node {digest.hex()} of log segment {born} was not replayed")


class Replay:
    """A log as far as it was replayed, file by file.

    ``changes`` are those of every commit, for whoever looks for what they refer to; ``leaves`` are
    the hashes in the log's tree. After damage (``lose``) each file is still checked by itself.
    """

    def __init__(self, db: str, origin: str) -> None:
        """Stand before the first commit."""
        self._db = db
        self._origin = origin
        self._parent = NO_PARENT
        self._ts = -1
        self._tree: CompactRange | None = CompactRange()
        self.commits = 0
        self.note = b""
        self.state: State | None = State(_no_node)
        self.leaves: list[bytes] = []
        self.changes: list[tuple[bytes, bytes]] = []

    @property
    def whole(self) -> bool:
        """Return whether nothing was damaged so far."""
        return self.state is not None

    def lose(self, segment: int) -> None:
        """Stand before the first commit of a segment, with nothing known of what came before."""
        self.state = self._tree = None
        self.commits, self._parent, self._ts = segment * _COMMITS, b"", -1

    def pack(self, pack: Pack) -> None:
        """Replay a pack, all of it.

        Raises: CorruptError, IoError.
        """
        if pack.db != self._db:
            raise CorruptError(f"{pack.path} belongs to another lakehouse", subject=pack.path)
        if self._parent not in (b"", pack.parent):
            raise pack.damaged()
        self._parent = pack.parent
        snapshots = {kept.segment: (kept.count, kept.digest) for kept in pack.snapshots}
        for segment in range(pack.first, pack.last + 1):
            row, block = pack.segments[segment - pack.first], pack.block(segment)
            times, state = [], None
            for place in range(_COMMITS):
                record = block.record(place, self._parent)
                self._record(record)
                times.append(record.ts)
                state = (record.state_count, record.state_root)
            objects = pack.objects(segment)
            if (
                b"".join(self.leaves[-_COMMITS:]) != pack.hashes(segment)
                or (row.first_ts, row.last_ts) != (times[0], times[-1])
                or snapshots.get(segment, state) != state
                or len(objects) != block.objects_size
            ):
                raise pack.damaged()
            root = b"" if self._tree is None else self._tree.root()
            seals = pack.seals(segment, {(segment + 1) * _COMMITS: root}.get)
            if self._tree is not None:
                self._sealed(seals[-1], pack.path)
        self._tree = self._tree or pack.range()
        if tuple(pack.edge) != self._tree.edge:
            raise pack.damaged()
        for prefix, data in pack.stored():
            _check_node(pack, prefix, data)

    def segment(self, store: Store, index: int, *, last: bool) -> None:
        """Replay a log segment; only the ``last`` one may have room.

        Raises: CorruptError, IoError.
        """
        path = layout.segment(index)
        if store.size(path) is None:
            raise CorruptError(f"{path} is missing", subject=path)
        groups = log.scan(store, index, self._db).groups
        data = store.read(path)
        for group in groups:
            if not group.objects_intact(data, 0):
                raise CorruptError(
                    f"{path}: commit {group.first}: an inlined object is damaged", subject=path
                )
            if not self._parent:
                self.commits = group.seal.size
                continue
            for record in group.records(self._db, self._parent):
                self._record(record)
            if self._tree is not None and group.seal.root != self._tree.root():
                raise CorruptError(
                    f"{path}: commit {self.commits - 1}: its checkpoint is not the log's",
                    subject=path,
                )
        if not last and self.commits < (index + 1) * _COMMITS:
            raise CorruptError(f"{path}: commit {self.commits} is damaged", subject=path)
        if groups:
            self._sealed(groups[-1].seal, path)

    def _record(self, record: Record) -> None:
        if record.ts <= self._ts:
            raise record.corrupt("its time is not after that of the commit before it")
        if self._tree is not None:
            self._tree.append(record.hashed)
        if self.state is not None:
            self.state = self.state.apply(dict(record.changes))
            if (self.state.count, self.state.root) != (record.state_count, record.state_root):
                raise record.corrupt("its state is not the one that its changes lead to")
        self.leaves.append(record.hashed)
        self.changes += [(key, value) for key, value in record.changes if value is not None]
        self.commits, self._parent, self._ts = record.seq + 1, record.hashed, record.ts

    def _sealed(self, seal: Seal, path: str) -> None:
        """Check a signature over the log as it is now."""
        if self.state is not None and seal.size == self.commits:
            self.note = seal.note(self._origin)
            check_signature(Checkpoint.parse(self.note), self.state, path)


def _check_node(pack: Pack, prefix: bytes, data: bytes) -> None:
    try:
        node = parse_node(zlib.decompress(data))
    except (zlib.error, CorruptError) as error:
        raise pack.damaged() from error
    if not node.digest.startswith(prefix):
        raise pack.damaged()


def files(store: Store) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the files that a log consists of, in order, and the segments that each holds.

    Shape: the packs, then every segment up to the last one that is there, missing ones too.
    Raises: IoError.
    """
    names = list(store.list(layout.LOG))
    spans, _ = covering(span for span in map(layout.parse_pack, names) if span is not None)
    for span in spans:
        yield layout.pack(*span), span
    packed = spans[-1][1] + 1 if spans else 0
    segments = [index for index in map(layout.parse_segment, names) if index is not None]
    beyond = [span[0] for span in map(layout.parse_pack, names) if span is not None]
    for index in range(packed, max([*segments, *beyond, packed - 1 if spans else 0]) + 1):
        yield layout.segment(index), (index, index)


def replay(store: Store, db: str) -> Replay:
    """Replay a whole log from its own files alone.

    Cost: reads the log; memory by the size of the state.
    Raises: CorruptError naming the first file that is damaged, missing or does not follow.
    """
    found = Replay(db, f"pl-grizzly/{db}")
    known = list(files(store))
    for path, span in known:
        replay_file(found, store, path, last=span == known[-1][1])
    if not found.commits:
        path = layout.segment(0)
        raise CorruptError(f"{path}: commit 0 is damaged", subject=path)
    return found


def replay_file(found: Replay, store: Store, path: str, *, last: bool) -> None:
    """Replay one more file of a log.

    Raises: CorruptError naming the file.
    """
    index = layout.parse_segment(path)
    if index is None:
        found.pack(Pack(store, path))
    else:
        found.segment(store, index, last=last)
