"""Statements that change the session itself: transactions, settings, the schema in use.

Layer: ``session``. Invariant: none of these reads or writes rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import TransactionError, UnsupportedError, UsageError
from engine.session import commits, vacuuming
from engine.session.result import Result
from grammar import nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.session.frame import Frame
    from grammar.nodes import Statement

    Control = Callable[[Frame, Any], Result]

_OPTIONS = {"double_quotes": ("string", "identifier")}
"""The settings, with the values that each may have, the default first."""


def begin(frame: Frame, node: nodes.Begin) -> Result:  # noqa: ARG001 - the signature of every control
    """Open a transaction."""
    if frame.transaction is not None:
        raise TransactionError("a transaction is open already", hint="COMMIT or ROLLBACK ends it")
    frame.transaction = frame.workspace()
    return Result("BEGIN")


def commit(frame: Frame, node: nodes.Commit) -> Result:  # noqa: ARG001
    """Keep the open transaction."""
    if frame.transaction is None:
        raise TransactionError("there is no transaction to commit", hint="BEGIN starts one")
    workspace, frame.transaction = frame.transaction, None
    if not workspace.dirty:
        return Result("COMMIT")
    made = commits.append(frame, workspace, "COMMIT", "transaction")
    commits.tidy(frame, workspace)
    return Result("COMMIT", version=made.seq)


def rollback(frame: Frame, node: nodes.Rollback) -> Result:  # noqa: ARG001
    """Drop the open transaction."""
    if frame.transaction is None:
        raise TransactionError("there is no transaction to roll back", hint="BEGIN starts one")
    frame.transaction = None
    return Result("ROLLBACK")


def set_option(frame: Frame, node: nodes.SetOption) -> Result:
    """Change a setting."""
    name, value = node.name.lower(), node.value.lower()
    allowed = _OPTIONS.get(name)
    if allowed is None:
        raise _unknown(node)
    if value not in allowed:
        raise UsageError(f"{name} cannot be '{node.value}'", hint=f"one of: {', '.join(allowed)}")
    frame.options[name] = value
    return Result("SET")


def reset_option(frame: Frame, node: nodes.ResetOption) -> Result:
    """Give a setting its default again."""
    name = node.name.lower()
    if name not in _OPTIONS:
        raise _unknown(node)
    frame.options[name] = _OPTIONS[name][0]
    return Result("SET")


def _unknown(node: nodes.SetOption | nodes.ResetOption) -> UnsupportedError:
    return UnsupportedError(
        f"there is no setting '{node.name}'",
        span=node.span,
        hint=f"the settings are: {', '.join(_OPTIONS)}",
    )


def use(frame: Frame, node: nodes.Use) -> Result:
    """Choose the schema that bare names belong to."""
    schemas = frame.workspace().catalog.schemas()
    if node.schema.lower() not in (s.lower() for s in schemas):
        raise UnsupportedError(
            f"there is no schema '{node.schema}'",
            span=node.span,
            hint=f"the schemas are: {', '.join(schemas)}",
        )
    frame.schema = node.schema.lower()
    return Result("USE")


CONTROLS: dict[type[Statement], Control] = {
    nodes.Begin: begin,
    nodes.Commit: commit,
    nodes.Rollback: rollback,
    nodes.SetOption: set_option,
    nodes.ResetOption: reset_option,
    nodes.Unvacuum: vacuuming.unvacuum,
    nodes.Use: use,
    nodes.Vacuum: vacuuming.vacuum,
}
"""What each of these statements does."""
