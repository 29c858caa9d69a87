"""Files of other formats, read and written by a second DuckDB that sees files and nothing else.

Layer: ``execute.backends``. Invariant: the only SQL it runs is made here, around one quoted path; text
a user wrote never reaches it. The instance that runs users' queries cannot open files at all.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
from pyarrow import ipc

from engine.datatypes import parse_type
from engine.errors import ExecutionError, GrizzlyError, IoError, UnsupportedError
from engine.execute.backends.duckdb import BATCH_ROWS
from engine.plan import ident, literal
from engine.storage import read_orc, write_orc

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow.compute as pc

    from engine.storage import Predicate

READERS = {
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".txt": "read_csv",
    ".json": "read_json",
    ".jsonl": "read_json",
    ".ndjson": "read_json",
    ".parquet": "read_parquet",
    ".orc": "orc",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
"""Which reader takes a file, by its suffix (``.csv.gz`` counts as ``.csv``)."""

_OPTION = re.compile(r"[a-z_][a-z0-9_]*\Z")
_DELIMITERS = ",;\t|"


def suffix_of(path: str) -> str:
    """Return the suffix that says the format, looking through ``.gz`` and ``.zst``."""
    name = path.lower()
    for packed in (".gz", ".zst"):
        name = name.removesuffix(packed)
    return Path(name).suffix


class ForeignFile:
    """A file in a foreign format, as a relation that can be read again and again.

    Shape: the file's columns in wire types. Raises: IoError, ExecutionError with the line at fault.
    """

    def __init__(self, path: str, reader: str, options: Mapping[str, str]) -> None:
        """Look at the file's head to learn its columns; ``options`` are SQL literals by name."""
        self.path = path
        self._connection = duckdb.connect(":memory:")
        self._connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = true")
        self._table: pa.Table | None = None
        if reader in ("orc", "arrow"):
            self._table = _read_arrow(path, reader)
            self.columns = list(self._table.column_names)
            self.types = self._types_of(self._table)
            self.schema = self._table.schema
            return
        self._call = _call(reader, path, options)
        self._probe(reader, options)

    def rows(self) -> int | None:
        """Return the row count where the format states it."""
        return None if self._table is None else int(self._table.num_rows)

    def prunes(self, predicate: Predicate) -> bool:  # noqa: ARG002 - foreign files are read whole
        """Return False: foreign files carry no statistics of ours."""
        return False

    def batches(
        self,
        columns: Sequence[str],
        prune: Sequence[Predicate],  # noqa: ARG002 - foreign files are read whole
        filter: pc.Expression | None,  # noqa: A002, ARG002 - never offered, as nothing is pruned
    ) -> Iterator[pa.RecordBatch]:
        """Yield ``columns`` of every row, in the file's order."""
        schema = pa.schema([self.schema.field(name) for name in columns])
        if self._table is not None:
            yield from self._table.select(columns).to_batches(max_chunksize=BATCH_ROWS)
            return
        by_name = dict(zip(self.columns, self.types, strict=True))
        exprs = [_wire_expression(name, by_name[name]) for name in columns]
        cursor = self._connection.cursor()
        try:
            sql = f"SELECT {', '.join(exprs) or '1'} FROM {self._call}"  # noqa: S608 - see invariant
            for batch in cursor.sql(sql).to_arrow_reader(BATCH_ROWS):
                yield pa.RecordBatch.from_arrays(
                    [column.cast(f.type) for column, f in zip(batch.columns, schema, strict=True)],
                    schema=schema,
                )
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise _file_error(self.path, error) from None
        finally:
            cursor.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _probe(self, reader: str, options: Mapping[str, str]) -> None:
        if reader == "read_csv" and "skip" not in options:
            # Left to itself the sniffer takes ragged lines at the start for a preamble.
            self._call = _call(reader, self.path, {**options, "skip": "0"})
        try:
            relation = self._connection.sql(f"SELECT * FROM {self._call}")  # noqa: S608 - see invariant
            self.columns = list(relation.columns)
            self.types = [str(t) for t in relation.types]
            if reader == "read_csv" and len(self.columns) == 1 and "delim" not in options:
                self._insist_on_delimiter()
        except duckdb.Error as error:
            raise _file_error(self.path, error) from None
        self.schema = pa.schema(
            [
                pa.field(name, parse_type(text).wire)
                for name, text in zip(self.columns, self.types, strict=True)
            ]
        )

    def _insist_on_delimiter(self) -> None:
        """A ragged CSV must fail: the sniffer would fall back to one column holding whole lines."""
        delimiter = next((d for d in _DELIMITERS if d in self.columns[0]), None)
        if delimiter is not None and Path(self.path).is_file():
            raise _ragged(self.path, delimiter)

    def _types_of(self, table: pa.Table) -> list[str]:
        relation = self._connection.from_arrow(table.schema.empty_table())
        return [str(t) for t in relation.types]


