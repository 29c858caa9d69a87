"""What a session keeps between its statements.

Layer: ``session``. Invariant: whoever runs a statement asks here what it reads, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from engine.catalog import Catalog, branch_in, state_at
from engine.execute import Reads, Workspace
from engine.plan import Planner
from grammar.nodes import Statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.clock import Clock
    from engine.execute import Executor, Parameters
    from engine.execute.workspace import Savepoint
    from engine.plan import Shape
    from engine.timeline import Head, Timeline

_CAUGHT_UP = 64
"""So many commits are taken into a known catalog; after more it is made anew."""

SNAPSHOT, SERIALIZABLE = "snapshot", "serializable"
"""The isolation of transactions: what was read is fixed; and what was read is also still so."""

_Node_co = TypeVar("_Node_co", bound=Statement, covariant=True)


@dataclass
class Frame:
    """The engine of a session, its lakehouse, its settings and its open transaction.

    ``pinned`` is the version that everything is read at, if it is not the newest.
    """

    executor: Executor
    timeline: Timeline
    clock: Clock
    pinned: int | None = None
    schema: str = "main"
    options: dict[str, str] = field(
        default_factory=lambda: {"double_quotes": "string", "isolation": SERIALIZABLE}
    )
    branch: str | None = None
    transaction: Workspace | None = None
    savepoints: list[tuple[str, Savepoint]] = field(default_factory=list)
    read_only: bool = False
    """Whether the open transaction may not write."""
    replayed: int | None = None
    """The version that did long ago what the open transaction asks for; it will write nothing."""

    upkeep: Callable[[Frame, set[str]], None] | None = None
    """What compacts crowded tables, by their ids, in the frame of a session."""
    _known: tuple[int, Catalog] | None = None
    """The newest version that statements read, and its catalog."""

    @property
    def version(self) -> int:
        """The version that statements read now."""
        if self.pinned is not None:
            return self.pinned
        return self.transaction.version if self.transaction else self.timeline.head.seq

    def hold(self) -> None:
        """Keep what the coming statement may read from being vacuumed, until ``let_go``."""
        if self.executor.lease is not None:
            self.executor.lease.hold(self.version)

    def let_go(self) -> None:
        """Hold nothing any more, unless a transaction is open."""
        if self.executor.lease is not None and self.transaction is None:
            self.executor.lease.release()

    def workspace(self, *, isolation: str | None = None) -> Workspace:
        """Return the open transaction's workspace, or a fresh one over what statements read now.

        A fresh one that is to be committed has an ``isolation``.
        Raises: BindError when the session's branch was dropped.
        """
        if self.transaction is not None:
            return self.transaction
        reads = Reads() if isolation == SERIALIZABLE else None
        timeline, branch = self.timeline, self.branch
        head = timeline.refresh()
        if self.pinned is not None:
            return Workspace(
                timeline, state_at(timeline, self.pinned, branch), self.pinned, branch=branch
            )
        if branch is None:
            catalog = self._catalog(head)
            return Workspace(timeline, head.state, head.seq, reads=reads, catalog=catalog)
        branch_in(head.state, branch)
        state = state_at(timeline, head.seq, branch)
        return Workspace(timeline, state, head.seq, branch=branch, reads=reads)

    def _catalog(self, head: Head) -> Catalog:
        """Return the catalog of the newest state: the one known before, with what came after it."""
        seq, catalog = self._known or (head.seq, Catalog(head.state))
        if 0 < head.seq - seq <= _CAUGHT_UP:
            changes = {
                key.decode("ascii"): value
                for record in self.timeline.records(seq + 1, head.seq)
                for key, value in record.changes
            }
            catalog = catalog.after(head.state, changes)
        elif head.seq != seq:
            catalog = Catalog(head.state)
        self._known = head.seq, catalog
        return catalog

    def begin(self, workspace: Workspace, *, read_only: bool) -> None:
        """Let statements work in ``workspace`` until ``end``."""
        self.transaction, self.read_only = workspace, read_only

    def end(self) -> None:
        """Let statements be commits of their own again."""
        self.transaction, self.read_only, self.replayed = None, False, None
        self.savepoints.clear()

    def planner(self, text: str, workspace: Workspace, params: Parameters = None) -> Planner:
        """Return a planner for a statement of ``text``, bound in ``workspace``."""
        return Planner(
            self.executor.around(workspace, self.schema, params),
            text,
            self.clock.token,
            lambda sources, sql: self.executor.arity(workspace, sources, sql),
        )


@dataclass(frozen=True)
class Call(Generic[_Node_co]):
    """One statement that is to be run: where, in which text, with which parameters."""

    frame: Frame
    text: str
    node: _Node_co
    params: Parameters = None
    shape: Shape | None = None
    many: tuple[Parameters, ...] = ()
    """The parameters, when the statement is to be run for each of them at once."""

    @property
    def written(self) -> str:
        """The statement as it was written."""
        return self.text[self.node.span.start : self.node.span.end]

    def planner(self, workspace: Workspace) -> Planner:
        """Return a planner for this statement, bound in ``workspace``."""
        return self.frame.planner(self.text, workspace, self.params)
