"""Copying a moment of a lakehouse into a folder: only what the folder lacks, safe at every step.

Layer: ``engine.archive``. Invariant: the folder is at every moment the lakehouse that it was or the
one that it becomes: objects come before the log that needs them, the log before
its checkpoint, and FORMAT, without which there is no lakehouse, last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.archive.landing import Landing
from engine.archive.moment import listed, needed
from engine.catalog import refs_of
from engine.clock import SystemClock
from engine.errors import CorruptError, UsageError, VerificationError
from engine.objectstore import LocalStore, layout
from engine.proof.errors import ProofError
from engine.proof.note import Checkpoint, VerifierKey
from engine.proof.tree import verify_consistency
from engine.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.archive.moment import Moment
    from engine.archive.report import Progress


def held(moment: Moment, target: LocalStore) -> int:
    """Return how many commits a folder holds already; the moment must continue them.

    Raises: VerificationError when it is an older or another history; UsageError when it is another
    lakehouse's; CorruptError, when the folder is damaged.
    """
    if target.size(layout.FORMAT) is None:
        return 0
    there, here = Timeline.open(target, clock=SystemClock()), moment.timeline
    if there.db != here.db:
        raise UsageError(f"{target.name} holds another lakehouse", subject=target.name)
    old, new = there.head.seq + 1, moment.commits
    if new < old:
        raise VerificationError(
            f"the lakehouse was rolled back: it has {new} commits where its copy has {old}",
            subject=moment.store.name,
            hint=f"{target.name} keeps the longer history; nothing was copied.",
        )
    try:
        path = here.consistency(old, new)
        verify_consistency(old, new, there.head.root, here.head.root, path)
    except ProofError as error:
        raise VerificationError(
            f"the lakehouse's history is not the one that its copy has up to version {old - 1}",
            subject=moment.store.name,
            hint=f"One of the two was forked; {target.name} was left as it is.",
        ) from error
    return old


def check_log(moment: Moment, since: int) -> None:
    """Check the checkpoint's signature, and every commit from ``since`` on with what it carries.

    Cost: reads that part of the log.
    Raises: CorruptError naming what is damaged; VerificationError.
    """
    timeline = moment.timeline
    try:
        Checkpoint.parse(moment.checkpoint.encode()).verify(VerifierKey.parse(timeline.vkey))
    except ProofError as error:
        raise VerificationError(
            f"{layout.CHECKPOINT}: {error}", subject=layout.CHECKPOINT
        ) from error
    # A segment is copied whole: so what it carries is checked whole.
    for commit in timeline.commits(since - since % layout.SEGMENT_COMMITS - 1):
        for key, value in commit.changes.items():
            for ref in refs_of(key, value) if value is not None else ():
                if ref.at == commit.seq:
                    timeline.object(ref.digest, ref.at)


def missing(moment: Moment, target: LocalStore) -> list[str]:
    """Return the moment's files that a folder lacks, in the order in which to copy them.

    Raises: CorruptError naming an object that the newest state rests on and nobody has.
    """
    objects = {name for name in moment.files if name.startswith(f"{layout.OBJECTS}/")}
    for name in needed(moment.timeline):
        if name not in objects and target.size(name) is None:
            raise CorruptError(
                f"{name} is missing",
                subject=name,
                hint="`grizzly repair --from COPY` mends it from another copy.",
            )
    order = sorted(moment.files, key=lambda name: (_rank(name), _place(name)))
    return [name for name in order if _differs(moment, target, name)]


def _rank(name: str) -> int:
    """Return a file's place in the order: what others need comes before them."""
    if name == layout.FORMAT:
        return 3
    if name == layout.CHECKPOINT:
        return 2
    return 1 if name.startswith(f"{layout.LOG}/") else 0


def _place(name: str) -> tuple[str, bool]:
    """Return a file's place among its like: packs and segments in the order of their commits."""
    stem, _, suffix = name.rpartition(".")
    return (stem, suffix == "wal") if stem else (name, False)


def _differs(moment: Moment, target: LocalStore, name: str) -> bool:
    if target.size(name) != moment.size(name):
        return True
    kept = moment.files[name]
    return isinstance(kept, bytes) and target.read(name) != kept


def land(moment: Moment, target: LocalStore, names: list[str], progress: Progress | None) -> int:
    """Copy files into a folder, each read back before it gets its name; return their bytes.

    Raises: CorruptError naming a file; IoError, when the disk is full too.
    """
    total = sum(moment.size(name) for name in names)
    landing = Landing(target.root)
    done = rank = 0

    def counted(name: str) -> Iterator[bytes]:
        nonlocal done
        for chunk in moment.chunks(name):
            yield chunk
            done += len(chunk)
            if progress is not None:
                progress(done, total)

    try:
        for name in names:
            if _rank(name) != rank:
                landing.flush()
                rank = _rank(name)
            landing.add(name, counted(name))
        landing.flush()
    finally:
        landing.clear()
    return total


def tidy(moment: Moment, target: LocalStore) -> None:
    """Remove log files that newer ones replaced. Raises: IoError."""
    for name in list(listed(target, layout.LOG)):
        if name not in moment.files:
            target.remove(name)


def confirm(moment: Moment, target: LocalStore, since: int) -> None:
    """Check that a folder now is the moment: same log, root and checkpoint, commit for commit.

    Cost: reads the log from commit ``since`` on.
    Raises: CorruptError.
    """
    there = Timeline.open(target, clock=SystemClock())
    if (there.checkpoint, there.head.root) != (moment.checkpoint, moment.timeline.head.root):
        raise CorruptError(f"{target.name} is not what was copied", subject=target.name)
    for _ in there.commits(since - 1):
        pass
