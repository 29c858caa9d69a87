"""One table of a lakehouse in an archive, read in place: its state is what a proof shows of it.

Layer: ``engine.archive``; the archive may have been made by an enemy. Invariant: nothing is known but
what the proof shows: that certain files, and no others, are the table after a commit of a signed log.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from typing_extensions import override

from engine.archive.format import PROOF
from engine.archive.moment import Moment, measure, size_of
from engine.archive.overlay import Held
from engine.catalog import Catalog, FileEntry, refs_of
from engine.clock import SystemClock
from engine.errors import ArchiveError, BindError, CorruptError, UsageError
from engine.objectstore import layout
from engine.proof import bundle, claims
from engine.proof.errors import ProofError
from engine.proof.opening import prefix_range
from engine.timeline import Finding, Timeline
from engine.timeline.model import Commit, Head
from engine.timeline.proving import Prover
from engine.timeline.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.archive.store import ArchiveStore
    from engine.objectstore import ByteSource, Store
    from engine.proof.report import Report


def table_moment(store: Store, name: str, as_of: int | None) -> tuple[Moment, str]:
    """Return what an excerpt of a table is made of, and the table's identifier.

    Objects that ride in commits are files of their own there.

    Raises: BindError when there is no such table; UsageError when there is no such commit;
    CorruptError, IoError.
    """
    whole = measure(store)
    timeline = whole.timeline
    seq = timeline.head.seq if as_of is None else as_of
    state = timeline.state_at(seq)
    schema, _, bare = name.rpartition(".")
    table = Catalog(state).table(schema or "main", bare)
    if table is None:
        raise BindError(f"there is no table '{name}' at version {seq}")
    files: dict[str, int | bytes] = {
        layout.FORMAT: size_of(store, layout.FORMAT),
        layout.CHECKPOINT: whole.checkpoint.encode(),
        PROOF: Prover(timeline).table(seq, table.id),
    }
    for key, value in state.items(table.file_prefix):
        for ref in refs_of(key, value):
            path = layout.data_object(ref.digest)
            kept = ref.at is None
            files[path] = size_of(store, path) if kept else timeline.object(ref.digest, ref.at)
    return Moment(store, timeline, whole.checkpoint, dict(sorted(files.items()))), table.id


class Shown(State):
    """The entries of a state map that a proof shows; of the others nothing is known."""

    __slots__ = ("_entries",)

    def __init__(self, root: bytes, count: int, entries: dict[str, bytes]) -> None:
        """Take entries that were proved to be in the map with this root."""
        super().__init__(_hidden, root, count)
        self._entries = entries

    @override
    def get(self, key: str) -> bytes | None:
        return self._entries.get(key)

    @override
    def items(self, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        yield from (item for item in sorted(self._entries.items()) if item[0].startswith(prefix))


def _hidden(_digest: bytes, _born: int) -> bytes:
    raise UsageError("the archive holds only one table")


class Excerpt(Timeline):
    """The one commit that an excerpt is about, in the place of a timeline."""

    def __init__(self, store: ArchiveStore, report: Report, shown: Shown, origin: str) -> None:
        """Use ``read``, which checks the proof."""
        super().__init__(store, clock=SystemClock())
        leaf = report.leaf
        if leaf is None:
            raise ArchiveError("the proof is not about a commit", subject=PROOF)
        self._db = origin
        self._report = report
        note = store.checkpoint.encode()
        self._head = Head(leaf.seq, leaf.ts, report.root, leaf.encode(), note, shown)

    @classmethod
    def read(cls, store: ArchiveStore) -> Excerpt:
        """Check an excerpt's proof and return what it shows.

        Raises: ArchiveError when the proof is false or about something else; CorruptError, IoError.
        """
        data = store.read(PROOF)
        try:
            report = bundle.verify(data)
            fields = json.loads(data)
            if report.kind != "table" or report.leaf is None or fields["table"] != store.table:
                raise ArchiveError("the proof is not about the archive's table", subject=PROOF)
            opened = claims.shown(fields["state"], report.leaf)
            entries = opened.within(*prefix_range(f"f/{store.table}/"))
            own = f"t/{store.table}"
            shown = {key.decode("ascii"): value for key, value in entries}
            shown[own] = opened.get(own) or b""
            for key, value in shown.items():
                if key != own:
                    FileEntry.decode(key, value)
            state = Shown(report.leaf.state_root, report.leaf.state_count, shown)
            Catalog(state).tables()
        except ProofError as error:
            raise ArchiveError(f"the archive's proof is false: {error}", subject=PROOF) from error
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ArchiveError("the archive's proof shows no table", subject=PROOF) from error
        if fields["checkpoint"] != store.checkpoint:
            raise ArchiveError("the proof ends in another checkpoint", subject=PROOF)
        return cls(store, report, state, report.origin.rpartition("/")[2])

    @override
    def refresh(self) -> Head:
        return self.head

    @property
    @override
    def vkey(self) -> str:
        return self._report.vkey

    @override
    def state_at(self, seq: int) -> State:
        if seq != self.head.seq:
            raise UsageError(f"the archive holds one table, as it was at version {self.head.seq}")
        return self.head.state

    @override
    def commits(self, since: int = -1, until: int | None = None) -> Iterator[Commit]:
        return iter(())

    @override
    def commit_at(self, seq: int) -> Commit:
        self.state_at(seq)
        leaf = self._report.leaf
        if leaf is None:
            raise UsageError(f"the archive does not hold commit {seq}")
        return Commit(seq, leaf.ts, leaf.op, {}, leaf.encode(), {})

    @override
    def seq_at(self, ts_us: int) -> int:
        return self.head.seq if ts_us >= self.head.ts else -1

    @override
    def object(self, digest: str, at: int | None) -> bytes:
        return super().object(digest, None)

    @override
    def source(self, digest: str, at: int | None) -> ByteSource:
        if at is None:
            return super().source(digest, None)
        return Held(layout.data_object(digest), self.object(digest, None))

    @override
    def verify(self, progress: Callable[[int, int], None] | None = None) -> Iterator[Finding]:
        """Yield the proof, and every object that the table rests on."""
        head = self.head
        detail = f"these files, and no others, are the table at version {head.seq}"
        yield Finding(PROOF, ok=True, detail=detail)
        for key, value in head.state.items("f/"):
            for ref in refs_of(key, value):
                path = layout.data_object(ref.digest)
                try:
                    size = len(self.object(ref.digest, None))
                except CorruptError as error:
                    yield Finding(path, ok=False, detail=error.message)
                else:
                    yield Finding(path, ok=True, detail=f"{size} bytes")
