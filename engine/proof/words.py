"""What a verified proof says, in words.

Layer: ``engine.proof``. Invariant: text from a proof cannot steer a terminal: it is spelled in ASCII.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.proof.report import Report

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def describe(report: Report) -> list[str]:
    """Return the lines that tell what was proved, the first one most important."""
    lines = [f"verified: {headline(report)} of {report.origin}"]
    leaf, hashed = report.leaf, report.leaf_hash
    if leaf is not None and hashed is not None:
        lines += [f"time:     {_time(leaf.ts)}", f"leaf:     {hashed.hex()}"]
    lines.append(f"log:      {report.size} commits, root {report.root.hex()}")
    lines.append(f"key:      {report.vkey}" + (" (the expected one)" if report.pinned else ""))
    lines += [f"witness:  {name}" for name in report.witnesses]
    return [*lines, *details(report)]


def headline(report: Report) -> str:
    """Return in a few words what was proved."""
    facts, leaf = report.facts, report.leaf
    if leaf is None:
        return f"{len(facts['trees'])} earlier logs, each the beginning of the next and of this log"
    files, entries = len(facts.get("files", ())), len(facts.get("entries", ()))
    table, after = _plain(facts.get("table")), f"after commit {leaf.seq}"
    return {
        "commit": f"commit {leaf.seq} ({leaf.op})",
        "state": f"{entries} entries of the state {after}",
        "table": f"table {table} is {files} files, all shown, {after}",
        "changes": f"{entries} changed entries, all shown, of table {table} "
        f"from commit {facts.get('since')} to {leaf.seq}",
        "row": f"a row of table {table} {after}",
        "absent": f"no row with the key in table {table} {after}",
    }[report.kind]


def details(report: Report) -> list[str]:
    """Return what was proved, fact by fact."""
    return _FACTS[report.kind](report.facts)


def _time(microseconds: int) -> str:
    try:
        return (_EPOCH + datetime.timedelta(microseconds=microseconds)).isoformat()
    except OverflowError:
        return f"{microseconds} microseconds after 1970"


def _plain(value: object) -> str:
    return ascii(value)[1:-1] if isinstance(value, str) else ascii(value)


def _commit(facts: dict[str, Any]) -> list[str]:
    return [f"{_plain(name)}: {_plain(value)}" for name, value in sorted(facts["meta"].items())]


def _consistency(facts: dict[str, Any]) -> list[str]:
    return [f"begins with {tree['size']} commits, root {tree['root']}" for tree in facts["trees"]]


def _state(facts: dict[str, Any]) -> list[str]:
    lines = [f"{_plain(key)}: {_plain(value)}" for key, value in facts["entries"].items()]
    for left, right in facts["nothing_between"]:
        first = "the beginning" if left is None else _plain(left)
        lines.append(f"nothing between {first} and {'the end' if right is None else _plain(right)}")
    return lines


def _table(facts: dict[str, Any]) -> list[str]:
    return [
        f"{_plain(file['sha256'])}  {file['live']} of {file['rows']} rows, "
        + (
            f"{file['bytes']} bytes"
            if file["in_commit"] is None
            else f"in commit {file['in_commit']}"
        )
        for file in facts["files"]
    ]


def _changes(facts: dict[str, Any]) -> list[str]:
    lines = []
    for entry in facts["entries"]:
        if entry["before"] is not None:
            lines.append(f"- {_plain(entry['key'])}: {_plain(entry['before'])}")
        if entry["after"] is not None:
            lines.append(f"+ {_plain(entry['key'])}: {_plain(entry['after'])}")
    return lines


def _row(facts: dict[str, Any]) -> list[str]:
    return [f"{_plain(name)}: {_plain(value)}" for name, value in facts["row"].items()]


def _absent(facts: dict[str, Any]) -> list[str]:
    lines = [f"{_plain(name)}: {_plain(text)}" for name, text in facts["key"].items()]
    return [*lines, f"in none of {len(facts['files'])} files, which are all of the table"]


_FACTS = {
    "commit": _commit,
    "consistency": _consistency,
    "state": _state,
    "table": _table,
    "changes": _changes,
    "row": _row,
    "absent": _absent,
}
