"""Verification of a whole lakehouse: the log and its objects, and what the states refer to.

Layer: ``session``. Invariant: every finding names the object; nothing is repaired here.
"""

from __future__ import annotations

import json
import os
import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from engine.catalog import Catalog, FileEntry, refs_of
from engine.catalog.vacuum import taken
from engine.errors import BindError, CorruptError, StorageError, UsageError
from engine.objectstore import layout
from engine.session.proving import partly
from engine.timeline import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from engine.catalog import Ref
    from engine.timeline import Timeline

__all__ = ["Finding", "signers", "verify"]

_WORKERS: Final = min(8, os.cpu_count() or 1)
_PLANS: Final = "gc/"
"""Where vacuum says what it takes: what is named there need not be there."""


def verify(
    timeline: Timeline,
    table: str | None = None,
    *,
    deep: bool = False,
    since: int | None = None,
    sample: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Finding]:
    """Check every hash and every reference, or only what one table's present state needs.

    ``deep`` decodes the data files too, and recomputes all that is derived from them. ``since``
    checks what came after a version, ``sample`` a part picked at random, such as ``20`` or ``5%``.
    ``progress`` is told the bytes looked at and the bytes there are.

    Cost: reads everything it checks.
    Raises: BindError when there is no such table; UsageError.
    """
    entries: Iterable[FileEntry] = ()
    chosen = [table is not None, since is not None, sample is not None]
    if sum(chosen) > 1:
        raise UsageError("a table, what came since, and a sample are three things: choose one")
    if table is not None:
        entries = present = _entries_of(timeline, table)
        yield from _objects(timeline, (r for e in present for r in _refs(e)), set())
    elif since is not None:
        yield from partly.since(timeline, since)
        yield from _guarded(lambda: _objects(timeline, _all_refs(timeline, since), set()))
        entries = _all_entries(timeline, since)
    elif sample is not None:
        yield from partly.sample(timeline, sample)
        entries = _sampled(timeline, sample)
    else:
        checked = set()
        for finding in timeline.verify(progress):
            checked.add(finding.subject)
            yield finding
        yield from _guarded(lambda: _objects(timeline, _all_refs(timeline), checked))
        entries = _all_entries(timeline, -1)
    if deep:
        yield from _guarded(lambda: _deep(timeline, entries, progress))


def _guarded(findings: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Turn damage that is met on the way to what is to be checked into a finding."""
    try:
        yield from findings()
    except CorruptError as error:
        yield Finding(error.subject or "log", ok=False, detail=error.message)


def _deep(
    timeline: Timeline,
    entries: Iterable[FileEntry],
    progress: Callable[[int, int], None] | None,
) -> Iterator[Finding]:
    """Decode each file once for each set of dead rows that it was seen with, side by side."""
    found = {(e.data.digest, e.marks and e.marks.digest): e for e in entries}
    total, done = sum(e.size for e in found.values()), 0
    with ThreadPoolExecutor(_WORKERS) as pool:
        for entry, finding in zip(
            found.values(), pool.map(lambda e: _decoded(timeline, e), found.values()), strict=True
        ):
            done += entry.size
            if progress is not None:
                progress(done, total)
            yield finding


def _decoded(timeline: Timeline, entry: FileEntry) -> Finding:
    from engine.session.proving import deep  # noqa: PLC0415 - loads what few sessions need

    subject = f"file {entry.data.digest[:12]}"
    try:
        return Finding(subject, ok=True, detail=deep.check(timeline, entry))
    except StorageError as error:
        return _lost(timeline, entry.data, subject, error)


def _lost(timeline: Timeline, ref: Ref, subject: str, error: StorageError) -> Finding:
    """Return what is wrong with an object, unless vacuum took it by a commit that says so."""
    missing = ref.at is None and timeline.store.size(layout.data_object(ref.digest)) is None
    plan = taken(timeline, ref.digest) if missing else None
    if plan is not None:
        return Finding(subject, ok=True, detail=f"vacuumed by version {plan.version}")
    return Finding(error.subject or subject, ok=False, detail=error.message)


def signers(timeline: Timeline) -> list[tuple[int, str]]:
    """Return the keys that sign this log: since which version, and the verifier key, oldest first."""
    found = []
    for _, data in timeline.refresh().state.items("key/"):
        value = json.loads(data)
        found.append((int(value["since"]), str(value["vkey"])))
    return sorted(found)


def _all_refs(timeline: Timeline, since: int = -1) -> Iterator[Ref]:
    for commit in timeline.commits(since):
        for key, value in commit.changes.items():
            if value is not None and not key.startswith(_PLANS):
                yield from refs_of(key, value)


def _all_entries(timeline: Timeline, since: int) -> Iterator[FileEntry]:
    for commit in timeline.commits(since):
        for key, value in commit.changes.items():
            if key.startswith("f/") and value is not None:
                yield FileEntry.decode(key, value)


def _entries_of(timeline: Timeline, name: str) -> list[FileEntry]:
    catalog = Catalog(timeline.refresh().state)
    found = [t for t in catalog.tables() if name.lower() in (t.name.lower(), t.qualified.lower())]
    if not found:
        raise BindError(f"there is no table '{name}'")
    return [entry for table in found for entry in catalog.files(table)]


def _sampled(timeline: Timeline, wanted: str) -> list[FileEntry]:
    catalog = Catalog(timeline.refresh().state)
    entries = [entry for table in catalog.tables() for entry in catalog.files(table)]
    return random.SystemRandom().sample(entries, partly.size_of(wanted, len(entries)))


def _refs(entry: FileEntry) -> Iterator[Ref]:
    plain = (entry.data, entry.sidecar, entry.marks, *(entry.keys or ()))
    yield from (ref for ref in plain if ref is not None)


def _objects(timeline: Timeline, refs: Iterator[Ref], checked: set[str]) -> Iterator[Finding]:
    """Check each object once; files whose names are ``checked`` were read already."""
    seen: set[str] = set()
    for ref in refs:
        known = ref.at is None and layout.data_object(ref.digest) in checked
        if known or ref.digest in seen:
            continue
        seen.add(ref.digest)
        try:
            timeline.object(ref.digest, ref.at)
        except CorruptError as error:
            yield _lost(timeline, ref, f"object {ref.digest[:12]}", error)
        else:
            where = "file" if ref.at is None else f"in commit {ref.at}"
            yield Finding(f"object {ref.digest[:12]}", ok=True, detail=where)
