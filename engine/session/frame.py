"""What a session keeps between its statements.

Layer: ``session``. Invariant: whoever runs a statement asks here what it reads, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from engine.execute import Workspace
from engine.plan import Planner
from grammar.nodes import Statement

if TYPE_CHECKING:
    from engine.clock import Clock
    from engine.execute import Executor, Parameters
    from engine.timeline import Timeline

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
    options: dict[str, str] = field(default_factory=lambda: {"double_quotes": "string"})
    transaction: Workspace | None = None

    @property
    def version(self) -> int:
        """The version that statements read now."""
        if self.pinned is not None:
            return self.pinned
        return self.transaction.version if self.transaction else self.timeline.head.seq

    def workspace(self) -> Workspace:
        """Return the open transaction's workspace, or a fresh one over what statements read now."""
        if self.transaction is not None:
            return self.transaction
        head = self.timeline.refresh()
        if self.pinned is not None:
            return Workspace(self.timeline, self.timeline.state_at(self.pinned), self.pinned)
        return Workspace(self.timeline, head.state, head.seq)

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

    @property
    def written(self) -> str:
        """The statement as it was written."""
        return self.text[self.node.span.start : self.node.span.end]

    def planner(self, workspace: Workspace) -> Planner:
        """Return a planner for this statement, bound in ``workspace``."""
        return self.frame.planner(self.text, workspace, self.params)
