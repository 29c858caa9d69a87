"""The timeline: one append-only, signed log of commits for a whole lakehouse.

Layer: ``engine.timeline``. Invariant: a commit is acknowledged when its record is durable in the
log, and by nothing else; every other file can be made again from the log and the objects.
Format: grizzly-lake(5).
"""

from __future__ import annotations

import hashlib
import time
from bisect import bisect_right
from collections import deque
from contextlib import nullcontext, suppress
from threading import Thread
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from engine.cache import Cache
from engine.errors import (
    CorruptError,
    DurabilityError,
    IoError,
    LakeError,
    ReadOnlyError,
    StorageError,
)
from engine.objectstore import layout
from engine.proof.leaf import NO_PARENT
from engine.timeline import audit, checkpoint, compact, identity, log
from engine.timeline.compact import Full
from engine.timeline.draft import Draft
from engine.timeline.follower import Follower
from engine.timeline.model import Proposal
from engine.timeline.packs import Packs
from engine.timeline.signers import announced_key
from engine.timeline.state import State
from engine.timeline.waiting import Ticket, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    from engine.clock import Clock
    from engine.objectstore import ByteSource, Store
    from engine.timeline.group import Seal
    from engine.timeline.model import Commit, Finding, Head
    from engine.timeline.record import Record
    from engine.timeline.signing import Signer

