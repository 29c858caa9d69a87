"""Verification of a part: what came after a version, or a sample.

Layer: ``session``. Invariant: a finding says what was looked at, and never more than that.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from engine.errors import CorruptError, UsageError
from engine.objectstore import layout
from engine.proof.errors import ProofError
from engine.proof.leaf import Leaf
from engine.proof.note import Checkpoint
from engine.proof.tree import verify_consistency
from engine.timeline import Finding
from engine.timeline.signers import check_signature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.timeline import Timeline


def since(timeline: Timeline, version: int) -> Iterator[Finding]:
    """Check the log after a version: that it grew, what each commit claims, and who signed the last.

    Cost: the commits after the version, and one consistency proof.
    Raises: UsageError, when there is no such version.
    """
    head = timeline.refresh()
    if not 0 <= version <= head.seq:
        raise UsageError(f"there is no version {version}; the newest is {head.seq}")
    old, new = version + 1, head.seq + 1
    try:
        path = timeline.consistency(old, new)
        verify_consistency(old, new, timeline.root_at(old), head.root, path)
        check_signature(Checkpoint.parse(head.note), head.state, layout.CHECKPOINT)
    except (ProofError, CorruptError) as error:
        yield Finding("log", ok=False, detail=str(error))
        return
    yield Finding("log", ok=True, detail=f"{new} commits begin with the {old} of version {version}")
    state = timeline.state_at(version)
    for commit in timeline.commits(version):
        state = state.apply({key.encode("ascii"): value for key, value in commit.changes.items()})
        claims = Leaf.parse(commit.leaf)
        right = (claims.state_count, claims.state_root) == (state.count, state.root)
        detail = "its state follows" if right else "its state is not the one its changes lead to"
        yield Finding(f"commit {commit.seq}", ok=right, detail=detail)


def size_of(wanted: str, total: int) -> int:
    """Return how many of ``total`` a sample has, named as ``20`` or ``5%``.

    Raises: UsageError.
    """
    share = wanted.endswith("%")
    number = wanted.removesuffix("%")
    try:
        amount = float(number) if share else int(number)
    except ValueError:
        amount = 0.0
    if not 0 < amount < float("inf") or (share and amount > 100):
        raise UsageError(f"a sample is a count or a share, not '{wanted}'", hint="--sample 5%")
    return min(total, max(1, round(total * amount / 100)) if share else int(amount))


def sample(timeline: Timeline, wanted: str) -> Iterator[Finding]:
    """Check commits and objects picked at random.

    Cost: by the size of the sample.
    Raises: UsageError when ``wanted`` is no size.
    """
    pick = random.SystemRandom()
    size_of(wanted, 1)
    head = timeline.refresh()
    for seq in sorted(pick.sample(range(head.seq + 1), size_of(wanted, head.seq + 1))):
        try:
            commit = timeline.commit_at(seq)
        except CorruptError as error:
            yield Finding(error.subject or f"commit {seq}", ok=False, detail=error.message)
        else:
            yield Finding(f"commit {commit.seq}", ok=True, detail="is in the log")
    paths = list(timeline.store.list(layout.OBJECTS))
    picked = size_of(wanted, len(paths)) if paths else 0
    for path in sorted(pick.sample(paths, picked)):
        try:
            size = len(timeline.object(path.rpartition("/")[2], None))
        except CorruptError as error:
            yield Finding(error.subject or path, ok=False, detail=error.message)
        else:
            yield Finding(path, ok=True, detail=f"{size} bytes")
    chance = 1 - 0.99**picked
    told = f"{picked} of {len(paths)} objects: damage to 1% of them is met with a chance of {chance:.0%}"
    yield Finding("sample", ok=True, detail=told)
