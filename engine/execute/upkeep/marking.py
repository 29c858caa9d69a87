"""Which objects anything still needs, and which nothing does.

Layer: ``execute``. Invariant: an object counts as garbage only when no value of a kept version refers
to it and no live session may be about to; paths and ages alone never decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.catalog import Table, refs_of
from engine.catalog.vacuum import pins
from engine.objectstore import layout, live

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.objectstore import Held, Lease, LocalStore
    from engine.timeline import Head, Timeline


@dataclass(frozen=True, slots=True)
class Kept:
    """The versions that are kept: all from ``start`` on, and some before it."""

    start: int
    also: frozenset[int]


@dataclass(frozen=True, slots=True)
class Garbage:
    """An object that nothing needs: who used it last, in which versions; nobody ever, if None."""

    size: int
    owner: str | None
    first: int
    last: int


@dataclass(slots=True)
class _Use:
    owner: str
    first: int
    last: int


def kept_versions(head: Head, start: int, leases: Iterable[Held]) -> Kept:
    """Return what must be kept when the caller wants to keep every version from ``start`` on."""
    start = min(start, head.seq)
    also: set[int] = set()
    for version, onward in pins(head.state.items()):
        also.add(version)
        start = min(start, version) if onward else start
    for lease in leases:
        start = min(start, lease.start)
    return Kept(max(0, start), frozenset(v for v in also if 0 <= v < start))


def reachable(timeline: Timeline, head: Head, kept: Kept) -> set[str]:
    """Return the digests of all object files that a kept version refers to.

    Cost: the commits from ``kept.start`` on, and the state of each version before it.
    """
    found: set[str] = set()
    bases: set[int] = set()

    def mark(items: Iterable[tuple[str, bytes | None]]) -> None:
        entries = list(items)
        found.update(_digests(entries))
        bases.update(version for version, onward in pins(entries) if not onward)

    mark(timeline.state_at(kept.start).items())
    for commit in timeline.commits(kept.start, head.seq):
        mark(commit.changes.items())
    # A branch or snapshot that was there in a kept version stays readable there.
    for version in kept.also | {v for v in bases if v < kept.start}:
        found.update(_digests(timeline.state_at(version).items()))
    return found


def garbage(
    timeline: Timeline, store: LocalStore, start: int, *, lease: Lease | None, table: Table | None
) -> dict[str, Garbage]:
    """Return every object file that nothing needs, or only those that were a table's.

    Cost: a listing of all objects, and if some are not needed the whole log.
    Raises: CorruptError, IoError.
    """
    # In this order: what is written after the listing is not in it; what was written before it is
    # under a lease still, or in a commit that the head read afterwards knows.
    files = {path.rpartition("/")[2]: path for path in store.list(layout.OBJECTS)}
    leases = live(store, but=lease)
    head = timeline.refresh()
    needed = reachable(timeline, head, kept_versions(head, start, leases))
    loose = files.keys() - needed
    if not loose:
        return {}
    since = min((held.since for held in leases), default=None)
    uses = _history(timeline, head, loose)
    names = _names(timeline, head, uses)
    out: dict[str, Garbage] = {}
    for digest in loose:
        use = uses.get(digest)
        if table is not None and (use is None or use.owner != table.id):
            continue
        changed = store.changed(files[digest])
        if changed is None or (since is not None and changed >= since):
            continue
        size = store.size(files[digest]) or 0
        if use is None:
            out[digest] = Garbage(size, None, 0, 0)
        else:
            out[digest] = Garbage(size, names.get(use.owner, use.owner), use.first, use.last)
    return out


def _digests(items: Iterable[tuple[str, bytes | None]]) -> Iterable[str]:
    for key, value in items:
        if value is not None:
            yield from (ref.digest for ref in refs_of(key, value) if ref.at is None)


def _history(timeline: Timeline, head: Head, wanted: set[str]) -> dict[str, _Use]:
    """Return for each object that some version referred to whose it was, and from when to when."""
    uses: dict[str, _Use] = {}
    values: dict[str, bytes] = {}
    for commit in timeline.commits(-1, head.seq):
        for key, value in commit.changes.items():
            old = values.pop(key, None)
            if old is not None:
                for digest in _digests([(key, old)]):
                    if digest in uses:
                        uses[digest].last = commit.seq - 1
            if value is None:
                continue
            mine = [d for d in _digests([(key, value)]) if d in wanted]
            if mine:
                values[key] = value
            for digest in mine:
                use = uses.setdefault(digest, _Use(_owner(key), commit.seq, head.seq))
                use.last = head.seq
    return uses


def _owner(key: str) -> str:
    """Return the id of the table that a key belongs to, else the kind of key it is."""
    parts = key.split("/")
    if parts[0] == "x" and len(parts) > 2:
        parts = parts[2:]
    return parts[1] if parts[0] in {"f", "i"} and len(parts) > 1 else parts[0]


def _names(timeline: Timeline, head: Head, uses: Mapping[str, _Use]) -> dict[str, str]:
    """Return the names of the owners, as they were when their objects were last used."""
    found: dict[str, str] = {}
    for use in uses.values():
        if use.owner in found:
            continue
        key = f"t/{use.owner}"
        data = head.state.get(key) or timeline.state_at(use.first).get(key)
        if data is not None:
            found[use.owner] = Table.decode(use.owner, data).qualified
    return found
