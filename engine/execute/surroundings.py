"""What a statement is bound in: a workspace's names, the default schema, and the way to the past.

Layer: ``execute``. Invariant: a point in time resolves to one version, once; a state is never guessed.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.catalog import MAIN_BRANCH, Catalog, branch_in, state_at
from engine.errors import BindError, ExecutionError
from engine.execute.backends.base import BackendError
from engine.execute.backends.files import READERS, suffix_of
from engine.execute.moments import seconds_ago, versions_back
from grammar import span_of, suggest, to_duckdb

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.catalog import Snapshot, Watermark
    from engine.execute.backends.base import Parameters
    from engine.execute.backends.duckdb import DuckDB
    from engine.execute.workspace import Workspace
    from grammar import Span
    from grammar.timetravel import Point


@dataclass
class Surroundings:
    """Implements ``analyze.Surroundings`` over a workspace."""

    workspace: Workspace
    backend: DuckDB
    schema: str
    params: Parameters = None
    pin: Callable[[int], None] | None = None
    """Told every past version that is read, before anything of it is."""

    @property
    def catalog(self) -> Catalog:
        """The names as the workspace sees them."""
        return self.workspace.catalog

    @property
    def version(self) -> int:
        """The version the workspace began from."""
        return self.workspace.version

    def catalog_at(self, point: Point) -> Catalog:
        """Return the names at a point in time.

        Raises: BindError when the point is in the future or names nothing.
        """
        version = self.version_of(point)
        if version > self.workspace.version:
            raise BindError(
                f"there is no version {version} yet; the newest is {self.workspace.version}",
                span=span_of(point.expr),
                code="TIME_001",
            )
        if point.kind == "branch":
            name = None if _is_main(point) else str(point.expr.name)
            return Catalog(state_at(self.workspace.timeline, version, name))
        return Catalog(self.workspace.state_at(version))

    def version_of(self, point: Point) -> int:
        """Return the version a point in time stands for.

        Raises: BindError, ExecutionError when its expression has no such value.
        """
        version = self._version_of(point)
        if self.pin is not None:
            self.pin(version)
        return version

    def _version_of(self, point: Point) -> int:
        span = span_of(point.expr)
        if point.kind == "snapshot":
            return self._snapshot(str(point.expr.name), span).version
        if point.kind == "watermark":
            return self._watermark(str(point.expr.name), span).version
        if point.kind == "branch":
            if not _is_main(point):
                branch_in(self.workspace.timeline.head.state, str(point.expr.name))
            return self.workspace.version
        return self._counted(point, span)

    def _counted(self, point: Point, span: Span | None) -> int:
        """Return the version of a number, of a time, or so many before the newest."""
        if point.kind == "version" and point.expr.key == "literal" and point.expr.is_int:
            return int(point.expr.name)
        newest = self.workspace.version
        back = versions_back(point.expr.name) if point.expr.is_string else None
        if back is not None:
            if back > newest:
                raise BindError(
                    f"there are only {newest} versions before the newest",
                    span=span,
                    code="TIME_001",
                )
            return newest - back
        kind = "BIGINT" if point.kind == "version" else "TIMESTAMP WITH TIME ZONE"
        value = self._constant(point, kind)
        if isinstance(value, datetime.datetime):
            return self._at(value, span)
        if not isinstance(value, int) or value < 0:
            raise BindError("a version is a number from 0 on", span=span, code="TIME_001")
        return value

    def _at(self, moment: datetime.datetime, span: Span | None) -> int:
        version = self.workspace.timeline.seq_at(_microseconds(moment))
        if version < 0:
            raise BindError(
                f"the lakehouse did not exist yet at {moment.isoformat(sep=' ')}",
                span=span,
                hint="SHOW TIMELINE lists its commits",
                code="TIME_003",
            )
        return version

    def _snapshot(self, name: str, span: Span | None) -> Snapshot:
        found = self.catalog.snapshot(name)
        if found is None:
            best = suggest(name, [s.name for s in self.catalog.snapshots()])
            raise BindError(
                f"there is no snapshot '{name}'",
                span=span,
                hint=f"did you mean '{best}'?" if best else "SHOW SNAPSHOTS lists them",
                code="TIME_002",
            )
        return found

    def _watermark(self, name: str, span: Span | None) -> Watermark:
        found = self.catalog.watermark(name)
        if found is None:
            best = suggest(name, [w.name for w in self.catalog.watermarks()])
            raise BindError(
                f"there is no watermark '{name}'",
                span=span,
                hint=f"did you mean '{best}'?" if best else f"CREATE WATERMARK {name} ON a table",
                code="TIME_007",
            )
        return found

    def reader_of(self, path: str) -> str | None:
        """Return the reader for a file of this name, or None when it is no file's name."""
        return READERS.get(suffix_of(path))

    def _constant(self, point: Point, kind: str) -> object:
        sql = f"SELECT ({to_duckdb(point.expr)}) AS v"
        ago = seconds_ago(point.expr.name) if point.expr.is_string else None
        if ago is not None:
            sql = f"SELECT now() - to_seconds({ago}) AS v"
        if kind != "BIGINT":
            sql = f"SELECT CAST(v AS {kind}) AS v FROM ({sql})"  # noqa: S608 - from a checked tree
        try:
            return self.backend.table(sql, self.params)["v"][0].as_py()
        except BackendError as error:
            raise ExecutionError(
                f"this is not a point in time: {error.message.splitlines()[0]}",
                span=span_of(point.expr),
                hint="write a version, TIMESTAMP '2026-01-31 12:00:00', '2 hours ago', or SNAPSHOT 'name'",
                code="TIME_004",
            ) from None


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def _is_main(point: Point) -> bool:
    return str(point.expr.name).lower() == MAIN_BRANCH


def _microseconds(moment: datetime.datetime) -> int:
    return (moment - _EPOCH) // datetime.timedelta(microseconds=1)
