"""COPY from a file.

Layer: ``session``. Invariant: an import is an INSERT whose source is a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import IoError
from engine.execute import READERS, suffix_of
from engine.session.actions.rows import planned
from engine.session.frame import Call
from engine.session.result import Result
from grammar import nodes, parse

if TYPE_CHECKING:
    from engine.execute import Workspace


def import_file(call: Call[nodes.Copy], workspace: Workspace) -> Result:
    """Write the rows of a file into a table."""
    frame, node = call.frame, call.node
    path = str(node.source)
    form = node.options.get("format")
    reader = READERS.get(f".{form.lower()}" if form else suffix_of(path))
    if reader is None:
        raise IoError(
            f"the format of {path} is not known",
            subject=path,
            hint=f"name it: COPY '{path}' TO t (FORMAT csv); known: "
            + ", ".join(sorted(s[1:] for s in READERS)),
        )
    function = {"orc": "read_orc", "arrow": "read_arrow"}.get(reader, reader)
    planner = frame.planner("", workspace)
    options = planner.copy_options(node)
    if reader == "read_csv" and not node.columns:
        columns = frame.executor.columns_of(path, reader, options)
        options = {**planner.typed_option(node, columns), **options}
    query = planner.import_text(node, function, options)
    (statement,) = parse(query)
    result = planned(Call(frame, query, statement), workspace)
    return Result("COPY", count=result.count)
