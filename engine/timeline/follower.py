"""Following the log: what a handle knows of it, and how it takes in what others append.

Layer: ``engine.timeline``. Invariant: a record is known only after it was checked against what it
must follow, its changes against the state it claims, and the tree against its checkpoint.
Format: grizzly-lake(5).
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from engine.errors import CorruptError, LakeError, UsageError
from engine.objectstore import layout
from engine.proof.hashing import root as fold_root
from engine.proof.note import Checkpoint
from engine.timeline import audit, identity, log, tiles
from engine.timeline.model import Head
from engine.timeline.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.objectstore import Store
    from engine.timeline.record import Record

_COMMITS: Final = layout.SEGMENT_COMMITS


class Tail:
    """The last segment: its intact records and the torn bytes after them."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.records: list[Record] = []
        self.torn = 0

    @property
    def end(self) -> int:
        """Return the place after the last intact record."""
        return self.records[-1].end if self.records else 0

    @property
    def full(self) -> bool:
        """Return whether the next commit begins another segment."""
        return len(self.records) == _COMMITS


class Follower:
    """The reading half of a timeline: head, last segment and tree, kept abreast of the files."""

    def __init__(self, store: Store) -> None:
        """Know nothing yet."""
        self._store = store
        self._head: Head | None = None
        self._tail = Tail(0)
        self._tree = tiles.Tree(store, 0, [])
        self._recent: tuple[int, list[Record]] = (-1, [])
        self._db = ""
        self._renew_locks()

    def _load(self) -> None:
        store = self._store
        if store.size(layout.FORMAT) is None:
            if store.size(layout.segment(1)) or store.size(layout.CHECKPOINT):
                raise CorruptError("FORMAT is missing", subject=layout.FORMAT)
            raise LakeError(
                f"{store.name} is not a lakehouse", subject=store.name, hint="run: grizzly init"
            )
        self._db = identity.decode(store.read(layout.FORMAT))
        index = self._last_segment()
        self._begin(index)
        self._follow()

    def _begin(self, index: int) -> None:
        """Forget what is in memory and stand before the first record of a segment."""
        self._head = None
        self._tail = Tail(index)
        sealed = index * _COMMITS
        self._tree = tiles.Tree(self._store, sealed, tiles.open_edge(self._store, sealed))

    def _last_segment(self) -> int:
        index = max(0, log.read_floor(self._store)[1] - 1) // _COMMITS
        if index and self._store.size(layout.segment(index)) is None:
            names = [path for path in self._store.list(layout.LOG) if path.endswith(".wal")]
            index = next(
                (place for place in range(len(names), 0, -1) if layout.segment(place) in names), 0
            )
        while self._store.size(layout.segment(index + 1)) is not None:
            index += 1
        return index

    @property
    def store(self) -> Store:
        """Return where the log and the objects are."""
        return self._store

    @property
    def db(self) -> str:
        """Return the lakehouse's identifier, 32 hexadecimal digits."""
        return self._db

    @property
    def origin(self) -> str:
        """Return the name under which the log's checkpoints are signed."""
        return f"pl-grizzly/{self._db}"

    @property
    def head(self) -> Head:
        """Return the newest commit that this handle knows.

        Raises: LakeError, when the handle was never opened.
        """
        if self._head is None:
            raise LakeError(f"{self._store.name} is not open", subject=self._store.name)
        return self._head

    @property
    def checkpoint(self) -> str:
        """Return the signed checkpoint of the newest commit that this handle knows."""
        return self.head.note.decode("utf-8")

    def _renew_locks(self) -> None:
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._writing = threading.Lock()

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Hold what is in memory still; in a forked child, begin from the files."""
        if self._process != os.getpid():
            self._renew_locks()
            with self._lock:
                self._load()
        with self._lock:
            yield

    def refresh(self) -> Head:
        """Take in what other processes committed, and return the new head.

        Cost: two file sizes when nothing is new.
        Raises: CorruptError, IoError.
        """
        with self._guard():
            if self._is_current():
                return self.head
            self._follow()
            return self.head

    def _follow(self) -> None:
        # The log is appended to before the checkpoint changes: so read in this order, the log holds
        # no less than the checkpoint promises.
        note, floor = log.read_floor(self._store)
        while self._extend():
            pass
        if self._head is None and self._tail.index:
            # An interrupted append may leave a last segment without any whole record.
            self._begin(self._tail.index - 1)
            while self._extend():
                pass
        self._check_floor(note, floor)
        if self.head.seq >= floor and self._store.writable:
            # Nobody may see a commit that a power cut could still take back.
            self._store.sync(layout.segment(self.head.seq // _COMMITS))

    def _is_current(self) -> bool:
        tail = self._tail
        if self._head is None or self._store.size(layout.segment(tail.index)) != tail.end:
            return False
        return not tail.full or self._store.size(layout.segment(tail.index + 1)) is None

    def _extend(self) -> bool:
        """Take in more of the last segment, or begin the one after it; False when none is left."""
        store, tail = self._store, self._tail
        following = store.size(layout.segment(tail.index + 1)) is not None
        path = layout.segment(tail.index)
        size = store.size(path)
        if size is None or size < tail.end:
            state = "is missing" if size is None else "lost its end"
            raise CorruptError(f"{path} {state}", subject=path)
        if size > tail.end:
            first = tail.index * _COMMITS + len(tail.records)
            found = log.scan(store, tail.index, tail.end, first)
            tail.torn = found.torn
            if found.records:
                self._adopt(tail, found.records)
        else:
            tail.torn = 0
        if following and not tail.full:
            missing = tail.index * _COMMITS + len(tail.records)
            raise CorruptError(f"{path}: commit {missing} is damaged", subject=path)
        if following:
            self._tail = Tail(tail.index + 1)
        return following

    def _adopt(self, tail: Tail, found: list[Record]) -> None:
        link, state = self._before(tail, found[0])
        log.check_links(found, link)
        net: dict[bytes, bytes | None] = {}
        after = self._tree.range.copy()
        for record in found:
            net.update(record.parse_changes())
            after.append(record.hashed)
        last = found[-1]
        state = state.apply(net)
        if (state.count, state.root) != (last.claims.state_count, last.claims.state_root):
            raise last.corrupt("its state is not the one that its changes lead to")
        root = after.root()
        if log.parse_note(last, self.origin).root != root:
            raise self._blame(last)
        for record in found:
            self._tree.append(record.hashed)
            tail.records.append(record)
        self._head = Head(last.claims.seq, last.claims.ts, root, last.leaf, last.note, state)

    def _blame(self, last: Record) -> CorruptError:
        damaged = tiles.damaged_edge_tile(self._store, self._tree.sealed)
        if damaged is not None:
            hint = "delete it: it holds nothing that other tiles do not"
            return CorruptError(f"{damaged} is damaged", subject=damaged, hint=hint)
        return last.corrupt("its checkpoint is not the log's")

    def _before(self, tail: Tail, first: Record) -> tuple[log.Link, State]:
        """Return what the record after the newest known one must follow, and the state there."""
        head = self._head
        if head is not None:
            return log.Link(self._db, head.leaf_hash, head.ts), head.state
        if tail.index == 0:
            return log.Link(self._db), State(self._load_node)
        last = self._base(tail.index, first)
        state = State(self._load_node, last.claims.state_root, last.claims.state_count)
        return log.Link(self._db, last.hashed, last.claims.ts), state

    def _base(self, index: int, first: Record) -> Record:
        """Return the record before a segment's first one, checked against it."""
        record = log.read_record(self._store, index * _COMMITS - 1)
        if record.hashed != first.claims.parent:
            raise record.corrupt("the commit after it follows another")
        return record

    def _load_node(self, digest: bytes) -> bytes:
        path = layout.state(digest.hex())
        if self._store.size(path) is None:
            raise CorruptError(f"{path} is missing", subject=path)
        return self._store.read(path)

    def _check_floor(self, note: bytes, floor: int) -> None:
        path = layout.CHECKPOINT
        if self._head is None:
            segment = layout.segment(0)
            raise CorruptError(f"{segment}: commit 0 is damaged", subject=segment)
        size = self._head.seq + 1
        if floor > size:
            audit.check_signature(Checkpoint.parse(note), self._head.state, path)
            segment = layout.segment(size // _COMMITS)
            raise CorruptError(
                f"{segment}: commit {size} is damaged: the checkpoint counts {floor} commits",
                subject=segment,
            )
        if floor == -1 and size > 1:
            raise CorruptError(f"{path} is missing", subject=path)
        if floor > 0 and self._record(floor - 1).note != note:
            raise CorruptError(f"{path} is not the one of commit {floor - 1}", subject=path)

    def _require(self, seq: int) -> None:
        if not 0 <= seq <= self.head.seq:
            raise UsageError(
                f"there is no commit {seq}; the newest is {self.head.seq}", subject=f"commit {seq}"
            )

    def _record(self, seq: int) -> Record:
        """Return a commit's record, verified against the log's tree."""
        self._require(seq)
        with self._guard():
            tail = self._tail
            first = tail.index * _COMMITS
            if seq >= first:
                return tail.records[seq - first]
            record = log.read_record(self._store, seq)
            if record.hashed != self._tree.leaf(seq):
                raise record.corrupt("it is not the one in the log's tree")
            return record

    def _segment(self, index: int) -> list[Record]:
        """Return the records of a segment, verified against the log's tree."""
        with self._guard():
            if index == self._tail.index:
                return list(self._tail.records)
            if self._recent[0] == index:
                return self._recent[1]
            found = log.read_full(self._store, index)
            hashes = [record.hashed for record in found]
            if fold_root(hashes) != self._tree.segment_root(index):
                raise found[-1].corrupt("the segment is not the one in the log's tree")
            log.check_links(found[1:], log.Link(self._db, found[0].hashed, found[0].claims.ts))
            self._recent = index, found
            return found
