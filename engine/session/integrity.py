"""Verification of a whole lakehouse: the log and its objects, and what the states refer to.

Layer: ``session``. Invariant: every finding names the object; nothing is repaired here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.catalog import Catalog, FileEntry, taken
from engine.errors import BindError, CorruptError
from engine.objectstore import layout
from engine.timeline import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.catalog import Ref
    from engine.timeline import Timeline

__all__ = ["Finding", "signers", "verify"]


def verify(timeline: Timeline, table: str | None = None) -> Iterator[Finding]:
    """Check every hash and every reference, or only what one table's present state needs.

    Cost: reads everything it checks.
    """
    if table is not None:
        yield from _objects(timeline, _refs_of(timeline, table), set())
        return
    checked = set()
    for finding in timeline.verify():
        checked.add(finding.subject)
        yield finding
    try:
        yield from _objects(timeline, _all_refs(timeline), checked)
    except CorruptError as error:
        yield Finding(error.subject or "log", ok=False, detail=error.message)


def signers(timeline: Timeline) -> list[tuple[int, str]]:
    """Return the keys that sign this log: since which version, and the verifier key, oldest first."""
    found = []
    for _, data in timeline.refresh().state.items("key/"):
        value = json.loads(data)
        found.append((int(value["since"]), str(value["vkey"])))
    return sorted(found)


def _all_refs(timeline: Timeline) -> Iterator[Ref]:
    for commit in timeline.commits(-1):
        for key, value in commit.changes.items():
            if key.startswith("f/") and value is not None:
                yield from _refs(FileEntry.decode(key, value))


def _refs_of(timeline: Timeline, name: str) -> Iterator[Ref]:
    catalog = Catalog(timeline.refresh().state)
    found = [t for t in catalog.tables() if name.lower() in (t.name.lower(), t.qualified.lower())]
    if not found:
        raise BindError(f"there is no table '{name}'")
    for table in found:
        for entry in catalog.files(table):
            yield from _refs(entry)


def _refs(entry: FileEntry) -> Iterator[Ref]:
    yield from (r for r in (entry.data, entry.sidecar, entry.marks) if r is not None)


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
            missing = ref.at is None and timeline.store.size(layout.data_object(ref.digest)) is None
            plan = taken(timeline, ref.digest) if missing else None
            if plan is not None:
                detail = f"vacuumed by version {plan.version}"
                yield Finding(f"object {ref.digest[:12]}", ok=True, detail=detail)
                continue
            yield Finding(error.subject or ref.digest, ok=False, detail=error.message)
        else:
            where = "file" if ref.at is None else f"in commit {ref.at}"
            yield Finding(f"object {ref.digest[:12]}", ok=True, detail=where)
