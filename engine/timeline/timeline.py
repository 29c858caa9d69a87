"""The timeline: one append-only, signed log of commits for a whole lakehouse.

Layer: ``engine.timeline``. Invariant: a commit is acknowledged when its record is durable in the
log, and by nothing else; every other file can be made again from the log and the objects.
Format: grizzly-lake(5).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from engine.cache import Cache
from engine.errors import (
    CorruptError,
    DurabilityError,
    IoError,
    LakeError,
    ReadOnlyError,
)
from engine.objectstore import layout
from engine.proof import bundle, fields
from engine.proof.canonical import parse
from engine.proof.leaf import NO_PARENT
from engine.proof.note import Checkpoint
from engine.timeline import audit, draft, identity, log
from engine.timeline import record as records_
from engine.timeline.follower import Follower, Tail
from engine.timeline.model import Head, Proposal
from engine.timeline.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from engine.clock import Clock
    from engine.objectstore import ByteSource, Store
    from engine.timeline.model import Commit, Finding
    from engine.timeline.signing import Signer

_COMMITS: Final = layout.SEGMENT_COMMITS
_STATES: Final = 16
"""How many past states a handle remembers."""


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


class Timeline(Follower):
    """A handle on a lakehouse's log; threads may share it, and a forked child gets its own.

    Reading never waits for a writer. Writing holds the store's lock for the length of one commit.
    """

    def __init__(self, store: Store, *, clock: Clock, signer: Signer | None = None) -> None:
        """Use ``create`` or ``open``, which return a handle that has a head."""
        super().__init__(store)
        self._clock = clock
        self._signer = signer
        self._poison: str | None = None
        self._states: Cache[State] = Cache(_STATES)

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
                    self._tail = Tail(index)
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

    def state_at(self, seq: int) -> State:
        """Return the state after commit ``seq``.

        Cost: one log segment, and the map's nodes that are looked at; nothing for a recent one again.
        Raises: UsageError, when there is no such commit; CorruptError, IoError.
        """
        self._require(seq)
        head = self.head
        if seq == head.seq:
            return head.state
        return self._states.get(seq, lambda: self._past(seq))

    def _past(self, seq: int) -> State:
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
        head = self.head
        if ts_us >= head.ts:
            return head.seq
        low, high = 0, head.seq // _COMMITS
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

    def put_object(self, data: bytes | memoryview) -> str:
        """Write an immutable object durably and return its SHA-256 in hexadecimal.

        Raises: IoError, ReadOnlyError.
        """
        digest = hashlib.sha256(data).hexdigest()
        self._store.put(layout.data_object(digest), data)
        return digest

    def put_stream(self, chunks: Iterable[bytes]) -> str:
        """Write an immutable object of any length durably and return its SHA-256 in hexadecimal.

        Cost: memory for one chunk.
        Raises: IoError, ReadOnlyError; whatever ``chunks`` raises.
        """
        hasher = hashlib.sha256()

        def hashed() -> Iterator[bytes]:
            for chunk in chunks:
                hasher.update(chunk)
                yield chunk

        self._store.put_stream(hashed(), lambda: layout.data_object(hasher.hexdigest()))
        return hasher.hexdigest()

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
            body = {
                "leaf": parse(record.leaf),
                "meta": parse(record.meta),
                "path": fields.spell_all(path),
            }
            return bundle.encode("commit", head.note.decode("utf-8"), self.vkey, body)

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
