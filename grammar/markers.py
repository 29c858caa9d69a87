"""What the stock parser returned, finished: marker calls become nodes, names learn their quotes.

Layer: ``grammar``. Invariant: after ``finish`` no marker and no comment is left in the tree.
"""

from __future__ import annotations

from sqlglot import exp

from grammar.desugar.functions import KEPT_NAME
from grammar.desugar.time import AS_OF, OPEN, SHAPES
from grammar.errors import ParseError
from grammar.spans import span_of
from grammar.timetravel import Between, Point, bare_point, set_as_of, set_between

DOUBLE_QUOTED = "dq"
FILE_PATH = "path"


def finish(root: exp.Expr, text: str) -> exp.Expr:
    """Read the markers of one tree back, in place."""
    for node in list(root.walk()):
        node.comments = None
        if isinstance(node, exp.Identifier):
            _note_quotes(node, text)
        elif isinstance(node, exp.Anonymous):
            _restore_name(node)
        elif isinstance(node, exp.Column):
            _read_default(node)
        elif isinstance(node, exp.JSONExtract):
            _unwrap(node)
        elif isinstance(node, exp.Table):
            _attach_time(node)
    return root


def _note_quotes(name: exp.Identifier, text: str) -> None:
    start = name.meta.get("start")
    if start is None or not name.args.get("quoted"):
        return
    if text[start : start + 1] == '"':
        name.meta[DOUBLE_QUOTED] = True
    elif text[start : start + 1] in {"'", "$"} and isinstance(name.parent, exp.Table):
        name.meta[FILE_PATH] = True


def _read_default(column: exp.Column) -> None:
    """``SET a = DEFAULT`` names no column, as DEFAULT is reserved."""
    name = column.this
    if not isinstance(name, exp.Identifier) or name.args.get("quoted") or column.table:
        return
    if name.name.upper() == "DEFAULT":
        column.replace(exp.var("DEFAULT"))


def _restore_name(call: exp.Anonymous) -> None:
    if isinstance(call.this, str) and call.this.startswith(KEPT_NAME):
        call.set("this", call.this.removeprefix(KEPT_NAME))


def _unwrap(extract: exp.JSONExtract) -> None:
    inner = extract.this
    if isinstance(inner, exp.Paren) and isinstance(inner.this, exp.Paren):
        extract.set("this", inner.this.this)


def _attach_time(table: exp.Table) -> None:
    when = table.args.get("when")
    if not isinstance(when, exp.HistoricalData):
        return
    marker = when.expression
    if not isinstance(marker, exp.Anonymous):
        return
    table.set("when", None)
    args = marker.expressions
    name = table.this
    if not isinstance(name, exp.Identifier) or name.meta.get(FILE_PATH):
        raise ParseError("only a table has a past", span=span_of(table))
    if marker.name == AS_OF:
        point = _point(args[0])
        if point is not None:
            set_as_of(table, point)
    elif marker.name in SHAPES:
        since, until = _point(args[0]), _point(args[1])
        set_between(table, Between(since, until, SHAPES[marker.name]))


def _point(marker: exp.Anonymous) -> Point | None:
    if marker.name == OPEN:
        return None
    kind, value = marker.expressions[0].name, marker.expressions[1]
    match kind:
        case "timestamp" if isinstance(value, exp.Literal) and value.is_int:
            return bare_point(value)
        case "timestamp" | "version" | "snapshot" | "watermark" | "branch":
            return Point(kind, value)
        case _:
            return bare_point(value)
