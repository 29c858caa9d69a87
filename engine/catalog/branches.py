"""Branches: lines of history beside the main one, each an overlay of the state map.

Layer: ``catalog``, over ``timeline``. Invariant: a branch's state at any version is main's state at the
branch's base, changed by what stands below ``x/<branch>/`` at that version; nothing is ever copied.
Format page: ``grizzly-lake(5)``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.catalog.definitions import key_name, name_key
from engine.errors import BindError
from engine.proof.canonical import canonical
from engine.timeline import State, differing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping as Changes

    from engine.catalog.catalog import Mapping
    from engine.timeline import Commit, Timeline

MAIN_BRANCH = "main"
"""The name of the line that is no branch."""

GONE = b"null"
"""What an overlay holds for a key that the branch removed."""

_SHARED = ("b/", "gc/", "key/", "ref/", "x/", "y/")
"""Kinds of keys that are the lakehouse's, whatever the branch."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of history: state key ``b/<name>``.

    ``base`` is the version of main that the overlay lies over, ``since`` the commit that made the
    branch.
    """

    name: str
    base: int
    since: int

    @property
    def state_key(self) -> str:
        """The key of this definition in the state map."""
        return name_key("b", self.name)

    @property
    def overlay(self) -> str:
        """What the keys of the branch's own entries begin with in the state map."""
        return overlay_of(self.name)

    def encode(self) -> bytes:
        """Return the bytes stored in the state map."""
        return canonical({"base": self.base, "since": self.since})

    @classmethod
    def decode(cls, name: str, data: bytes) -> Branch:
        """Read what ``encode`` wrote."""
        value = json.loads(data)
        return cls(name, value["base"], value["since"])


def overlay_of(branch: str) -> str:
    """Return what the state keys of a branch's own entries begin with."""
    return f"{name_key('x', branch)}/"


class BranchState:
    """A branch's state map: its overlay, as it stands in ``state``, over its base."""

    def __init__(self, base: Mapping, state: State, branch: Branch) -> None:
        """Lay the overlay of ``branch`` in ``state`` over ``base``."""
        self.branch = branch
        self.base = base
        self._state = state
        self._prefix = branch.overlay

    def get(self, key: str) -> bytes | None:
        """Return the value at ``key`` on the branch, or None."""
        if key.startswith(_SHARED):
            return self._state.get(key)
        own = self._state.get(self._prefix + key)
        if own is None:
            return self.base.get(key)
        return None if own == GONE else own

    def items(self, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        """Yield the branch's entries whose key begins with ``prefix``, in key order."""
        if prefix.startswith(_SHARED):
            yield from self._state.items(prefix)
            return
        merged: dict[str, bytes] = dict(self.base.items(prefix))
        for key, value in self._state.items(self._prefix + prefix):
            merged[key[len(self._prefix) :]] = value
        for key in sorted(merged):
            if merged[key] != GONE:
                yield key, merged[key]

    def changes(self) -> dict[str, bytes | None]:
        """Return what the branch changed over its base; None for what it removed."""
        cut = len(self._prefix)
        found = self._state.items(self._prefix)
        return {key[cut:]: None if value == GONE else value for key, value in found}

    def differing(self, other: BranchState) -> set[str]:
        """Return the keys at which this state differs from another one of the same branch.

        Cost: the nodes of the lakehouse's state map that differ.
        """
        gone, come = differing(self._state, other._state)
        keys = gone.keys() | come.keys()
        own = {k[len(self._prefix) :] for k in keys if k.startswith(self._prefix)}
        return own | {k for k in keys if k.startswith(_SHARED) and not k.startswith("x/")}

    def stored(self, changes: dict[str, bytes | None]) -> dict[str, bytes | None]:
        """Return changes of the branch as changes of the lakehouse's own state map."""
        out: dict[str, bytes | None] = {}
        for key, value in changes.items():
            if key.startswith(_SHARED):
                out[key] = value
                continue
            same = self.base.get(key) == value
            out[self._prefix + key] = None if same else GONE if value is None else value
        return {k: v for k, v in out.items() if self._state.get(k) != v}


def branches(state: Mapping) -> list[Branch]:
    """Return every branch, by name."""
    return [Branch.decode(key_name(key), data) for key, data in state.items("b/")]


def branch_in(state: Mapping, name: str) -> Branch:
    """Return the branch called ``name``.

    Raises: BindError when there is none.
    """
    data = state.get(name_key("b", name))
    if data is None:
        raise BindError(
            f"there is no branch '{name}'", hint="SHOW BRANCHES lists them", code="TIME_006"
        )
    return Branch.decode(name, data)


def state_at(timeline: Timeline, version: int, branch: str | None = None) -> Mapping:
    """Return the state of main, or of a branch, after commit ``version``.

    This is the one way to a branch's past. Before a branch was made its history is main's, up to its
    base; what another branch of that name was before is no part of it. A commit touches a branch when it changes a key below ``overlay_of(branch)``, or the
    branch's own entry ``b/<branch>``, which moves its base when it is merged.

    Cost: as ``Timeline.state_at``, twice for a branch.
    Raises: BindError when there is no such branch; UsageError when there is no such version.
    """
    state = timeline.state_at(version)
    if branch is None:
        return state
    key = name_key("b", branch)
    data, now = state.get(key), timeline.head.state.get(key)
    found = None if data is None else Branch.decode(branch, data)
    if found is None or (now and Branch.decode(branch, now).since > version):
        return timeline.state_at(min(version, first_base(timeline, branch)))
    return BranchState(timeline.state_at(found.base), state, found)


def first_base(timeline: Timeline, name: str) -> int:
    """Return the base a branch had when it was made."""
    now = branch_in(timeline.head.state, name)
    then = timeline.state_at(now.since).get(now.state_key)
    return now.base if then is None else Branch.decode(name, then).base


def differing_on(
    a: Mapping, b: Mapping, prefix: str = ""
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the entries below ``prefix`` that only ``a`` has, and those that only ``b`` has.

    As ``timeline.differing``, for states of branches too.
    """
    if isinstance(a, State) and isinstance(b, State):
        return differing(a, b, prefix)
    mine, others = dict(a.items(prefix)), dict(b.items(prefix))
    return (
        {k: v for k, v in mine.items() if others.get(k) != v},
        {k: v for k, v in others.items() if mine.get(k) != v},
    )


def commits_on(
    timeline: Timeline, since: int, until: int, branch: str | None = None
) -> Iterator[tuple[Commit, Changes[str, bytes | None]]]:
    """Yield the commits in ``(since, until]`` that touched a branch, and what each changed on it.

    On main every commit counts, and so does every one of main's that a branch began with. A merge
    into main changes a branch too: to what main is then.
    """
    main = until if branch is None else min(until, first_base(timeline, branch))
    for commit in timeline.commits(since, main):
        yield commit, commit.changes
    if branch is None:
        return
    prefix, own = overlay_of(branch), name_key("b", branch)
    made = branch_in(timeline.head.state, branch).since
    for commit in timeline.commits(max(since, main, made - 1), until):
        found = {k[len(prefix) :]: v for k, v in commit.changes.items() if k.startswith(prefix)}
        if own in commit.changes or None in found.values():
            before, after = (state_at(timeline, v, branch) for v in (commit.seq - 1, commit.seq))
            gone, come = differing_on(before, after)
            yield commit, {**dict.fromkeys(gone), **come}
        elif found:
            yield commit, {k: None if v == GONE else v for k, v in found.items()}
