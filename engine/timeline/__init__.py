"""The timeline: commits, the state after each, and proofs about them.

Layer: below ``engine.catalog``. Invariant: history is only ever added to.
"""

from __future__ import annotations

from engine.timeline.model import Commit, Finding, Head, Proposal
from engine.timeline.signing import Signer, load_or_create
from engine.timeline.state import State
from engine.timeline.statediff import differing
from engine.timeline.timeline import Timeline

__all__ = [
    "Commit",
    "Finding",
    "Head",
    "Proposal",
    "Signer",
    "State",
    "Timeline",
    "differing",
    "load_or_create",
]
