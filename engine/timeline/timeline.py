"""The timeline: one append-only, signed log of commits for a whole lakehouse.

Layer: ``engine.timeline``. Invariant: a commit is acknowledged when its record is durable in the
log, and by nothing else; every other file can be made again from the log and the objects.
Format: grizzly-lake(5).
"""

from __future__ import annotations

import hashlib
import os
import threading
from bisect import bisect_right
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from engine.errors import (
    CorruptError,
    DurabilityError,
    IoError,
    LakeError,
    ReadOnlyError,
    UsageError,
)
from engine.objectstore import layout
from engine.proof import bundle
from engine.proof.hashing import root as fold_root
from engine.proof.leaf import NO_PARENT
from engine.proof.note import Checkpoint
from engine.timeline import audit, draft, identity, log, tiles
from engine.timeline import record as records_
from engine.timeline.model import Head, Proposal
from engine.timeline.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from engine.clock import Clock
    from engine.objectstore import ByteSource, Store
    from engine.timeline.model import Commit, Finding
    from engine.timeline.record import Record
    from engine.timeline.signing import Signer

_COMMITS: Final = layout.SEGMENT_COMMITS


class _Inlined:
    """Random access to an object that was read, and verified, from the log."""

    def __init__(self, name: str, digest: str, data: bytes) -> None:
        self.name = name
        self.size = len(data)
        self.stamp: Hashable = digest
        self._data = data

    def read(self, offset: int, length: int) -> bytes:
        """Return the bytes from ``offset``, fewer than ``length`` only at the end."""
        return self._data[offset : offset + length]


