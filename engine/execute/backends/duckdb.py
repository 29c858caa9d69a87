"""DuckDB as the local relational engine: a locked room that sees our relations and our SQL.

Layer: ``execute.backends``; with ``files`` beside it, the only importer of ``duckdb``.
Invariant: a connection can reach no file, no network, no extension and no Python variable, and its
configuration is locked; every row it sees comes through a ``Relation``.
Source: design notes on ``duckdb._sources`` (a private hook of the pinned 2.0 line): it alone lets a
scan state its exact row count and take over filters.
"""

from __future__ import annotations

import os
import re
import threading
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from duckdb._sources import nodes
from duckdb._sources.arrow import ArrowScanSource
from duckdb._sources.to_arrow import to_arrow
from typing_extensions import override

from engine.datatypes import parse_type
from engine.errors import CancelledError, GrizzlyError, UnsupportedError
from engine.execute.backends.base import BackendError
from engine.plan import ident
from engine.storage import And, Compare, In, IsNull, Not, Or

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.execute.backends.base import Parameters, Relation
    from engine.storage import Predicate

BATCH_ROWS = 122_880

NULL_TYPE = "NULL"
"""The type of a bare NULL, which DuckDB quotes; such a column is kept as INTEGER."""

_SANDBOX = """
SET GLOBAL TimeZone = 'UTC';
SET GLOBAL python_enable_replacements = false;
SET GLOBAL autoinstall_known_extensions = false;
SET GLOBAL autoload_known_extensions = false;
SET GLOBAL allow_community_extensions = false;
SET GLOBAL allow_persistent_secrets = false;
SET GLOBAL enable_external_access = false;
SET GLOBAL lock_configuration = true;
"""


class _Instance:
    """The one instance of a process, made when a statement first needs it; a fork makes its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = -1
        self._root: duckdb.DuckDBPyConnection | None = None

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Return a connection that sees the instance's settings, and nobody's relations but its own."""
        if self._process != os.getpid():
            self._lock, self._root = threading.Lock(), None
            self._process = os.getpid()
        with self._lock:
            if self._root is None:
                root = duckdb.connect(":memory:")
                root.execute(_SANDBOX)
                self._root = root
            return self._root.cursor()


_instance = _Instance()


