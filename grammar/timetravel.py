"""Points and ranges of time attached to table references.

Layer: ``grammar``. Invariant: a table carries its time in sqlglot's own ``version`` argument, so
copying, walking and rewriting a tree keep it; nothing outside this module reads that argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, cast

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Mapping

PointKind = Literal["timestamp", "version", "snapshot", "watermark", "branch"]
Shape = Literal["full", "net", "final"]
"""FULL: every commit's changes. NET: the first and the last image of each row that is not what it
was. Final, which SINCE gives: as NET, without the first images."""

_AS_OF = "AS OF"
_RANGES: Mapping[str, Shape] = {"CHANGES": "full", "NET CHANGES": "net", "SINCE": "final"}
_SPELLED = {shape: spelled for spelled, shape in _RANGES.items()}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_SECONDS_FROM = 1_000_000_000
_EPOCH_MILLISECONDS_FROM = 1_000_000_000_000


@dataclass(frozen=True)
class Point:
    """A moment of the timeline, as written: the expression is constant but not yet evaluated."""

    kind: PointKind
    expr: exp.Expr


@dataclass(frozen=True)
class AsOf:
    """The state of a table at a point."""

    point: Point


@dataclass(frozen=True)
class Between:
    """The changes of a table in ``(since, until]``."""

    since: Point | None
    until: Point | None
    shape: Shape


def bare_point(expr: exp.Expr) -> Point:
    """Give the point a value without a keyword means.

    A number below a thousand million is a version, above it seconds, and from thirteen digits on
    milliseconds since 1970, UTC. Anything else is a timestamp.
    """
    if not (isinstance(expr, exp.Literal) and expr.is_int):
        return Point("timestamp", expr)
    number = int(expr.this)
    if number < _EPOCH_SECONDS_FROM:
        return Point("version", expr)
    scale = 1_000 if number >= _EPOCH_MILLISECONDS_FROM else 1
    moment = _EPOCH + timedelta(microseconds=number * (1_000_000 // scale))
    text = exp.Literal.string(moment.isoformat(sep=" "))
    text.meta.update(expr.meta)
    return Point("timestamp", exp.cast(text, exp.DType.TIMESTAMPTZ))


def set_as_of(table: exp.Table, point: Point) -> None:
    """Attach the state at a point to a table reference."""
    table.set("version", exp.Version(this=_AS_OF, kind=point.kind, expression=point.expr))


def set_between(table: exp.Table, time: Between) -> None:
    """Attach a range of changes to a table reference."""
    bounds = exp.Tuple(expressions=[_bound(time.since), _bound(time.until)])
    spelled = _SPELLED[time.shape]
    table.set("version", exp.Version(this=spelled, kind="range", expression=bounds))


def time_of(table: exp.Table) -> AsOf | Between | None:
    """Give the time attached to a table reference, if any."""
    version = table.args.get("version")
    if not isinstance(version, exp.Version):
        return None
    if version.this == _AS_OF:
        return AsOf(_point(version))
    since, until = (_optional(bound) for bound in version.expression.expressions)
    return Between(since, until, _RANGES[version.this])


def clear_time(table: exp.Table) -> None:
    """Detach the time from a table reference."""
    table.set("version", None)


def _bound(point: Point | None) -> exp.Expr:
    if point is None:
        return exp.Null()
    return exp.Version(this=_AS_OF, kind=point.kind, expression=point.expr)


def _optional(node: exp.Expr) -> Point | None:
    return _point(node) if isinstance(node, exp.Version) else None


def _point(version: exp.Version) -> Point:
    return Point(cast("PointKind", version.args["kind"]), version.expression)
