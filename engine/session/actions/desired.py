"""APPLY SCHEMA: the lakehouse's definitions become those of a file.

Layer: ``session``. Invariant: one commit; what holds data is dropped only when the statement says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from engine.errors import IoError, UsageError
from engine.execute import Workspace
from engine.plan import left_over, steps_to
from engine.session.actions.rows import planned
from engine.session.actions.upkeep import create_index
from engine.session.frame import Call
from engine.session.result import Result, rows
from grammar import nodes, parse

if TYPE_CHECKING:
    from engine.catalog import Catalog
    from engine.session.frame import Frame

_DEFINITIONS = ("f/", "i/", "s/", "t/", "v/")


def apply_schema(call: Call[nodes.ApplySchema], workspace: Workspace) -> Result:
    """Alter, create and, with leave, drop until the definitions are those of the file.

    Raises: UsageError for a file that does more than define, IoError, and what an alteration raises.
    """
    node = call.node
    wanted = _wanted(call.frame, workspace, Path(node.path))
    now = workspace.catalog
    extra = [] if node.allow_drop else left_over(now, wanted)
    steps = steps_to(now, wanted, allow_drop=node.allow_drop)
    for _, step in steps if not node.dry_run else ():
        for statement in parse(step.sql):
            _define(Call(call.frame, step.sql, statement), workspace)
    shown = pa.table(
        {
            "name": pa.array([name for name, _ in steps], pa.string()),
            "change": pa.array([step.words for _, step in steps], pa.string()),
            "statement": pa.array([step.sql for _, step in steps], pa.string()),
        }
    )
    result = rows(shown, "APPLY", ["VARCHAR"] * shown.num_columns)
    if extra:
        result.notes.append(
            f"kept, though the file lacks it: {', '.join(extra)}; ALLOW DROP drops it"
        )
    if node.dry_run:
        result.notes.append("dry run: nothing was changed")
    return result


def _wanted(frame: Frame, workspace: Workspace, path: Path) -> Catalog:
    """Run the file's definitions where nothing is defined yet."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise IoError(f"cannot read {path}: {error.strerror}", subject=str(path)) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text") from error
    empty = Workspace(workspace.timeline, workspace.base, workspace.version)
    for kind in _DEFINITIONS:
        for key, _ in list(empty.items(kind)):
            empty.put(key, None)
    for statement in parse(text):
        inner = Call(frame, text, statement)
        if not isinstance(statement, (nodes.Define, nodes.Alter, nodes.CreateIndex)):
            word = inner.written.split(None, 1)[0].upper()
            raise UsageError(
                f"{path.name} holds more than definitions: {word}", hint="CREATE, ALTER, COMMENT ON"
            )
        _define(inner, empty)
    return empty.catalog


def _define(call: Call[nodes.Statement], workspace: Workspace) -> None:
    if isinstance(call.node, nodes.CreateIndex):
        create_index(Call(call.frame, call.text, call.node), workspace)
    else:
        planned(call, workspace)