class Stream:
    """An answer that is still being computed: names, SQL types, and batches on demand."""

    def __init__(self, backend: DuckDB, relation: duckdb.DuckDBPyRelation, *, shown: bool) -> None:
        """Bind only; nothing runs until ``batches`` is read. What is ``shown`` keeps numbers numbers."""
        self.columns: list[str] = list(relation.columns)
        self.types: list[str] = [str(t).replace('"NULL"', NULL_TYPE) for t in relation.types]
        self.schema = _schema(self.columns, self.types, shown=shown)
        self._backend = backend
        self._relation = _exactly(relation, self.types, shown=shown)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the answer.

        Raises: whatever the scan raised, else BackendError or CancelledError.
        """
        with self._backend.translated():
            reader = self._relation.to_arrow_reader(BATCH_ROWS)
        while True:
            with self._backend.translated():
                batch = next(reader, None)
            if batch is None:
                return
            yield pa.RecordBatch.from_arrays(
                [c.cast(f.type) for c, f in zip(batch.columns, self.schema, strict=True)],
                schema=self.schema,
            )


def _schema(columns: Sequence[str], types: Sequence[str], *, shown: bool) -> pa.Schema:
    pairs = zip(columns, types, strict=True)
    return pa.schema([pa.field(n, _wire_type(t, shown=shown)) for n, t in pairs])


def _exactly(
    relation: duckdb.DuckDBPyRelation, types: Sequence[str], *, shown: bool
) -> duckdb.DuckDBPyRelation:
    """Send columns that Arrow cannot carry exactly in their wire form."""
    wires = [None if shown and t == "HUGEINT" else _wire_text(t) for t in types]
    if not any(wires):
        return relation
    exprs = (f"CAST(#{i} AS {w})" if w else f"#{i}" for i, w in enumerate(wires, start=1))
    return relation.project(", ".join(f"{e} AS c{i}" for i, e in enumerate(exprs)))


def _wire_type(type_text: str, *, shown: bool) -> pa.DataType:
    if shown and type_text == "HUGEINT":
        # DuckDB sends all 128 bits, though the type promises only 38 digits.
        return pa.decimal128(38, 0)
    if type_text == NULL_TYPE:
        return pa.int32()
    try:
        return parse_type(type_text).wire
    except UnsupportedError:
        return pa.string()


def _wire_text(type_text: str) -> str | None:
    """Return the type a column must be cast to before it leaves, or None."""
    if type_text == NULL_TYPE:
        return None
    try:
        kind = parse_type(type_text)
    except UnsupportedError:
        return "VARCHAR"
    return kind.wire_text if kind.cast_on_read else None


class DuckDB:
    """One connection to the locked in-memory instance of this process.

    Cost: nothing before the first statement; then about 35 ms and 4 MB for the process, and 0.1 ms for
    each connection. One statement at a time.
    """

    def __init__(self) -> None:
        """Connect to nothing yet."""
        self._opened: duckdb.DuckDBPyConnection | None = None
        self._failures: list[GrizzlyError] = []
        self._names: list[str] = []
        self._views: list[str] = []
        self._functions: list[str] = []
        self._interrupted = threading.Event()

    @property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._opened is None:
            self._opened = _instance.connect()
        return self._opened

    def register(self, name: str, relation: Relation) -> None:
        """Show ``relation`` to queries as the table ``name`` until ``forget``."""
        self._connection._register_arrow_source(name, _Source(relation, self._failures))  # noqa: SLF001
        self._names.append(name)

    def forget(self) -> None:
        """Take back everything registered since the last call."""
        for name in reversed(self._views):
            self._connection.execute(f"DROP VIEW IF EXISTS {name}")
        for name in self._names:
            self._connection.unregister(name)
        self._views.clear()
        self._names.clear()

    def define_view(self, name: str, sql: str, columns: Sequence[str] = ()) -> None:
        """Show a query as the table ``name`` until ``forget``."""
        listed = f"({', '.join(ident(c) for c in columns)})" if columns else ""
        with self.translated():
            self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {name}{listed} AS {sql}")
        self._views.append(name)

    def stream(self, sql: str, params: Parameters = None, *, shown: bool = False) -> Stream:
        """Bind ``sql`` and return its answer unread; ``shown`` to people, or to be kept exactly."""
        self._failures.clear()
        self._interrupted.clear()
        with self.translated():
            relation = self._connection.sql(sql, params=self._wanted(sql, params))
            return Stream(self, relation, shown=shown)

    def names(self, sql: str) -> list[str]:
        """Return the names of a query's columns without running it, whatever its parameters are."""
        with self.translated():
            wanted = self._connection.extract_statements(sql)[0].named_parameters
            relation = self._connection.sql(sql, params=dict.fromkeys(wanted) or None)
            return list(relation.columns)

    def table(self, sql: str, params: Parameters = None) -> pa.Table:
        """Run ``sql`` and return its whole answer.

        Shape: the answer's columns in wire types.
        """
        stream = self.stream(sql, params)
        return pa.Table.from_batches(list(stream.batches()), schema=stream.schema)

    def explain(self, sql: str, params: Parameters = None, *, analyze: bool) -> str:
        """Return DuckDB's own plan for ``sql`` as text."""
        word = "EXPLAIN ANALYZE" if analyze else "EXPLAIN"
        with self.translated():
            wanted = self._wanted(sql, params)
            rows = self._connection.execute(f"{word} {sql}", wanted).fetchall()
        return "\n".join(str(row[-1]) for row in rows)

    def _wanted(self, sql: str, params: Parameters) -> dict[str, object] | None:
        """Return those parameters that this part of a statement uses; DuckDB refuses others."""
        if not params:
            return None
        wanted = self._connection.extract_statements(sql)[0].named_parameters
        return {name: params[name] for name in wanted if name in params} or None

    def functions(self) -> list[str]:
        """Return the names of all functions an expression may call; safe from any thread."""
        if not self._functions:
            sql = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_name ~ '^[a-z]'"
            found = self._connection.cursor().execute(sql).fetchall()
            self._functions = sorted(row[0] for row in found)
        return self._functions

    def interrupt(self) -> None:
        """Stop the running statement; safe from any thread."""
        self._interrupted.set()
        if self._opened is not None:
            self._opened.interrupt()

    def close(self) -> None:
        """Close the connection."""
        if self._opened is not None:
            self._opened.close()

    def translated(self) -> _Translated:
        """Return a context in which DuckDB's exceptions become ours."""
        return _Translated(self._failures, self._interrupted.is_set)


