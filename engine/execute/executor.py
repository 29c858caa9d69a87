"""Runs one plan against one workspace.

Layer: ``execute``. Invariant: the backend is left as it was found: what a plan registers is taken back
when its answer is read, dropped, or fails.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.execute.backends.duckdb import DuckDB, Stream
from engine.execute.backends.files import FORMATS, ForeignFile, suffix_of, write_file
from engine.execute.compact import compact
from engine.execute.define import Definer
from engine.execute.lake import Lake, Opened
from engine.execute.relations import Relations
from engine.execute.rows import RowWriter
from engine.execute.surroundings import Surroundings
from engine.plan import Export, RowWrite, Select, stored_default

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from engine.analyze import Source
    from engine.catalog import Table
    from engine.execute.backends.base import Parameters
    from engine.execute.define import Definition
    from engine.execute.rows import Outcome
    from engine.execute.workspace import Workspace
    from engine.objectstore import Lease


class Answer:
    """A query's rows, still to be read; reading to the end or ``close`` frees the backend."""

    def __init__(self, stream: Stream, close: Callable[[], None]) -> None:
        """Take over the stream."""
        self.columns = stream.columns
        self.types = stream.types
        self.schema = stream.schema
        self.close = close
        self._stream = stream

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows.

        Raises: BackendError, CancelledError, CorruptError.
        """
        try:
            yield from self._stream.batches()
        finally:
            self.close()


class Executor:
    """One session's relational engine and its open files."""

    def __init__(self, lease: Lease | None = None) -> None:
        """Start the engine; ``lease`` tells others what this session reads."""
        self.backend = DuckDB()
        self.lease = lease
        self._opened = Opened()
        self._constants: dict[tuple[str, str], object] = {}

    def lake(self, workspace: Workspace) -> Lake:
        """Return the workspace with this session's open files."""
        return Lake(workspace, self._opened, self._constant)

    def around(self, workspace: Workspace, schema: str, params: Parameters = None) -> Surroundings:
        """Return what statements are bound in; points in time may be parameters."""
        return Surroundings(workspace, self.backend, schema, params, self._pin)

    def arity(self, workspace: Workspace, sources: Sequence[Source], sql: str) -> list[str]:
        """Return the names of a bound query's columns; nothing is read."""
        with closing(Relations(self.backend, self.lake(workspace))) as relations:
            relations.make(sources)
            return self.backend.names(sql)

    def query(self, plan: Select, workspace: Workspace, params: Parameters = None) -> Answer:
        """Bind a query and return its answer unread.

        Raises: BackendError, CorruptError, IoError.
        """
        relations = Relations(self.backend, self.lake(workspace))
        try:
            relations.make(plan.sources)
            return Answer(self.backend.stream(plan.sql, params, shown=True), relations.close)
        except BaseException:
            relations.close()
            raise

    def explain(
        self, plan: Select | RowWrite, workspace: Workspace, params: Parameters, *, analyze: bool
    ) -> str:
        """Return the backend's own plan as text; with ``analyze`` the query runs."""
        with closing(Relations(self.backend, self.lake(workspace))) as relations:
            relations.make(plan.sources)
            return self.backend.explain(plan.sql, params, analyze=analyze)

    def write(self, plan: RowWrite, workspace: Workspace, params: Parameters = None) -> Outcome:
        """Write rows into the workspace.

        Raises: IntegrityError, BackendError, CorruptError.
        """
        lake = self.lake(workspace)
        with closing(Relations(self.backend, lake)) as relations:
            return RowWriter(self.backend, relations, lake).apply(plan, params)

    def define(
        self, plan: Definition, workspace: Workspace, params: Parameters = None
    ) -> int | None:
        """Change definitions in the workspace; return the number of rows written, if any.

        Raises: BindError, IntegrityError, BackendError.
        """
        lake = self.lake(workspace)
        with closing(Relations(self.backend, lake)) as relations:
            writer = RowWriter(self.backend, relations, lake)
            return Definer(self.backend, relations, lake, writer).apply(plan, params)

    def export(self, plan: Export, workspace: Workspace, params: Parameters = None) -> int:
        """Write a query's rows to a file; return how many.

        Raises: IoError, BackendError.
        """
        answer = self.query(plan.query, workspace, params)
        return write_file(answer.batches(), answer.schema, plan.path, plan.form, plan.options)

    def compact(self, workspace: Workspace, tables: Iterable[Table]) -> int:
        """Merge files of tables in the workspace; return how many files went away."""
        lake = self.lake(workspace)
        return sum(compact(table, lake) for table in tables)

    def columns_of(self, path: str, reader: str, options: Mapping[str, str]) -> list[str]:
        """Return the names of a foreign file's columns.

        Raises: IoError, ExecutionError.
        """
        with closing(ForeignFile(path, reader, options)) as file:
            return file.columns

    def close(self) -> None:
        """Stop the engine."""
        if self.lease is not None:
            self.lease.close()
        self.backend.close()

    def _pin(self, version: int) -> None:
        if self.lease is not None:
            self.lease.pin(version)

    def _constant(self, sql: str, type_text: str) -> object:
        key = (sql, type_text)
        if key not in self._constants:
            found = self.backend.table(f"SELECT {stored_default(sql, type_text)} AS v")
            self._constants[key] = found["v"][0].as_py()
        return self._constants[key]


def format_of(path: str, option: str | None) -> str:
    """Return the format to write ``path`` in: the option, else by the suffix.

    Raises: UsageError when neither says.
    """
    form = option or FORMATS.get(suffix_of(path))
    if form is None:
        raise UsageError(
            f"the format of {path} is not known",
            subject=path,
            hint=f"name it: COPY t TO '{path}' (FORMAT csv), or end the name in one of "
            + ", ".join(FORMATS),
        )
    return form.lower()
