"""Following the log: what a handle knows of it, and how it takes in what others append.

Layer: ``engine.timeline``. Invariant: a record is known only after its leaf, spelled after the leaf
before it, led to the root that was signed with it. What is read from packs leads to that root too.
Format: grizzly-lake(5).
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final, TypeVar

from engine.errors import CorruptError, IoError, LakeError, UsageError
from engine.objectstore import layout
from engine.proof.leaf import NO_PARENT
from engine.proof.note import Checkpoint
from engine.proof.tree import CompactRange
from engine.timeline import checkpoint, identity, log
from engine.timeline.model import Head
from engine.timeline.packs import Packs
from engine.timeline.signers import check_signature
from engine.timeline.state import State
from engine.timeline.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from engine.objectstore import Store
    from engine.timeline.group import Group, Seal
    from engine.timeline.packs import Span
    from engine.timeline.record import Record

_COMMITS: Final = layout.SEGMENT_COMMITS
_TRIES: Final = 10
_MANY: Final = 4
"""Full segments in memory before a follower looks whether they were packed."""

T = TypeVar("T")


class Tail:
    """What comes after the packs: its records, and where the next group goes."""

    def __init__(self, first: int) -> None:
        """Begin with segment ``first``."""
        self.first = first
        self.records: list[Record] = []
        self.full: list[tuple[list[Seal], State]] = []
        self.seals: list[Seal] = []
        self.end = 0
        self.torn = 0

    @property
    def index(self) -> int:
        """Return the segment that the next commit goes to."""
        return self.first + len(self.records) // _COMMITS

    def add(self, records: Sequence[Record], end: int, seals: Sequence[Seal], state: State) -> None:
        """Add the records of groups that end at a place of the segment, and the state after them.

        Those that fill the segment end it: ``full`` has its signatures and the state after it.
        """
        self.records += records
        self.seals += seals
        self.end = end
        if len(self.records) % _COMMITS == 0:
            self.full.append((self.seals, state))
            self.end, self.seals = 0, []

    def forget(self, segments: int) -> None:
        """Leave segments, up to this number, to the packs."""
        count = segments - self.first
        del self.records[: count * _COMMITS], self.full[:count]
        self.first = segments


class Follower:
    """The reading half of a timeline: head, packs, tail and tree, kept abreast of the files."""

    def __init__(self, store: Store) -> None:
        """Know nothing yet."""
        self._store = store
        self._head: Head | None = None
        self._known: Head | None = None
        self._vouched = b""
        self._db = ""
        self._stand(Packs(store))
        self._renew_locks()

    def _stand(self, packs: Packs) -> None:
        """Stand at the end of the packs, before the first record that is in none."""
        self._packs = packs
        before = packs.last().range() if packs.segments else CompactRange()
        self._tree = Tree(packs, before)
        self._tail = Tail(packs.segments)
        self._head = None

    def _load(self) -> None:
        store = self._store
        if store.size(layout.FORMAT) is None:
            if store.size(layout.segment(1)) or store.size(layout.CHECKPOINT):
                raise CorruptError("FORMAT is missing", subject=layout.FORMAT)
            raise LakeError(
                f"{store.name} is not a lakehouse", subject=store.name, hint="run: grizzly init"
            )
        self._db = identity.decode(store.read(layout.FORMAT))
        self._read_log()

    def _read_log(self) -> None:
        """Read the whole log anew, as often as somebody packs it meanwhile.

        Raises: CorruptError, when it does not continue what was known; IoError.
        """
        self._known = self._head or self._known
        packs = Packs(self._store)
        packs.relist()
        for _ in range(_TRIES):
            try:
                self._stand(packs)
                self._follow()
                break
            except (CorruptError, IoError):
                if not packs.relist():
                    self._head = None
                    raise
        known = self._known
        if known is not None and (
            self.head.seq < known.seq or self._tree.root_at(known.seq + 1) != known.root
        ):
            self._head = None
            path = layout.segment(self._tail.index)
            raise CorruptError(f"{path}: the log is not the one it was", subject=path)

    def _repack(self, spans: Sequence[Span] | None = None) -> bool:
        """Look again which packs there are, and go on from them; False when they are the same.

        Who knows the spans of all packs saves the look.

        Raises: CorruptError, IoError.
        """
        if not (self._packs.relist() if spans is None else self._packs.stand(spans)):
            return False
        tail, packs = self._tail, self._packs
        if packs.segments < tail.first:
            path = layout.pack(packs.segments, tail.first - 1)
            raise CorruptError(f"{path} is missing", subject=path)
        if packs.segments > tail.index:
            self._read_log()
        else:
            before = self._tree.range_at(packs.segments * _COMMITS)
            if before.edge != tuple(packs.last().edge):
                raise packs.last().damaged()
            self._tree.packed(before)
            tail.forget(packs.segments)
        return True

    def _again(self, ask: Callable[[], T]) -> T:
        """Return an answer from packs, asked anew as long as packs are merged meanwhile."""
        for _ in range(_TRIES):
            try:
                return ask()
            except (CorruptError, IoError):
                if not self._repack():
                    raise
        return ask()

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

    def _guard(self) -> AbstractContextManager[bool, None]:
        """Return what holds all in memory still; a forked child begins from the files."""
        if self._process != os.getpid():
            self._renew_locks()
            with self._lock:
                self._head = None
                self._load()
        return self._lock

    def refresh(self) -> Head:
        """Take in what other processes committed, and return the new head.

        Cost: one file size when nothing is new.
        Raises: CorruptError, IoError.
        """
        with self._guard():
            if not self._is_current():
                self._follow_on()
            return self.head

    def _is_current(self) -> bool:
        tail = self._tail
        size = self._store.size(layout.segment(tail.index))
        if self._head is not None and size is None and not tail.end:
            # Between two segments: the next one may be written, and packed, already.
            self._repack()
            return True
        return self._head is not None and size == tail.end

    def _follow_on(self) -> None:
        try:
            self._go_on()
        except (CorruptError, IoError):
            if not self._repack():
                raise
            self._go_on()
        if self._tail.index - self._tail.first > _MANY:
            self._repack()

    def _go_on(self) -> None:
        """Take in what follows; all anew, if what was read last was refused."""
        if self._head is None:
            self._read_log()
        else:
            self._follow()

    def _follow(self) -> None:
        # The log is appended to before the checkpoint changes: so read in this order, the log holds
        # no less than the checkpoint promises.
        known = self._head
        note, floor = checkpoint.read(self._store)
        while self._extend():
            pass
        if self._head is None and self._packs.segments:
            self._head = self._packed_head()
        try:
            self._check_floor(note, floor)
            self._check_head()
            if self.head.seq >= floor and self._store.writable and self._tail.end:
                # Nobody may see a commit that a power cut could still take back.
                self._store.sync(layout.segment(self._tail.index))
        except (CorruptError, IoError):
            # What was refused once is not current the next time somebody asks.
            self._known, self._head = known or self._known, None
            raise

    def _extend(self) -> bool:
        """Take in more of the last segment; True when that filled it."""
        tail = self._tail
        index = tail.index
        path = layout.segment(index)
        # Asked first: the next segment is begun after this one was full.
        resumed = self._store.size(layout.segment(index + 1)) is not None
        size = self._store.size(path)
        if (size or 0) < tail.end:
            state = "is missing" if size is None else "lost its end"
            raise CorruptError(f"{path} {state}", subject=path)
        tail.torn = 0
        if size is not None and size > tail.end:
            first = tail.first * _COMMITS + len(tail.records)
            found = log.scan(self._store, index, self._db, tail.end, first)
            tail.torn = found.torn
            if found.groups:
                self._adopt(found.groups)
        if tail.index > index:
            if self._store.writable:
                self._store.sync(path)
            return True
        if resumed:
            if size is None:
                raise CorruptError(f"{path} is missing", subject=path)
            missing = tail.first * _COMMITS + len(tail.records)
            raise CorruptError(f"{path}: commit {missing} is damaged", subject=path)
        return False

    def _adopt(self, groups: Sequence[Group]) -> None:
        parent, ts, state = self._before()
        found = log.follow(groups, self._db, parent, ts)
        after = self._tree.range.copy()
        net: dict[bytes, bytes | None] = {}
        for record in found:
            net.update(record.changes)
            after.append(record.hashed)
        last, seal = found[-1], groups[-1].seal
        if seal.root != after.root():
            raise last.corrupt("its checkpoint is not the log's")
        state = state.later(
            net,
            last.state_root,
            last.state_count,
            lambda: last.corrupt("its state is not the one that its changes lead to"),
        )
        self._tree.extend([record.hashed for record in found], after)
        self._tail.add(found, groups[-1].end, [group.seal for group in groups], state)
        self._head = Head(last.seq, last.ts, seal.root, last.leaf, seal.note(self.origin), state)

    def _before(self) -> tuple[bytes, int, State]:
        """Return what the next record must follow: the leaf's hash, its time, the state."""
        head = self._head
        if head is not None:
            return head.leaf_hash, head.ts, head.state
        if not self._packs.segments:
            return NO_PARENT, -1, State(self._load_node)
        pack = self._packs.last()
        hashed = pack.hashes(pack.last)[-32:]
        return hashed, pack.segments[-1].last_ts, self._snapshot(pack.last)[1]

    def _snapshot(self, segment: int) -> tuple[int, State]:
        """Return the newest packed state after a segment or an earlier one, and that segment.

        Before the first one the state is empty, and the segment -1.
        """
        found = self._packs.snapshot(segment)
        if found is None:
            return -1, State(self._load_node)
        record = self._packs.record((found.segment + 1) * _COMMITS - 1)
        if (found.count, found.digest) != (record.state_count, record.state_root):
            raise self._packs.pack(found.segment).damaged()
        return found.segment, State(self._load_node, found.digest, found.count, found.born)

    def _packed_head(self) -> Head:
        """Return the last commit of the last pack."""
        pack = self._packs.last()
        before = pack.range()
        record = self._packs.record(before.size - 1)
        root = before.root()
        note = pack.seals(pack.last, lambda _size: root)[-1].note(self.origin)
        state = self._snapshot(pack.last)[1]
        return Head(record.seq, record.ts, root, record.leaf, note, state)

    def _load_node(self, digest: bytes, born: int) -> bytes:
        with self._guard():
            return self._again(lambda: self._packs.node(digest, born))

    def _check_floor(self, note: bytes, floor: int) -> None:
        path = layout.CHECKPOINT
        if self._head is None:
            segment = layout.segment(0)
            raise CorruptError(f"{segment}: commit 0 is damaged", subject=segment)
        size = self._head.seq + 1
        if floor > size:
            check_signature(Checkpoint.parse(note), self._head.state, path)
            segment = layout.segment(size // _COMMITS)
            raise CorruptError(
                f"{segment}: commit {size} is damaged: the checkpoint counts {floor} commits",
                subject=segment,
            )
        if floor == -1 and size > 1:
            raise CorruptError(f"{path} is missing", subject=path)
        if floor > 0 and Checkpoint.parse(note).root != self._tree.root_at(floor):
            raise CorruptError(f"{path} is not the log's", subject=path)

    def _check_head(self) -> None:
        """Check who signed what was taken in: nothing is read, or built upon, that nobody signed."""
        head = self.head
        if head.note != self._vouched:
            check_signature(
                Checkpoint.parse(head.note), head.state, layout.segment(head.seq // _COMMITS)
            )
            self._vouched = head.note

    def _require(self, seq: int) -> None:
        if not 0 <= seq <= self.head.seq:
            raise UsageError(
                f"there is no commit {seq}; the newest is {self.head.seq}", subject=f"commit {seq}"
            )

    def _record(self, seq: int) -> Record:
        """Return a commit's record, verified against the log's tree."""
        with self._guard():
            self._require(seq)
            tail = self._tail
            first = tail.first * _COMMITS
            return (
                tail.records[seq - first] if seq >= first else self._again(lambda: self._old(seq))
            )

    def _old(self, seq: int) -> Record:
        self._tree.check()
        return self._packs.record(seq)