_COMMITS: Final = layout.SEGMENT_COMMITS
_MOST_WAITING: Final = 1024
_BEHIND: Final = 64
_GRACE_NS: Final = 600 * 10**9
"""How long files stay after they were packed, for whoever is just copying them."""
_CLEARING: Final = 60.0
"""Seconds from looking for such files to looking for them again."""
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
        self._clock = clock
        self._signer = signer
        self._poison: str | None = None
        self._sync_time = 0.0
        self._cleared = float("-inf")
        self._drafted: Draft | None = None
        super().__init__(store)

    @override
    def _renew_locks(self) -> None:
        super()._renew_locks()
        self._waiting = Waiting()
        self._compacting: Thread | None = None
        self._states: Cache[State] = Cache(_STATES)

    @property
    def failed(self) -> bool:
        """Whether this handle writes no more, because the disk refused to make something durable."""
        return self._poison is not None

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
            draft = timeline._draft()
            draft.add(Proposal("init", {}), clock.now_us())
            timeline._append(draft)
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

    def commit(self, build: Callable[[Head, int], Proposal], *, timeout: float = 30.0) -> Commit:
        """Append one commit, which ``build`` proposes from the newest head and its own number.

        Commits that wait in one process become durable together, in the order in which they came;
        each is built, in whichever thread writes, on the state that the one before it leaves. What
        ``build`` raises passes through, and nothing of it is written.

        Units: seconds.
        Cost: one append and one ``fdatasync``, shared by all that waited.
        Raises: LakeError, when others write for longer than ``timeout``; DurabilityError, after
        which this handle writes no more; ReadOnlyError, UsageError, CorruptError, IoError.
        """
        self._require_signer()
        with self._guard():
            waiting = self._waiting
        ticket = Ticket(build)
        try:
            left = waiting.join(ticket, timeout)
            if left is not None:
                self._lead(waiting, left)
        except TimeoutError:
            raise LakeError(
                f"another thread has been writing to {self._store.name} for {timeout:g} s",
                subject=self._store.name,
            ) from None
        finally:
            waiting.leave(ticket)
        if ticket.commit is None or ticket.error is not None:
            raise ticket.error or LakeError(f"nothing was written to {self._store.name}")
        return ticket.commit

    def _require_signer(self) -> Signer:
        if self._signer is None or not self._store.writable:
            raise ReadOnlyError(
                f"{self._store.name} is open for reading only", subject=self._store.name
            )
        return self._signer

    def _lead(self, waiting: Waiting, timeout: float) -> None:
        """Write for all that wait; what goes wrong for all is told to all."""
        waiting.gather(self._sync_time)
        with self._store.lock(timeout):
            tickets: list[Ticket] = []
            try:
                tickets = waiting.take(_MOST_WAITING)
                self._write(tickets)
            except BaseException as error:  # noqa: BLE001 - every ticket raises it in its thread
                for ticket in tickets:
                    if not ticket.done:
                        ticket.answer(error)
        self._keep_up()

    def _write(self, tickets: Sequence[Ticket]) -> None:
        if self._poison is not None:
            raise DurabilityError(
                self._poison, hint="check the disk, then open the lakehouse again"
            )
        self._recover()
        left = deque(tickets)
        while left:
            draft = self._drafted = self._draft()
            built = []
            while left and not draft.full:
                ticket = left.popleft()
                try:
                    proposal = ticket.build(draft.newest, draft.seq)
                    ticket.commit = draft.add(proposal, self._clock.now_us())
                except Exception as error:  # noqa: BLE001 - the ticket raises it in its thread
                    ticket.answer(error)
                else:
                    built.append(ticket)
            if built:
                self._append(draft)
            self._drafted = None
            for ticket in built:
                ticket.answer()

    def _recover(self) -> None:
        """Be current, and clear away what an interrupted append left."""
        with self._guard():
            self.refresh()
            tail = self._tail
            if tail.torn:
                self._store.truncate(layout.segment(tail.index), tail.end)
                tail.torn = 0

    def _draft(self) -> Draft:
        head, tail = self._head, self._tail
        return Draft(
            db=self._db,
            origin=self.origin,
            signer=self._require_signer(),
            before=self._tree.range,
            head=head,
            parent=NO_PARENT if head is None else head.leaf_hash,
            state=State(self._load_node) if head is None else head.state,
            path=layout.segment(tail.index),
            room=_COMMITS - len(tail.records) % _COMMITS,
        )

    def _append(self, draft: Draft) -> None:
        seal = draft.seal()
        data = draft.encode(seal)
        tail = self._tail
        at = tail.end
        begun = time.monotonic()
        try:
            self._store.append(layout.segment(tail.index), data, at)
        except DurabilityError as error:
            self._poison = error.message
            raise
        self._sync_time = time.monotonic() - begun
        draft.placed(at)
        head = draft.newest.signed(seal.note(self.origin))
        with self._guard():
            # A thread that reads may have met the group in the file before this one came here.
            if self._head is None or self._head.seq < head.seq:
                self._tree.extend([record.hashed for record in draft.records], draft.tree)
                self._head = head
                self._vouched = head.note
                tail.add(draft.records, at + len(data), [seal], head.state)
        # The commits stand: should this fail, the next one does it.
        with suppress(IoError):
            checkpoint.write(self._store, head.note, seal.size)

    def _keep_up(self) -> None:
        """Let full segments be packed, in a thread of its own; wait for it when it falls behind."""
        if not self._tail.full:
            return
        running = self._compacting
        if running is not None and running.is_alive():
            if len(self._tail.full) > _BEHIND:
                running.join()
            return
        self._compacting = Thread(target=self._compact_quietly, name="compaction")
        self._compacting.start()

    def _compact_quietly(self) -> None:
        # Whatever goes wrong, nothing is lost; the next full segment tries again.
        with suppress(StorageError, ReadOnlyError), self._store.lock(0, layout.COMPACT_LOCK):
            packs = self._compact_all()
            if time.monotonic() - self._cleared > _CLEARING:
                compact.clear(self._store, packs, _GRACE_NS)
                self._cleared = time.monotonic()

    def compact(self, *, timeout: float = 600.0) -> None:
        """Pack all full segments, and merge all packs that are due; history stays what it was.

        It happens by itself, after every 256 commits, beside the commits that follow.

        Units: seconds.
        Raises: LakeError, when another process compacts for that long; CorruptError, IoError,
        ReadOnlyError.
        """
        self.refresh()
        with self._store.lock(timeout, layout.COMPACT_LOCK):
            compact.clear(self._store, self._compact_all(), 0)

    def _compact_all(self) -> Packs:
        """Make all packs that are due, and return those that there are now."""
        packs = Packs(self._store)
        packs.relist()
        while True:
            full = self._full(packs)
            if full is not None:
                span = compact.seal(self._store, self._db, packs, full)
            else:
                found = compact.due(self._store, packs)
                if found is None:
                    return packs
                span = found
                compact.merge(self._store, packs, span)
            packs.stand([*packs.spans, span])
            with self._guard():
                self._repack(packs.spans)

    def _full(self, packs: Packs) -> Full | None:
        """Return the full segments that the next pack is to hold: as many as make it aligned."""
        with self._guard():
            self._repack(packs.spans)
            tail = self._tail
            if not tail.full or tail.first != packs.segments:
                return None
            width = compact.WIDTHS[0]
            while tail.first % width or width > len(tail.full):
                width //= 2
            seals = [found for found, _ in tail.full[:width]]
            records = tail.records[: width * _COMMITS]
            return Full(tail.first, records, seals, tail.full[width - 1][1])

    def files(self, timeout: float = 30.0) -> dict[str, int | bytes]:
        """Return the name of each file of the log, with its size now, or its bytes.

        Together with the objects they are the lakehouse as of the head. Files that are merged from
        now on stay for ten minutes, unless somebody calls ``compact``.

        Units: seconds.
        Raises: LakeError, when others write for that long; CorruptError, IoError.
        """
        store = self._store
        with store.lock(timeout) if store.writable else nullcontext(), self._guard():
            self.refresh()
            self._repack()
            tail, spans = self._tail, self._packs.spans
            found: dict[str, int | bytes] = {layout.CHECKPOINT: self.head.note}
            names = [layout.FORMAT, *(layout.pack(*span) for span in spans)]
            names += [layout.segment(index) for index in range(tail.first, tail.index)]
            for name in names:
                size = store.size(name)
                if size is None:
                    raise CorruptError(f"{name} is missing", subject=name)
                found[name] = size
            if tail.end:
                found[layout.segment(tail.index)] = tail.end
            return found

    def state_at(self, seq: int) -> State:
        """Return the state after commit ``seq``.

        Cost: the commits since a snapshot of the state, one every 256 to 65,536 commits, by how
        large the state is; and the map's nodes that are looked at.
        Raises: UsageError, when there is no such commit; CorruptError, IoError.
        """
        with self._guard():
            self._require(seq)
            if seq == self.head.seq:
                return self.head.state
            return self._states.get(seq, lambda: self._again(lambda: self._state_of(seq)))

    def _state_of(self, seq: int) -> State:
        segment = (seq + 1) // _COMMITS - 1
        tail = self._tail
        if tail.first <= segment:
            state = tail.full[segment - tail.first][1]
        else:
            segment, state = self._snapshot(segment)
        net: dict[bytes, bytes | None] = {}
        last: Record | None = None
        for last in self.records((segment + 1) * _COMMITS, seq):
            net.update(last.changes)
        if last is None:
            return state
        blamed = last
        return state.later(
            net,
            last.state_root,
            last.state_count,
            lambda: blamed.corrupt("its state is not the one that its changes lead to"),
        )

    def commit_at(self, seq: int) -> Commit:
        """Return commit ``seq``.

        Raises: UsageError, when there is no such commit; CorruptError, IoError.
        """
        return self._record(seq).commit()

    def commits(self, since: int = -1, until: int | None = None) -> Iterator[Commit]:
        """Yield the commits after number ``since``, up to and with ``until`` or the head.

        Cost: memory for one log segment at a time.
        Raises: CorruptError, IoError.
        """
        last = self.head.seq if until is None else min(until, self.head.seq)
        for record in self.records(max(0, since + 1), last):
            yield record.commit()

    def records(self, first: int, last: int) -> Iterator[Record]:
        """Yield the records of commits ``first`` to ``last``, a few at first, then ever more.

        Raises: CorruptError, IoError.
        """
        few = 1
        while first <= last:
            few = min(few * 4, _COMMITS)
            stop = min(last, first + few - 1)
            yield from [self._record(seq) for seq in range(first, stop + 1)]
            first = stop + 1

    def packs(self) -> list[tuple[int, int]]:
        """Return the first and last log segment of every pack."""
        with self._guard():
            return list(self._packs.spans)

    def seals(self, segment: int) -> list[Seal]:
        """Return the signatures that were kept of a segment's groups, of a full one the last.

        Raises: CorruptError, IoError.
        """
        with self._guard():
            return self._again(lambda: self._seals(segment))

    def _seals(self, segment: int) -> list[Seal]:
        tail = self._tail
        if segment < tail.first:
            return self._packs.pack(segment).seals(segment, self._tree.root_at)
        place = segment - tail.first
        return tail.full[place][0] if place < len(tail.full) else tail.seals

    def seq_at(self, ts_us: int) -> int:
        """Return the last commit made at or before a time; -1 when the lakehouse is younger.

        Units: microseconds since the Unix epoch, UTC.
        Cost: a binary search over packs, and one segment.
        Raises: CorruptError, IoError.
        """
        with self._guard():
            head = self.head
            return head.seq if ts_us >= head.ts else self._again(lambda: self._seq_at(ts_us))

    def _seq_at(self, ts_us: int) -> int:
        tail = self._tail
        if tail.records and (not tail.first or ts_us >= tail.records[0].ts):
            place = bisect_right(tail.records, ts_us, key=lambda record: record.ts)
            return tail.first * _COMMITS + place - 1
        segment = self._packs.segment_at(ts_us)
        times = self._packs.times(segment)
        seq = segment * _COMMITS + bisect_right(times, ts_us) - 1
        before = self._record(seq).ts if seq >= 0 else -1
        if not before <= ts_us < self._record(seq + 1).ts:
            raise self._packs.pack(segment).damaged()
        return seq

    def put_object(self, data: bytes | memoryview) -> str:
        """Write an immutable object durably and return its SHA-256 in hexadecimal.

        Raises: IoError, ReadOnlyError.
        """
        digest = hashlib.sha256(data).hexdigest()
        self.put_objects({digest: data})
        return digest

    def put_objects(self, objects: Mapping[str, bytes | memoryview]) -> None:
        """Write immutable objects, given by their SHA-256 in hexadecimal, durably and together.

        Raises: IoError, ReadOnlyError.
        """
        self._store.put_many([(layout.data_object(d), data) for d, data in objects.items()])

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
            return self._again(lambda: self._inlined(digest, at))
        if hashlib.sha256(data).hexdigest() != digest:
            raise CorruptError(f"{subject}: object {digest} is damaged", subject=subject)
        return data

    def _inlined(self, digest: str, at: int) -> bytes:
        if self._drafted is not None and at > self.head.seq:
            # A commit is built on others of its group, which are in no file yet.
            found = self._drafted.object(digest)
            if found is not None:
                return found
        record = self._record(at)
        wanted = bytes.fromhex(digest)
        for start, length in record.objects():
            data = self._store.read(record.path, start, length)
            if hashlib.sha256(data).digest() == wanted:
                return data
        state = "does not hold" if len(record.lengths) != 1 else "lacks, or has damaged,"
        raise CorruptError(f"commit {at} {state} object {digest}", subject=f"commit {at}")

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
            return self._again(lambda: self._tree.inclusion(seq, wanted))

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """Return the proof that the log of ``old`` commits begins that of ``new``, or of all.

        Source: RFC 6962, section 2.1.2.
        Raises: UsageError, when there is no such size; CorruptError, IoError.
        """
        with self._guard():
            wanted = self._tree.size if new is None else new
            self._require(wanted - 1)
            self._require(old - 1 if old <= wanted else -1)
            return self._again(lambda: self._tree.consistency(old, wanted))

    def root_at(self, size: int) -> bytes:
        """Return the log's root when it had ``size`` commits.

        Raises: UsageError, when it never had; CorruptError, IoError.
        """
        self._require(max(size, 1) - 1)
        with self._guard():
            return self._again(lambda: self._tree.root_at(size))

    @property
    def vkey(self) -> str:
        """Return the public key that signed the newest checkpoint, as the log announced it.

        Raises: CorruptError.
        """
        return announced_key(self.head).text()

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
    others = [name for name in store.list(layout.LOG) if name not in {path, layout.CHECKPOINT}]
    more = bool(others) or checkpoint.read(store)[1] > 1
    if more or (store.size(path) is not None and _commits(store) > 1):
        raise CorruptError("FORMAT is missing", subject=layout.FORMAT)
    store.remove(path)
    store.remove(layout.CHECKPOINT)


def _commits(store: Store) -> int:
    groups = log.scan(store, 0, None).groups
    return groups[-1].seal.size if groups else 0