class _Translated:
    """Turns what DuckDB raises into what we raise; a failure inside our scan wins."""

    def __init__(self, failures: list[GrizzlyError], interrupted: Callable[[], bool]) -> None:
        self._failures = failures
        self._interrupted = interrupted

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, (GrizzlyError, StopIteration, GeneratorExit)):
            return
        if self._failures:
            raise self._failures[0] from None
        if isinstance(error, duckdb.InterruptException) or (
            self._interrupted() and isinstance(error, (duckdb.Error, OSError))
        ):
            raise CancelledError("cancelled") from None
        if isinstance(error, (duckdb.Error, pa.ArrowException, OSError)):
            raise _backend_error(error) from None


_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (duckdb.BinderException, "bind"),
    (duckdb.CatalogException, "catalog"),
    (duckdb.ParserException, "parse"),
    (duckdb.ConversionException, "convert"),
    (duckdb.OutOfRangeException, "range"),
    (duckdb.OutOfMemoryException, "memory"),
    (duckdb.PermissionException, "forbidden"),
    (duckdb.NotImplementedException, "unsupported"),
    (duckdb.InvalidInputException, "input"),
)

_PREFIX = re.compile(r"^[A-Z][A-Za-z ]* Error: ")
_QUOTED = re.compile(r"""["']([^"']+)["']""")


def _backend_error(error: Exception) -> BackendError:
    kind = next((name for cls, name in _KINDS if isinstance(error, cls)), "internal")
    text = _PREFIX.sub("", str(error))
    message = re.split(r"\n\s*\nLINE \d+:", text, maxsplit=1)[0].strip()
    return BackendError(kind, message, names=_QUOTED.findall(message))


class _Source(ArrowScanSource):
    """A ``Relation`` in the shape DuckDB's scan asks for."""

    schema_is_stable = True

    def __init__(self, relation: Relation, failures: list[GrizzlyError]) -> None:
        super().__init__(relation)
        self._relation = relation
        self._failures = failures

    def __arrow_c_schema__(self) -> object:
        return self._relation.schema.__arrow_c_schema__()

    @override
    def rows(self) -> int | None:
        return self._relation.rows()

    @override
    def accepts(self, predicate: nodes.Node) -> bool:
        """Take a filter only when it saves reading; DuckDB will not check it again."""
        ours = _predicate(predicate)
        try:
            if ours is None or not self._relation.prunes(ours):
                return False
        except GrizzlyError as error:
            self._failures.append(error)
            raise
        try:
            to_arrow(predicate, self._relation.schema)
        except nodes.Untranslatable:
            return False
        return True

    @override
    def stream(
        self, columns: Sequence[int] | None, filters: Sequence[nodes.Node]
    ) -> tuple[object, bool]:
        schema = self._relation.schema
        wanted = schema.names if columns is None else [schema.names[i] for i in columns]
        narrowed = pa.schema([schema.field(name) for name in wanted])
        prune = [ours for node in filters if (ours := _predicate(node)) is not None]
        exact = None
        for node in filters:
            one = to_arrow(node, schema)
            exact = one if exact is None else exact & one
        batches = self._guarded(self._relation.batches(wanted, prune, exact))
        reader = pa.RecordBatchReader.from_batches(narrowed, batches)
        return reader.__arrow_c_stream__(), columns is not None

    def _guarded(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Remember our own error, which DuckDB would flatten into text."""
        try:
            yield from batches
        except GrizzlyError as error:
            self._failures.append(error)
            raise


def _predicate(node: nodes.Node) -> Predicate | None:
    """Return ``node`` as a pruning predicate, or None where zone maps could not use it."""
    match node:
        case nodes.Binary(op="AND" | "OR" as op, left=left, right=right):
            a, b = _predicate(left), _predicate(right)
            if a is None or b is None:
                return None
            return And(a, b) if op == "AND" else Or(a, b)
        case nodes.Binary(op=op, left=nodes.Col(parts=(name,)), right=nodes.Lit(value=value)):
            return Compare(name, op, value)
        case nodes.In(operand=nodes.Col(parts=(name,)), values=values):
            literals = tuple(v.value for v in values if isinstance(v, nodes.Lit))
            return In(name, literals) if len(literals) == len(values) else None
        case nodes.Postfix(op=op, operand=nodes.Col(parts=(name,))):
            return IsNull(name) if op == "IS NULL" else Not(IsNull(name))
        case _:
            return None
