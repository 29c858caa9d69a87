"""A damaged log mended from other copies of it.

Layer: ``engine.archive``. Invariant: bytes of a copy are taken only where the whole log, with them in
it, leads commit by commit to a signed checkpoint, and to no fewer commits than were promised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.archive.overlay import Held, Overlay
from engine.errors import CorruptError, IoError
from engine.objectstore import layout
from engine.proof.errors import ProofError
from engine.proof.hashing import root
from engine.proof.note import Checkpoint
from engine.timeline import audit, rebuild

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.objectstore import Store
    from engine.timeline.rebuild import Replay


class LogMender:
    """Looks for what a log lacks in other copies.

    ``patches`` are segments to be replaced, each with the name of the copy that had it; ``lost`` says
    what is damaged and in no copy.
    """

    def __init__(self, store: Store, others: Sequence[Store], db: str) -> None:
        """Mend the log of the lakehouse ``db``; nothing is written here."""
        self._store = store
        self._others = others
        self._db = db
        self.patches: dict[str, tuple[bytes, str]] = {}
        self.lost: CorruptError | None = None

    def mend(self) -> Replay | None:
        """Return the log replayed, with its patches; None when it cannot be mended.

        Cost: replays the log once for each damaged segment and each copy that is tried.
        """
        while True:
            try:
                found = self._check({})
                return found if self._promised(found) else self._longest(found)
            except CorruptError as error:
                path = error.subject or layout.LOG
                if path in self.patches or not self._patch(path):
                    self.lost = error
                    return None

    def _longest(self, found: Replay) -> Replay:
        """Take the commits that a copy has after ours: no checkpoint of our own says that we have all."""
        first = (found.commits - 1) // layout.SEGMENT_COMMITS
        for other in self._others:
            more = dict(_segments(other, first))
            try:
                longer = rebuild.replay(self._with(more), self._db)
            except CorruptError:
                continue
            ours = longer.leaves[: found.commits] == found.leaves
            if ours and longer.commits > found.commits:
                self.patches |= {path: (data, other.name) for path, data in more.items()}
                found = longer
        return found

    def _with(self, more: dict[str, bytes]) -> Overlay:
        files = {path: data for path, (data, _) in self.patches.items()} | more
        return Overlay({path: Held(path, data) for path, data in files.items()}, self._store)

    def _check(self, more: dict[str, bytes]) -> Replay:
        """Replay the log as it would be; raise for what is damaged or missing still."""
        store = self._with(more)
        found = rebuild.replay(store, self._db)
        promised = self._promised(found)
        if found.commits < max(promised.size if promised else 0, self._reached(store)):
            path = layout.segment(found.commits // layout.SEGMENT_COMMITS)
            raise CorruptError(f"{path}: commit {found.commits} is damaged", subject=path)
        if promised is not None and root(found.leaves[: promised.size]) != promised.root:
            path = layout.CHECKPOINT
            raise CorruptError(f"{path} was signed for another history", subject=path)
        return found

    def _promised(self, found: Replay) -> Checkpoint | None:
        """Return the checkpoint, unless it is missing, damaged or another log's."""
        try:
            checkpoint = Checkpoint.parse(self._store.read(layout.CHECKPOINT))
            audit.check_signature(checkpoint, found.state, layout.CHECKPOINT)
        except (ProofError, CorruptError, IoError):
            return None
        return checkpoint

    def _reached(self, store: Overlay) -> int:
        """Return how many commits there must be at least for the segments that are there."""
        segments = [path for path in store.list(layout.LOG) if path.endswith(".wal")]
        last = max((int(path.rpartition("/")[2][:-4]) for path in segments), default=0)
        return last * layout.SEGMENT_COMMITS

    def _patch(self, path: str) -> bool:
        """Find bytes for a damaged segment with which the log holds, or holds up to further damage."""
        if not self._is_damaged(path):
            return False
        for data, name in self._candidates(path):
            try:
                self._check({path: data})
            except CorruptError as error:
                further = error.subject or ""
                if further <= path or not self._is_damaged(further):
                    continue
            self.patches[path] = (data, name)
            return True
        return False

    def _is_damaged(self, path: str) -> bool:
        """Return whether a segment is not whole by itself: one that is whole is never given up."""
        if not path.endswith(".wal"):
            return False
        index = int(path.rpartition("/")[2][:-4])
        last = self._store.size(layout.segment(index + 1)) is None
        try:
            records = rebuild.segment(self._store, index, last=last)
        except CorruptError:
            return True
        return last and len(records) < layout.SEGMENT_COMMITS

    def _candidates(self, path: str) -> Iterator[tuple[bytes, str]]:
        """Yield what copies have of a segment; an older copy's bytes begin ours."""
        own = self._store.read(path) if self._store.size(path) is not None else b""
        for other in self._others:
            if other.size(path) is None:
                continue
            try:
                data = other.read(path)
            except CorruptError:
                continue
            yield data, other.name
            if len(data) < len(own):
                yield data + own[len(data) :], other.name


def _segments(store: Store, index: int) -> Iterator[tuple[str, bytes]]:
    """Yield a copy's segments from one on, as far as it has them."""
    while store.size(path := layout.segment(index)) is not None:
        try:
            yield path, store.read(path)
        except CorruptError:
            return
        index += 1
