"""Proofs about a timeline, for someone who has nothing else.

Layer: ``engine.timeline``. Invariant: all parts of a proof are of one head, which signed checkpoint and
paths belong to.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from engine.proof import bundle, fields
from engine.proof.canonical import parse
from engine.proof.cosignature import split
from engine.proof.opening import prefix_range
from engine.timeline.opening import compare, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.timeline.timeline import Timeline


class Prover:
    """Makes proofs that all end in the checkpoint that was newest when it was made."""

    def __init__(
        self, timeline: Timeline, cosigned: tuple[str, Sequence[str]] | None = None
    ) -> None:
        """Take the newest checkpoint, or a cosigned one with the keys of the witnesses that signed."""
        head = timeline.refresh()
        self._timeline = timeline
        self._witnesses: list[str] = []
        self._note = head.note.decode("utf-8")
        self._vkey = timeline.vkey
        if cosigned is not None:
            self._note, self._witnesses = cosigned[0], list(cosigned[1])
        self.size = split(self._note)[0].size

    def commit(self, seq: int) -> bytes:
        """Return a proof that commit ``seq`` is in the log.

        Raises: UsageError, when there is no such commit; CorruptError, IoError.
        """
        meta = dict(self._timeline.commit_at(seq).meta)
        return self._encode("commit", {**self._anchored(seq), "meta": meta})

    def consistency(self, sizes: Sequence[int]) -> bytes:
        """Return a proof that the log of each size begins the next, and the last the newest.

        Raises: UsageError, when there is no such size; CorruptError, IoError.
        """
        timeline = self._timeline
        known = [*sizes, self.size]
        paths = [fields.spell_all(timeline.consistency(old, new)) for old, new in pairwise(known)]
        trees = [{"root": fields.spell(timeline.root_at(size)), "size": size} for size in sizes]
        return self._encode("consistency", {"paths": paths, "trees": trees})

    def state(self, seq: int, keys: Sequence[str]) -> bytes:
        """Return a proof of what the state after a commit has at some keys, or has not.

        Raises: UsageError, CorruptError, IoError.
        """
        tree = show(self._timeline.state_at(seq), keys)
        return self._encode("state", {**self._anchored(seq), "state": tree})

    def table(self, seq: int, table: str) -> bytes:
        """Return a proof that the files the state after a commit names are all of a table's.

        Raises: UsageError, CorruptError, IoError.
        """
        tree = show(self._timeline.state_at(seq), [f"t/{table}"], [prefix_range(f"f/{table}/")])
        return self._encode("table", {**self._anchored(seq), "state": tree, "table": table})

    def changes(self, since: int, until: int, table: str) -> bytes:
        """Return a proof of all that differs in a table between the states after two commits.

        Raises: UsageError, CorruptError, IoError.
        """
        before, after = self._timeline.state_at(since), self._timeline.state_at(until)
        old, new, shared = compare(before, after, f"t/{table}", prefix_range(f"f/{table}/"))
        body = {
            **self._anchored(until),
            "before": old,
            "shared": fields.spell_all(shared),
            "since": self._anchored(since),
            "state": new,
            "table": table,
        }
        return self._encode("changes", body)

    def row(self, seq: int, table: str, key: str, body: dict[str, Any]) -> bytes:
        """Return a proof of a row in the file at ``key`` of the state, from what shows the file.

        Raises: UsageError, CorruptError, IoError.
        """
        tree = show(self._timeline.state_at(seq), [f"t/{table}", key])
        return self._encode("row", {**self._anchored(seq), **body, "state": tree, "table": table})

    def absent(self, seq: int, table: str, body: dict[str, Any]) -> bytes:
        """Return a proof that a table has no row with a key, from what shows all its files.

        Raises: UsageError, CorruptError, IoError.
        """
        tree = show(self._timeline.state_at(seq), [f"t/{table}"], [prefix_range(f"f/{table}/")])
        return self._encode(
            "absent", {**self._anchored(seq), **body, "state": tree, "table": table}
        )

    def _anchored(self, seq: int) -> dict[str, Any]:
        path = self._timeline.inclusion(seq, self.size)
        leaf = parse(self._timeline.commit_at(seq).leaf)
        return {"leaf": leaf, "path": fields.spell_all(path)}

    def _encode(self, kind: str, body: dict[str, Any]) -> bytes:
        more = {"witnesses": self._witnesses} if self._witnesses else {}
        return bundle.encode(kind, self._note, self._vkey, {**body, **more})