def write_file(
    batches: Iterator[pa.RecordBatch],
    schema: pa.Schema,
    target: str,
    form: str,
    options: Mapping[str, str] | None = None,
) -> int:
    """Write rows to ``target`` in the format ``form`` and return how many there were.

    ``options`` are SQL literals by name. Cost: rows stream through, but for ORC, which is gathered
    first. Raises: IoError, UnsupportedError, and whatever ``batches`` raises.
    """
    if form not in _WRITERS:
        raise UnsupportedError(
            f"cannot write the format '{form}'", hint=f"one of: {', '.join(sorted(_WRITERS))}"
        )
    known, writer = _WRITERS[form]
    for name in options or {}:
        if name not in known:
            raise UnsupportedError(
                f"'{name}' is not an option of writing {form}",
                hint=f"the options are: {', '.join(sorted(known))}" if known else None,
            )
    failures: list[GrizzlyError] = []
    reader = pa.RecordBatchReader.from_batches(schema, _remembering(batches, failures))
    try:
        return writer(reader, target, options or {})
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if failures:
            raise failures[0] from None
        raise IoError(f"cannot write {target}: {_first_line(error)}", subject=target) from None


def _remembering(
    batches: Iterator[pa.RecordBatch], failures: list[GrizzlyError]
) -> Iterator[pa.RecordBatch]:
    """Keep our own error, which the writer would flatten into text."""
    try:
        yield from batches
    except GrizzlyError as error:
        failures.append(error)
        raise


Writer = Callable[[pa.RecordBatchReader, str, "Mapping[str, str]"], int]


def _write_duckdb(form: str, **defaults: str) -> Writer:
    def write(reader: pa.RecordBatchReader, target: str, options: Mapping[str, str]) -> int:
        chosen = {**defaults, **options}
        listed = "".join(f", {name} {value}" for name, value in chosen.items())
        with duckdb.connect(":memory:") as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.register("rows", reader)
            sql = f"COPY (FROM rows) TO {literal(target)} (FORMAT {form}{listed})"
            row = connection.execute(sql).fetchone()
            return int(row[0]) if row else 0

    return write


def _write_ipc(reader: pa.RecordBatchReader, target: str, _: Mapping[str, str]) -> int:
    count = 0
    with pa.OSFile(target, "wb") as sink, ipc.new_file(sink, reader.schema) as out:
        for batch in reader:
            out.write_batch(batch)
            count += batch.num_rows
    return count


def _write_orc(reader: pa.RecordBatchReader, target: str, _: Mapping[str, str]) -> int:
    table = reader.read_all()
    write_orc(table, target)
    return int(table.num_rows)