class _Tail:
    """The last segment: its intact records and the torn bytes after them."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.records: list[Record] = []
        self.torn = 0

    @property
    def end(self) -> int:
        return self.records[-1].end if self.records else 0

    @property
    def full(self) -> bool:
        return len(self.records) == _COMMITS


class Timeline:
    """A handle on a lakehouse's log; threads may share it, and a forked child gets its own.

    Reading never waits for a writer. Writing holds the store's lock for the length of one commit.
    """

    def __init__(self, store: Store, *, clock: Clock, signer: Signer | None = None) -> None:
        """Use ``create`` or ``open``, which return a handle that has a head."""
        self._store = store
        self._clock = clock
        self._signer = signer
        self._poison: str | None = None
        self._head: Head | None = None
        self._tail = _Tail(0)
        self._tree = tiles.Tree(store, 0, [])
        self._recent: tuple[int, list[Record]] = (-1, [])
        self._db = ""
        self._renew_locks()

    # ---------------------------------------------------------------- opening

    @classmethod
    def create(cls, store: Store, *, clock: Clock, signer: Signer) -> Timeline:
        """Make an empty lakehouse, whose first commit is number 0.

        FORMAT is written last: a folder without it never was a lakehouse.

        Raises: LakeError, when there is one already; IoError, ReadOnlyError.
        """
        with store.lock(30):
            if store.size(layout.FORMAT) is not None:
                raise LakeError(f"{store.name} is a lakehouse already", subject=store.name)
            _clear_leftovers(store)
            timeline = cls(store, clock=clock, signer=signer)
            timeline._db = clock.token()
            timeline._append(timeline._compose(Proposal("init", {})))
            store.put(layout.FORMAT, identity.encode(timeline._db))
        return timeline

    @classmethod
    def open(cls, store: Store, *, clock: Clock, signer: Signer | None = None) -> Timeline:
        """Open a lakehouse; without a signer it can be read only.

        Cost: the last log segment, whatever the length of history.
        Raises: LakeError, when there is none or a newer program made it; CorruptError, IoError.
        """
        timeline = cls(store, clock=clock, signer=signer)
        timeline._load()
        return timeline

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
        self._tail = _Tail(index)
        sealed = index * _COMMITS
        self._tree = tiles.Tree(self._store, sealed, tiles.open_edge(self._store, sealed))

    def _last_segment(self) -> int:
        index = max(0, log.read_floor(self._store)[1] - 1) // _COMMITS
        while self._store.size(layout.segment(index + 1)) is not None:
            index += 1
        return index

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

    # ---------------------------------------------------------------- locks

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

    @contextmanager
    def _writer(self, timeout: float) -> Iterator[None]:
        if self._signer is None or not self._store.writable:
            raise ReadOnlyError(
                f"{self._store.name} is open for reading only", subject=self._store.name
            )
        with self._guard():
            writing = self._writing
        if not writing.acquire(timeout=timeout):
            raise LakeError(
                f"another thread has been writing to {self._store.name} for {timeout:g} s",
                subject=self._store.name,
            )
        try:
            with self._store.lock(timeout):
                yield
        finally:
            writing.release()

    # ---------------------------------------------------------------- following the log

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
            self._tail = _Tail(tail.index + 1)
        return following

    def _adopt(self, tail: _Tail, found: list[Record]) -> None:
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

    def _before(self, tail: _Tail, first: Record) -> tuple[log.Link, State]:
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
            segment = layout.segment(self._tail.index)
            raise CorruptError(
                f"{segment}: commit {size} is damaged: the checkpoint counts {floor} commits",
                subject=segment,
            )
        if floor == -1 and size > 1:
            raise CorruptError(f"{path} is missing", subject=path)
        if floor > 0 and self._record(floor - 1).note != note:
            raise CorruptError(f"{path} is not the one of commit {floor - 1}", subject=path)

    # ---------------------------------------------------------------- committing

    def commit(self, build: Callable[[Head, int], Proposal], *, timeout: float = 30.0) -> Commit:
        """Append one commit, which ``build`` proposes from the newest head and its own number.

        What ``build`` raises passes through, and nothing is written.

        Units: seconds.
        Cost: one append and one ``fdatasync``; every 256th commit also seals a segment.
        Raises: LakeError, when others write for longer than ``timeout``; DurabilityError, after
        which this handle writes no more; ReadOnlyError, UsageError, CorruptError, IoError.
        """
        with self._writer(timeout):
            if self._poison is not None:
                raise DurabilityError(
                    self._poison, hint="check the disk, then open the lakehouse again"
                )
            head = self._recover()
            proposal = build(head, head.seq + 1)
            if self._tail.full:
                self._seal()
            return self._append(self._compose(proposal))

    def _recover(self) -> Head:
        """Be current, and clear away what an interrupted append left."""
        with self._guard():
            head = self.refresh()
            tail = self._tail
            if tail.torn:
                self._store.truncate(layout.segment(tail.index), tail.end)
                tail.torn = 0
            return head

    def _compose(self, proposal: Proposal) -> draft.Draft:
        if self._signer is None:
            raise ReadOnlyError("there is no key to sign with", subject=self._store.name)
        head = self._head
        place = draft.Place(
            db=self._db,
            origin=self.origin,
            range=self._tree.range,
            state=State(self._load_node) if head is None else head.state,
            parent=NO_PARENT if head is None else head.leaf_hash,
            last_ts=-1 if head is None else head.ts,
            signer=self._signer,
        )
        return draft.compose(place, proposal, self._clock.now_us())

    def _append(self, made: draft.Draft) -> Commit:
        head = made.head
        index = head.seq // _COMMITS
        path = layout.segment(index)
        at = self._tail.end if index == self._tail.index else 0
        try:
            self._store.append(path, made.data, at)
        except DurabilityError as error:
            self._poison = error.message
            raise
        record = records_.decode(made.data, 0, at, path)
        if record is None:
            raise CorruptError(f"{path}: commit {head.seq} is damaged", subject=path)
        with self._guard():
            # A thread that reads may have met the record in the file before this one came here.
            if self._head is None or self._head.seq < head.seq:
                if index != self._tail.index:
                    self._tail = _Tail(index)
                self._tree.append(record.hashed)
                self._tail.records.append(record)
                self._head = head
        # The commit stands: what follows can be done again by whoever writes next.
        with suppress(IoError):
            self._store.replace(layout.CHECKPOINT, head.note)
            if self._tail.full:
                self._seal()
        return made.commit

    def _seal(self) -> None:
        """Make a full last segment's index, tiles and state durable; doing it twice is harmless."""
        with self._guard():
            tail, head = self._tail, self.head
            index_path = layout.segment_index(tail.index)
            if self._store.size(index_path) is not None:
                return
            self._store.sync(layout.segment(tail.index))
            nodes = head.state.unsaved()
            files = [(layout.state(node.digest.hex()), node.encode()) for node in nodes]
            self._store.put_many([*files, *self._tree.seal()])
            for node in nodes:
                node.saved = True
            # The index comes last: where it is, the rest is.
            content = log.encode_index(tail.index, log.index_of(tail.records))
            self._store.put(index_path, content)
            for path in self._tree.superseded():
                self._store.remove(path)

    # ---------------------------------------------------------------- history

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

    def state_at(self, seq: int) -> State:
        """Return the state after commit ``seq``.

        Cost: one log segment, and the map's nodes that are looked at.
        Raises: UsageError, when there is no such commit; CorruptError, IoError.
        """
        self._require(seq)
        head = self.head
        if seq == head.seq:
            return head.state
        index, place = divmod(seq, _COMMITS)
        found = self._segment(index)[: place + 1]
        claims = found[-1].claims
        if place == _COMMITS - 1 and index < self._tail.index:
            return State(self._load_node, claims.state_root, claims.state_count)
        state = State(self._load_node)
        if index:
            base = self._base(index, found[0]).claims
            state = State(self._load_node, base.state_root, base.state_count)
        net: dict[bytes, bytes | None] = {}
        for record in found:
            net.update(record.parse_changes())
        state = state.apply(net)
        if (state.count, state.root) != (claims.state_count, claims.state_root):
            raise found[-1].corrupt("its state is not the one that its changes lead to")
        return state

    def commit_at(self, seq: int) -> Commit:
        """Return commit ``seq``.

        Raises: UsageError, when there is no such commit; CorruptError, IoError.
        """
        return self._record(seq).commit()

    def commits(self, since: int = -1, until: int | None = None) -> Iterator[Commit]:
        """Yield the commits after number ``since``, up to and with ``until`` or the head.

        Cost: one log segment at a time.
        Raises: CorruptError, IoError.
        """
        last = self.head.seq if until is None else min(until, self.head.seq)
        first = max(0, since + 1)
        while first <= last:
            index, place = divmod(first, _COMMITS)
            for record in self._segment(index)[place : place + last - first + 1]:
                yield record.commit()
            first = (index + 1) * _COMMITS

    def seq_at(self, ts_us: int) -> int:
        """Return the last commit made at or before a time; -1 when the lakehouse is younger.

        Units: microseconds since the Unix epoch, UTC.
        Cost: a binary search over segments' indexes.
        Raises: CorruptError, IoError.
        """
        head, tail = self.head, self._tail
        if ts_us >= head.ts:
            return head.seq
        low, high = 0, tail.index
        while low < high:
            middle = (low + high + 1) // 2
            if self._times(middle)[0] <= ts_us:
                low = middle
            else:
                high = middle - 1
        seq = low * _COMMITS + bisect_right(self._times(low), ts_us) - 1
        before = self._record(seq).claims.ts if seq >= 0 else -1
        if not before <= ts_us < self._record(seq + 1).claims.ts:
            path = layout.segment_index(low)
            raise CorruptError(f"{path} is not the log's", subject=path)
        return seq

    def _times(self, index: int) -> list[int]:
        tail = self._tail
        if index == tail.index:
            return [record.claims.ts for record in tail.records]
        return list(log.read_index(self._store, index).times)

    # ---------------------------------------------------------------- objects

    def put_object(self, data: bytes | memoryview) -> str:
        """Write an immutable object durably and return its SHA-256 in hexadecimal.

        Raises: IoError, ReadOnlyError.
        """
        digest = hashlib.sha256(data).hexdigest()
        self._store.put(layout.data_object(digest), data)
        return digest

    def object(self, digest: str, at: int | None) -> bytes:
        """Return an object by its SHA-256, from its file or, with ``at``, from inside that commit.

        Raises: CorruptError, naming the file or the commit; IoError.
        """
        if at is None:
            path = subject = layout.data_object(digest)
            if self._store.size(path) is None:
                raise CorruptError(f"{path} is missing", subject=path)
            data = self._store.read(path)
        else:
            record = self._record(at)
            subject = f"commit {at}"
            place = record.objects.get(bytes.fromhex(digest))
            if place is None:
                raise CorruptError(f"{subject} does not hold object {digest}", subject=subject)
            data = self._store.read(record.segment, *place)
        if hashlib.sha256(data).hexdigest() != digest:
            raise CorruptError(f"{subject}: object {digest} is damaged", subject=subject)
        return data

    def source(self, digest: str, at: int | None) -> ByteSource:
        """Return random access to an object.

        A file's bytes are not verified here; the reader checks the parts that it touches. An
        inlined object is read and verified whole.

        Raises: CorruptError, IoError.
        """
        if at is not None:
            return _Inlined(f"commit {at}", digest, self.object(digest, at))
        path = layout.data_object(digest)
        if self._store.size(path) is None:
            raise CorruptError(f"{path} is missing", subject=path)
        return self._store.source(path)

    # ---------------------------------------------------------------- proofs

    def inclusion(self, seq: int, size: int | None = None) -> list[bytes]:
        """Return the proof that commit ``seq`` is in the log of ``size`` commits, or of all.

        Source: RFC 6962, section 2.1.1.
        Raises: UsageError, when there is no such commit or size; CorruptError, IoError.
        """
        self._require(seq)
        with self._guard():
            wanted = self._tree.size if size is None else size
            self._require(wanted - 1)
            self._require(seq if seq < wanted else -1)
            return self._tree.inclusion(seq, wanted)

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """Return the proof that the log of ``old`` commits begins that of ``new``, or of all.

        Source: RFC 6962, section 2.1.2.
        Raises: UsageError, when there is no such size; CorruptError, IoError.
        """
        with self._guard():
            wanted = self._tree.size if new is None else new
            self._require(wanted - 1)
            self._require(old - 1 if old <= wanted else -1)
            return self._tree.consistency(old, wanted)

    def root_at(self, size: int) -> bytes:
        """Return the log's root when it had ``size`` commits.

        Raises: UsageError, when it never had; CorruptError, IoError.
        """
        self._require(max(size, 1) - 1)
        with self._guard():
            return self._tree.root_at(size)

    @property
    def vkey(self) -> str:
        """Return the public key that signed the newest checkpoint, as the log announced it.

        Raises: CorruptError.
        """
        return audit.announced_key(self.head).text()

    def prove(self, seq: int) -> bytes:
        """Return a bundle that proves commit ``seq`` to a stranger.

        Raises: UsageError, when there is no such commit; CorruptError, IoError.
        """
        with self._guard():
            record, head = self._record(seq), self.head
            path = self._tree.inclusion(seq, Checkpoint.parse(head.note).size)
            return bundle.encode(record.leaf, record.meta, path, head.note, self.vkey)

    def verify(self, progress: Callable[[int, int], None] | None = None) -> Iterator[Finding]:
        """Recompute everything about the log, the states and every object; yield what was found.

        ``progress`` is told the bytes looked at and the bytes there are.

        Cost: reads every file once, and replays history.
        """
        self.refresh()
        yield from audit.Audit(self._store, self._db, self.origin, self.head, progress).run()


def _clear_leftovers(store: Store) -> None:
    """Remove what an interrupted ``create`` left: a log with no more than its first commit.

    Raises: CorruptError, when there is more, which only a lost FORMAT explains.
    """
    path = layout.segment(0)
    more = store.size(layout.segment(1)) is not None or log.read_floor(store)[1] > 1
    if store.size(path) is not None and (more or len(log.scan(store, 0).records) > 1):
        raise CorruptError("FORMAT is missing", subject=layout.FORMAT)
    store.remove(path)
    store.remove(layout.CHECKPOINT)
