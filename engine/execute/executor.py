"""Runs one plan against one workspace.

Layer: ``execute``. Invariant: the backend is left as it was found: what a plan registers is taken back
when its answer is read, dropped, or fails.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from engine.analyze import TableSource
from engine.errors import UsageError
from engine.execute.backends.base import ArrowRelation
from engine.execute.backends.duckdb import DuckDB, Stream
from engine.execute.backends.files import FORMATS, ForeignFile, suffix_of, write_file
from engine.execute.changes import listed
from engine.execute.define import Definer
from engine.execute.direct import Direct
from engine.execute.keyed import KeyedWriter
from engine.execute.lake import Lake, Opened
from engine.execute.relations import Relations
from engine.execute.rows import Outcome, RowWriter
from engine.execute.surroundings import Surroundings
from engine.execute.upkeep.compact import compact, crowded, relayout, tidy
from engine.execute.upkeep.layouts import explained
from engine.execute.upkeep.optimize import Optimized, add_index, optimize, remove_index
from engine.execute.usage import Usage
from engine.plan import Export, RowWrite, Select, columns_sql, ident, stored_default

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from engine.analyze import Source
    from engine.catalog import Table
    from engine.catalog.arrangement import Clustering
    from engine.catalog.indexes import Index
    from engine.execute.backends.base import Parameters
    from engine.execute.define import Definition
    from engine.execute.ready import Ready
    from engine.execute.workspace import Workspace
    from engine.objectstore import Lease
    from engine.plan import Shape
    from engine.storage import TableScan


class Answer:
    """A query's rows, still to be read; reading to the end or ``close`` frees the backend."""

    def __init__(self, stream: Stream | Ready, close: Callable[[], None]) -> None:
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

    def __init__(
        self,
        lease: Lease | None = None,
        usage: Usage | None = None,
        opened: Opened | None = None,
    ) -> None:
        """Start the engine; ``lease`` tells others what this session reads, ``opened`` is shared."""
        self.backend = DuckDB()
        self.lease = lease
        self._opened = opened or Opened(Usage() if usage is None else usage)
        self._constants: dict[tuple[str, str], object] = {}

    def beside(self) -> Executor:
        """Return another engine, for another thread, with the same open files."""
        return Executor(None if self.lease is None else self.lease.another(), opened=self._opened)

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
        for source in plan.sources:
            if isinstance(source, TableSource):
                self._opened.usage.read(source.table.id)
        try:
            ready = listed(plan, self.lake(workspace))
            if ready is not None:
                return Answer(ready, relations.close)
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
            shown = self.backend.explain(plan.sql, params, analyze=analyze)
            names = {s.name: s.table.qualified for s in plan.sources if isinstance(s, TableSource)}
            scans = {names.get(name, name): scan for name, scan in relations.scans.items()}
            return "\n".join([*_pruned(scans), shown])

    def direct(self, shape: Shape, workspace: Workspace, schema: str) -> Direct:
        """Return a plain statement ready to be carried out without the relational engine."""
        return Direct(self.lake(workspace), schema, shape)

    def write_direct(
        self, shape: Shape, workspace: Workspace, schema: str, params: Sequence[Parameters]
    ) -> int | None:
        """Write a plain statement's rows into the workspace, once for each of the parameters.

        Shape: how many rows; None when the statement has to be planned.
        Raises: IntegrityError, CorruptError.
        """
        direct = self.direct(shape, workspace, schema)
        given = direct.rows(params)
        if given is not None and direct.table is not None:
            return self.add(direct.table, given, workspace, replace=direct.replaces)
        lake = self.lake(workspace)
        with closing(Relations(self.backend, lake)) as relations:
            return direct.remove(RowWriter(self.backend, relations, lake), params[0])

    def add(
        self,
        table: Table,
        rows: pa.Table,
        workspace: Workspace,
        *,
        replace: bool,
        kept: Sequence[str] = (),
    ) -> int:
        """Add rows of wire types to the workspace; with ``replace``, in the place of their keys.

        A row takes over the columns ``kept`` from the one that it replaces.
        Raises: IntegrityError, CorruptError.
        """
        lake = self.lake(workspace)
        self._opened.usage.wrote(table.id)
        with closing(Relations(self.backend, lake)) as relations:
            writer = RowWriter(self.backend, relations, lake)
            keyed = KeyedWriter(writer, lake, table, replace=replace, kept=kept)
            return keyed.write(rows.to_batches(), rows.schema)

    def conformed(self, table: Table, rows: pa.Table, workspace: Workspace) -> pa.Table:
        """Return rows, whose columns bear names of the table's, as all its columns in wire types.

        Values are converted as INSERT converts them; columns that are not given get their defaults.
        Raises: BackendError when a value does not fit.
        """
        with closing(Relations(self.backend, self.lake(workspace))):
            self.backend.register("_given", ArrowRelation(rows))
            names = {c.id: n for n in rows.column_names if (c := table.column(n)) is not None}
            values = {i: f"_given.{ident(n)}" for i, n in names.items()}
            return self.backend.table(f"SELECT {columns_sql(table, values)} FROM _given")  # noqa: S608

    def write(self, plan: RowWrite, workspace: Workspace, params: Parameters = None) -> Outcome:
        """Write rows into the workspace.

        Raises: IntegrityError, BackendError, CorruptError.
        """
        lake = self.lake(workspace)
        self._opened.usage.wrote(plan.target.table.id)
        with closing(Relations(self.backend, lake)) as relations:
            writer = RowWriter(self.backend, relations, lake)
            if plan.addressed:
                return writer.apply(plan, params)
            relations.make(plan.sources)
            keyed = KeyedWriter(writer, lake, plan.target.table, replace=plan.verb == "UPSERT")
            stream = self.backend.stream(plan.sql, params)
            # Checks are queries too, and the backend answers one at a time.
            batches = list(stream.batches()) if keyed.queries else stream.batches()
            return Outcome(keyed.write(batches, stream.schema), None)

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

    def relayout(self, workspace: Workspace) -> None:
        """Rewrite, before a commit, the files that their tables' policies want rewritten."""
        relayout(self.lake(workspace), self._opened.usage)

    def layout_of(self, table: Table, workspace: Workspace) -> str:
        """Return in words when a table's files are rewritten, and why so."""
        return explained(table, self.lake(workspace))

    def crowded(self, workspace: Workspace) -> set[str]:
        """Return the ids of tables that are to be compacted after this workspace's commit."""
        return crowded(workspace, self._opened.usage)

    def tidy(self, workspace: Workspace, ids: set[str]) -> None:
        """Compact tables in the workspace as their policies want it."""
        tidy(self.lake(workspace), self._opened.usage, ids)

    def optimize(
        self, workspace: Workspace, table: Table, by: Clustering, only: RowWrite | None
    ) -> Optimized:
        """Rewrite a table's files with like rows side by side; ``only`` those with rows it addresses.

        Raises: CorruptError, BackendError.
        """
        chosen = None
        lake = self.lake(workspace)
        if only is not None:
            with closing(Relations(self.backend, lake)) as relations:
                relations.make(only.sources)
                sql = f"SELECT DISTINCT _file FROM ({only.sql})"  # noqa: S608 - from a checked tree
                chosen = set(self.backend.table(sql)["_file"].to_pylist())
        return optimize(table, lake, self.backend, by, chosen)

    def add_index(self, workspace: Workspace, table: Table, index: Index) -> int:
        """Index the files that a table has; return how many got the index."""
        return add_index(table, self.lake(workspace), index)

    def remove_index(self, workspace: Workspace, table: Table, index: Index) -> None:
        """Take an index out of a table's files."""
        remove_index(table, self.lake(workspace), index)

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
        self._opened.usage.save()
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


def _pruned(scans: Mapping[str, TableScan]) -> Iterator[str]:
    """Yield what zone maps and indexes leave to be read of each table that was asked about."""
    for name, scan in scans.items():
        if not scan.asked:
            continue
        found = scan.pruning()
        if found.stripes_left == found.stripes and not found.indexes:
            continue
        used = f", by {', '.join(found.indexes)}" if found.indexes else ""
        yield (
            f"prunes {name}: {found.files_left} of {found.files} files,"
            f" {found.stripes_left} of {found.stripes} stripes, {found.rows_left:,} rows left{used}"
        )


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