_CSV_OPTIONS = frozenset(
    {
        "dateformat",
        "delim",
        "escape",
        "force_quote",
        "header",
        "nullstr",
        "quote",
        "timestampformat",
    }
)
_WRITERS: dict[str, tuple[frozenset[str], Writer]] = {
    "arrow": (frozenset(), _write_ipc),
    "csv": (_CSV_OPTIONS, _write_duckdb("csv", header="true")),
    "json": (frozenset(), _write_duckdb("json", array="true")),
    "jsonl": (frozenset(), _write_duckdb("json")),
    "orc": (frozenset(), _write_orc),
    "parquet": (
        frozenset({"compression", "row_group_size"}),
        _write_duckdb("parquet", compression="zstd"),
    ),
    "tsv": (_CSV_OPTIONS, _write_duckdb("csv", header="true", delim="'\t'")),
}
"""The options each format takes, and what writes it."""

FORMATS = {
    ".arrow": "arrow",
    ".csv": "csv",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".orc": "orc",
    ".parquet": "parquet",
    ".tsv": "tsv",
}
"""Which format a file is written in, by its suffix."""


def _call(reader: str, path: str, options: Mapping[str, str]) -> str:
    parts = [literal(path)]
    for name, value in options.items():
        if not _OPTION.match(name):
            raise UnsupportedError(f"'{name}' is not an option of {reader}")
        parts.append(f"{name} = {value}")
    return f"{reader}({', '.join(parts)})"


def _read_arrow(path: str, reader: str) -> pa.Table:
    if not Path(path).is_file():
        raise IoError(f"no such file: {path}", subject=path)
    try:
        if reader == "orc":
            return read_orc(path)
        with pa.memory_map(path) as source:
            return ipc.open_file(source).read_all()
    except (pa.ArrowException, OSError) as error:
        raise IoError(f"cannot read {path}: {_first_line(error)}", subject=path) from None


def _wire_expression(name: str, type_text: str) -> str:
    quoted = ident(name)
    kind = parse_type(type_text)
    return f"CAST({quoted} AS {kind.wire_text}) AS {quoted}" if kind.cast_on_read else quoted


def _first_line(error: Exception) -> str:
    return re.sub(r"^[A-Z][A-Za-z ]* Error: ", "", str(error)).split("\n", 1)[0]


def _ragged(path: str, delimiter: str) -> ExecutionError:
    """Return an error that names the first line with another number of values than the header."""
    with Path(path).open(encoding="utf-8", errors="replace", newline="") as file:
        lines = csv.reader(file, delimiter=delimiter)
        width = len(next(lines))
        for row in lines:
            if row and len(row) != width:
                return ExecutionError(
                    f"{path}, line {lines.line_num}: {len(row)} values, "
                    f"but the header names {width} columns",
                    subject=path,
                    hint="mend that line, or read with FROM read_csv(…, ignore_errors = true)",
                    code="IO_004",
                )
    return ExecutionError(
        f"the columns of {path} cannot be told apart",
        subject=path,
        hint="name the delimiter: read_csv(…, delim = ';')",
        code="IO_004",
    )


_CSV = re.compile(r"CSV Error on Line: (\d+)\n(?:Original Line: (.*)\n)?(.*)")


_CONVERSION = re.compile(
    r"Error when converting column \"(.+?)\"\. Could not convert string \"(.*?)\" to '(.+?)'"
)


def _file_error(path: str, error: Exception) -> IoError | ExecutionError:
    text = str(error)
    if isinstance(error, duckdb.IOException) and "No files found" in text:
        return IoError(
            f"no such file: {path}", subject=path, hint="check the path; it is relative to here"
        )
    found = _CSV.search(text)
    if found:
        line, original, what = found.groups()
        shown = f" ({original.strip()[:60]})" if original else ""
        bad = _CONVERSION.search(text)
        if bad:
            what = f"column {bad[1]}: '{bad[2]}' is not a value of type {bad[3]}"
        return ExecutionError(
            f"{path}, line {line}{shown}: {what.strip()}",
            subject=path,
            hint="mend that line, or read with FROM read_csv(…, ignore_errors = true)",
            code="IO_004",
        )
    return ExecutionError(f"cannot read {path}: {_first_line(error)}", subject=path, code="IO_004")
