"""The kinds of proofs about commits and states: what each holds, and what follows from it.

Layer: ``engine.proof``. Invariant: each check returns facts that it computed from what was proved.
Format: grizzly-proof(5).
"""

from __future__ import annotations

import hashlib
import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from engine.proof import fields, opening
from engine.proof.canonical import canonical
from engine.proof.errors import ProofError
from engine.proof.tree import verify_consistency

if TYPE_CHECKING:
    from engine.proof.anchor import Anchor
    from engine.proof.leaf import Leaf
    from engine.proof.opening import Opening

_TABLE: Final = re.compile(r"[0-9a-z]{1,32}", re.ASCII)

Fields = dict[str, Any]
Facts = dict[str, Any]


def commit(bundle: Fields, _anchor: Anchor, leaf: Leaf) -> Facts:
    """Check the meta of a commit: who made it, and why."""
    meta = bundle["meta"]
    if not isinstance(meta, dict) or hashlib.sha256(canonical(meta)).digest() != leaf.meta:
        raise ProofError("meta is not the one that the leaf names")
    return {"meta": {name: fields.text(value) for name, value in meta.items()}}


def consistency(bundle: Fields, anchor: Anchor) -> Facts:
    """Check that each of some earlier trees begins the next, and the last the signed one."""
    trees = [fields.record(tree, ("root", "size")) for tree in fields.array(bundle["trees"])]
    paths = [fields.hashes(path) for path in fields.array(bundle["paths"])]
    if not trees or len(paths) != len(trees):
        raise ProofError("a consistency proof has a path for each tree, and at least one")
    known = [(fields.number(tree["size"]), fields.one_hash(tree["root"])) for tree in trees]
    known.append((anchor.checkpoint.size, anchor.checkpoint.root))
    for ((old, old_root), (new, new_root)), path in zip(pairwise(known), paths, strict=True):
        verify_consistency(old, new, old_root, new_root, path)
    return {"trees": [{"root": root.hex(), "size": size} for size, root in known[:-1]]}


def shown(tree: object, leaf: Leaf, shared: list[bytes] | None = None) -> Opening:
    """Return what is shown of the state after a commit.

    Raises: ProofError.
    """
    found = opening.read(tree, shared or [])
    if found.root != leaf.state_root:
        raise ProofError("the state is not the one after the commit")
    return found


def state(bundle: Fields, _anchor: Anchor, leaf: Leaf) -> Facts:
    """Check what the state holds at some keys, and between which keys it holds nothing."""
    tokens = shown(bundle["state"], leaf).tokens
    found = [token for token in tokens if isinstance(token, tuple)]
    gaps: list[list[str | None]] = []
    ends = (b"", b"")
    for left, right in pairwise([ends, *tokens, ends]):
        if isinstance(left, tuple) and isinstance(right, tuple):
            gaps.append([token[0].decode("ascii") or None for token in (left, right)])
    return {
        "entries": {key.decode("ascii"): value.decode("utf-8") for key, value in found},
        "nothing_between": gaps,
    }


def parse_json(value: bytes) -> Any:
    """Return what a value of the state map says.

    Raises: ProofError.
    """
    try:
        # A float is none of what is asked for; as text it cannot become too large a number either.
        return json.loads(value, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise ProofError("a value of the state is not JSON") from error


def table_id(value: object) -> str:
    """Return a table's identifier.

    Raises: ProofError.
    """
    spelled = fields.text(value)
    if not _TABLE.fullmatch(spelled):
        raise ProofError("malformed identifier of a table")
    return spelled


def definition(found: Opening, identifier: str) -> Facts:
    """Return a table's definition.

    Raises: ProofError, when there is no such table.
    """
    value = found.get(f"t/{identifier}")
    if value is None:
        raise ProofError("there is no such table")
    parsed = parse_json(value)
    if not isinstance(parsed, dict):
        raise ProofError("the table's definition is malformed")
    return parsed


def name_of(table: Facts) -> str:
    """Return a table's name, with its schema."""
    return f"{table.get('schema')}.{table.get('name')}"


def table(bundle: Fields, _anchor: Anchor, leaf: Leaf) -> Facts:
    """Check that certain files, all of them, are a table."""
    identifier = table_id(bundle["table"])
    found = shown(bundle["state"], leaf)
    defined = definition(found, identifier)
    files = found.within(*opening.prefix_range(f"f/{identifier}/"))
    return {
        "table": name_of(defined),
        "id": identifier,
        "files": [file_fact(key, value) for key, value in files],
    }


def file_fact(key: bytes, value: bytes) -> Facts:
    """Return what the state says of a data file: its SHA-256, size and rows, and how many are live.

    Raises: ProofError.
    """
    entry = parse_json(value)
    try:
        dead = entry["marks"][0] if "marks" in entry else 0
        return {
            "file": key.decode("ascii").rpartition("/")[2],
            "sha256": str(entry["data"][0]),
            "in_commit": entry["data"][1] if len(entry["data"]) > 1 else None,
            "bytes": int(entry["bytes"]),
            "rows": int(entry["rows"]),
            "live": int(entry["rows"]) - int(dead),
        }
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ProofError("an entry of a data file is malformed") from error


def changes(bundle: Fields, anchor: Anchor, leaf: Leaf) -> Facts:
    """Check what differs in a table between the states after two commits, and that nothing else does."""
    since = fields.record(bundle["since"], ("leaf", "path"))
    earlier, _ = anchor.commit(since["leaf"], since["path"])
    if earlier.seq >= leaf.seq:
        raise ProofError("the commits are not in order")
    identifier = table_id(bundle["table"])
    shared = fields.hashes(bundle["shared"])
    name: str | None = None
    before = shown(bundle["before"], earlier, shared)
    after = shown(bundle["state"], leaf, shared)
    first, limit = opening.prefix_range(f"f/{identifier}/")
    old, kept = _split(before, first, limit)
    new, kept_too = _split(after, first, limit)
    if kept != kept_too or kept != list(range(len(shared))):
        raise ProofError("the states differ in more than is shown")
    for state, entries in ((before, old), (after, new)):
        defined = state.get(f"t/{identifier}")
        if defined is not None:
            entries[f"t/{identifier}"] = defined.decode("utf-8")
            name = name_of(definition(state, identifier))
    if name is None:
        raise ProofError("there is no such table")
    changed = [
        {"key": key, "before": old.get(key), "after": new.get(key)}
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]
    return {"table": name, "id": identifier, "since": earlier.seq, "entries": changed}


def _split(found: Opening, first: bytes, limit: bytes) -> tuple[dict[str, str], list[int]]:
    """Return the entries of a range and the shared hashes between them."""
    entries: dict[str, str] = {}
    kept: list[int] = []
    for token in found.between(first, limit):
        if token is None:
            raise ProofError("the states are not shown whole")
        if isinstance(token, int):
            kept.append(token)
        else:
            entries[token[0].decode("ascii")] = token[1].decode("utf-8")
    return entries, kept
