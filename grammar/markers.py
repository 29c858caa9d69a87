"""What the stock parser returned, finished: marker calls become nodes, names learn their quotes.

Layer: ``grammar``. Invariant: after ``finish`` no marker and no comment is left in the tree.
"""

from __future__ import annotations

from sqlglot import exp

from grammar.desugar.time import AS_OF, CHANGES, OPEN, SINCE
from grammar.timetravel import Between, Point, bare_point, set_as_of, set_between

DOUBLE_QUOTED = "dq"


def finish(root: exp.Expr, text: str) -> exp.Expr:
    """Read the markers of one tree back, in place."""
    for node in root.walk():
        node.comments = None
        if isinstance(node, exp.Identifier):
            _note_quotes(node, text)
        elif isinstance(node, exp.Table):
            _attach_time(node)
    return root


def _note_quotes(name: exp.Identifier, text: str) -> None:
    start = name.meta.get("start")
    if start is not None and name.args.get("quoted") and text[start : start + 1] == '"':
        name.meta[DOUBLE_QUOTED] = True


def _attach_time(table: exp.Table) -> None:
    when = table.args.get("when")
    if not isinstance(when, exp.HistoricalData):
        return
    marker = when.expression
    if not isinstance(marker, exp.Anonymous):
        return
    table.set("when", None)
    args = marker.expressions
    if marker.name == AS_OF:
        point = _point(args[0])
        if point is not None:
            set_as_of(table, point)
    elif marker.name in {SINCE, CHANGES}:
        since, until = _point(args[0]), _point(args[1])
        set_between(table, Between(since, until, full=marker.name == CHANGES))


def _point(marker: exp.Anonymous) -> Point | None:
    if marker.name == OPEN:
        return None
    kind, value = marker.expressions[0].name, marker.expressions[1]
    match kind:
        case "timestamp" if isinstance(value, exp.Literal) and value.is_int:
            return bare_point(value)
        case "timestamp" | "version" | "snapshot":
            return Point(kind, value)
        case _:
            return bare_point(value)
