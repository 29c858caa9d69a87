"""A damaged log mended from other copies of it.

Layer: ``engine.archive``. Invariant: bytes of a copy are taken only where the whole log, with them in
it, leads commit by commit to a signed checkpoint, and to no fewer commits than were promised.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from engine.archive.overlay import Held, Overlay
from engine.errors import CorruptError, IoError
from engine.objectstore import layout
from engine.proof.errors import ProofError
from engine.proof.hashing import root
from engine.proof.note import Checkpoint
from engine.timeline import checkpoint as checkpoints
from engine.timeline import rebuild
from engine.timeline.signers import check_signature

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.objectstore import Store
    from engine.timeline.rebuild import Replay

_END: Final = 1 << 40
"""Behind every segment."""


class LogMender:
    """Looks for what a log lacks in other copies.

    ``patches`` are files to be replaced, each with the name of the copy that had it, or taken away for
    others that hold the same commits; ``lost`` says
    what is damaged and in no copy.
    """

    def __init__(self, store: Store, others: Sequence[Store], db: str) -> None:
        """Mend the log of the lakehouse ``db``; nothing is written here."""
        self._store = store
        self._others = others
        self._db = db
        self.patches: dict[str, tuple[bytes | None, str]] = {}
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
            more = _overlapping(other, (first, _END))
            try:
                longer = rebuild.replay(self._with(more), self._db)
            except CorruptError:
                continue
            ours = longer.leaves[: found.commits] == found.leaves
            if ours and longer.commits > found.commits:
                self._take(more, other.name)
                found = longer
        return found

    def _take(self, more: Mapping[str, bytes | None], name: str) -> None:
        for path, data in more.items():
            own = self._store.size(path) is not None
            if data is None or not own or self._store.read(path) != data:
                self.patches[path] = (data, name)

    def _with(self, more: Mapping[str, bytes | None]) -> Overlay:
        files = {path: data for path, (data, _) in self.patches.items()} | dict(more)
        held = {path: None if data is None else Held(path, data) for path, data in files.items()}
        return Overlay(held, self._store)

    def _check(self, more: Mapping[str, bytes | None]) -> Replay:
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
            checkpoint = Checkpoint.parse(checkpoints.read(self._store)[0])
            if found.state is not None:
                check_signature(checkpoint, found.state, layout.CHECKPOINT)
        except (ProofError, CorruptError, IoError):
            return None
        return checkpoint

    def _reached(self, store: Overlay) -> int:
        """Return how many commits there must be at least for the segments that are there."""
        reached = 0
        for path, (first, last) in rebuild.files(store):
            reached = first if layout.parse_pack(path) is None else last + 1
        return reached * layout.SEGMENT_COMMITS

    def _patch(self, path: str) -> bool:
        """Find bytes for a damaged segment with which the log holds, or holds up to further damage."""
        if not self._is_damaged(path):
            return False
        for more, name in self._candidates(path):
            try:
                self._check(more)
            except CorruptError as error:
                further = error.subject or ""
                if further <= path or not self._is_damaged(further):
                    continue
            self._take(more, name)
            return True
        return False

    def _is_damaged(self, path: str) -> bool:
        """Return whether a file is not whole by itself: one that is whole is never given up."""
        span = _span(path)
        if span is None:
            return False
        last = all(other[0] <= span[0] for _, other in rebuild.files(self._store))
        found = rebuild.Replay(self._db, "")
        found.lose(span[0])
        try:
            rebuild.replay_file(found, self._store, path, last=last)
        except CorruptError:
            return True
        return found.commits < (span[1] + 1) * layout.SEGMENT_COMMITS

    def _candidates(self, path: str) -> Iterator[tuple[dict[str, bytes | None], str]]:
        """Yield files that copies have for the commits of one; an older copy's bytes begin ours."""
        own = self._store.read(path) if self._store.size(path) is not None else b""
        span = _span(path)
        for other in self._others:
            if other.size(path) is None:
                continue
            try:
                data = other.read(path)
            except CorruptError:
                continue
            yield {path: data}, other.name
            if len(data) < len(own):
                yield {path: data + own[len(data) :]}, other.name
        for other in self._others:
            if span is not None:
                yield {path: None, **_overlapping(other, span)}, other.name


def _span(path: str) -> tuple[int, int] | None:
    """Return the first and the last segment that a file of the log holds."""
    index = layout.parse_segment(path)
    return layout.parse_pack(path) if index is None else (index, index)


def _overlapping(store: Store, span: tuple[int, int]) -> dict[str, bytes | None]:
    """Return a copy's files that hold some of these segments, as far as they can be read."""
    found: dict[str, bytes | None] = {}
    for path, (first, last) in rebuild.files(store):
        if first <= span[1] and last >= span[0] and store.size(path) is not None:
            with suppress(CorruptError):
                found[path] = store.read(path)
    return found
