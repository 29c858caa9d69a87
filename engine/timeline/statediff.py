"""What differs between two states, without a look at what they share.

Layer: ``engine.timeline``. Invariant: a node that both states have is never opened, for equal digests
are equal subtrees; so the cost follows from what differs, not from what there is or what happened.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.timeline.state import Node, State


def differing(a: State, b: State, prefix: str = "") -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the entries below ``prefix`` that only ``a`` has, and those that only ``b`` has.

    Shape: a key whose value changed is in both. In order of the keys.
    Cost: the nodes that are not the same, each read at most once.
    Raises: CorruptError.
    """
    low = prefix.encode("ascii")
    left, right = _top(a), _top(b)
    while level := max((node.level for node in (*left, *right)), default=0):
        ours, theirs = _below(left, level, low), _below(right, level, low)
        shared = ours.keys() & theirs.keys()
        left = _opened(a, left, level, [ours[k] for k in ours if k not in shared])
        right = _opened(b, right, level, [theirs[k] for k in theirs if k not in shared])
    mine, others = _entries(left, low), _entries(right, low)
    return (
        {k.decode("ascii"): v for k, v in mine.items() if others.get(k) != v},
        {k.decode("ascii"): v for k, v in others.items() if mine.get(k) != v},
    )


def _top(state: State) -> list[Node]:
    node = state.top()
    return [] if node is None else [node]


def _below(nodes: Sequence[Node], level: int, low: bytes) -> dict[bytes, tuple[Node, int]]:
    """Return what the nodes of a level refer to that can hold keys from ``low`` on."""
    found: dict[bytes, tuple[Node, int]] = {}
    for node in nodes:
        if node.level == level:
            first = max(0, bisect_right(node.keys, low) - 1)
            last = bisect_left(node.keys, _after(low)) if low else len(node.keys)
            found |= {node.entries[n].value: (node, n) for n in range(first, last)}
    return found


def _opened(
    state: State, nodes: Sequence[Node], level: int, wanted: Sequence[tuple[Node, int]]
) -> list[Node]:
    """Replace the nodes of a level by those wanted below them."""
    lower = [node for node in nodes if node.level < level]
    return lower + [state.child(node, index) for node, index in wanted]


def _after(low: bytes) -> bytes:
    """Return a key behind all ASCII keys that begin with ``low``."""
    return low + b"\x80"


def _entries(nodes: Sequence[Node], low: bytes) -> dict[bytes, bytes]:
    return {e.key: e.value for node in nodes for e in node.entries if e.key.startswith(low)}
