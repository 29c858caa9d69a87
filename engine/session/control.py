"""Statements that change the session itself: transactions, settings, the schema in use.

Layer: ``session``. Invariant: none of these reads or writes rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.catalog import MAIN_BRANCH
from engine.errors import UnsupportedError, UsageError
from engine.session import branches, migrations, transactions, vacuuming
from engine.session.frame import SERIALIZABLE, SNAPSHOT
from engine.session.result import Result
from grammar import nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.session.frame import Frame
    from grammar.nodes import Statement

    Control = Callable[[Frame, Any], Result]

_OPTIONS = {
    "double_quotes": ("string", "identifier"),
    "isolation": (SERIALIZABLE, SNAPSHOT),
}
"""The settings, with the values that each may have, the default first."""


def set_option(frame: Frame, node: nodes.SetOption) -> Result:
    """Change a setting."""
    name, value = node.name.lower(), node.value.lower()
    if name == "branch":
        return branches.use(frame, nodes.UseBranch(node.span, node.value))
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
    if name == "branch":
        return branches.use(frame, nodes.UseBranch(node.span, MAIN_BRANCH))
    if name not in _OPTIONS:
        raise _unknown(node)
    frame.options[name] = _OPTIONS[name][0]
    return Result("SET")


def _unknown(node: nodes.SetOption | nodes.ResetOption) -> UnsupportedError:
    return UnsupportedError(
        f"there is no setting '{node.name}'",
        span=node.span,
        hint=f"the settings are: {', '.join(sorted([*_OPTIONS, 'branch']))}",
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
    nodes.Begin: transactions.begin,
    nodes.Commit: transactions.commit,
    nodes.MergeBranch: branches.merge,
    nodes.Migrate: migrations.migrate,
    nodes.Release: transactions.release,
    nodes.ResetOption: reset_option,
    nodes.Rollback: transactions.rollback,
    nodes.RollbackTo: transactions.rollback_to,
    nodes.Savepoint: transactions.savepoint,
    nodes.SetOption: set_option,
    nodes.Unvacuum: vacuuming.unvacuum,
    nodes.Use: use,
    nodes.UseBranch: branches.use,
    nodes.Vacuum: vacuuming.vacuum,
}
"""What each of these statements does."""
