"""The Python door: ``import grizzly; db = grizzly.connect("shop")``.

Layer: above ``engine.session``. Invariant: PEP 249's names, and Arrow where rows are many; double
quotes mean identifiers here, as they do in every tool that writes SQL.

    import grizzly

    with grizzly.connect("shop") as db:
        db.execute("SELECT * FROM flights WHERE carrier = ?", ["UA"]).arrow()

PEP 249's exceptions are classes of their own here; each carries the engine's error as ``__cause__``,
and its ``code``, ``sqlstate`` and ``hint``.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, TypeVar

from engine import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    import pyarrow as pa

    from engine.session import Result, Session

__all__ = [
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Warning",
    "apilevel",
    "connect",
    "paramstyle",
    "threadsafety",
]

T = TypeVar("T")
_CONFLICT = errors.ConflictError.sqlstate

apilevel = "2.0"
threadsafety = 1
paramstyle = "qmark"


class Warning(Exception):  # noqa: A001, N818 - PEP 249's name
    """PEP 249: an important warning; never raised here."""


class Error(Exception):
    """PEP 249: the base of all errors.

    ``code`` and ``sqlstate`` name it, ``hint`` says what to do; each may be None.
    """

    code: str | None = None
    sqlstate: str | None = None
    hint: str | None = None


class InterfaceError(Error):
    """PEP 249: the door was used wrongly, for example after ``close``."""


class DatabaseError(Error):
    """PEP 249: the base of errors about the database."""


class DataError(DatabaseError):
    """PEP 249: a value is out of range or of the wrong type."""


class OperationalError(DatabaseError):
    """PEP 249: the lakehouse cannot be opened, read or written, or another writer was faster."""


class IntegrityError(DatabaseError):
    """PEP 249: a row breaks a constraint."""


class InternalError(DatabaseError):
    """PEP 249: bytes at rest are not what was written, or a proof is false."""


class ProgrammingError(DatabaseError):
    """PEP 249: the statement is wrong."""


class NotSupportedError(DatabaseError):
    """PEP 249: understood, and not offered."""


_CLASSES: tuple[tuple[type[errors.GrizzlyError], type[DatabaseError]], ...] = (
    (errors.UnsupportedError, NotSupportedError),
    (errors.LanguageError, ProgrammingError),
    (errors.UsageError, ProgrammingError),
    (errors.IntegrityError, IntegrityError),
    (errors.CancelledError, OperationalError),
    (errors.ExecutionError, DataError),
    (errors.CorruptError, InternalError),
    (errors.VerificationError, InternalError),
    (errors.GrizzlyError, OperationalError),
)


def connect(
    path: str | Path,
    *,
    read_only: bool = False,
    as_of: str | int | None = None,
    branch: str | None = None,
    create: bool = False,
) -> Connection:
    """Open the lakehouse or ``.gobi`` archive at ``path``, on a ``branch`` if one is named.

    ``as_of`` pins every read to a version, a snapshot or a moment. With ``create`` a lakehouse is made
    where there is none.
    Raises: OperationalError when there is none.
    """
    from engine.session import connect as open_session  # noqa: PLC0415 - importing this is cheap
    from engine.session import create_lake  # noqa: PLC0415

    with _translated():
        if create:
            create_lake(path)
        moment = str(as_of) if as_of is not None else None
        session = open_session(path, read_only=read_only, as_of=moment, branch=branch)
        session.options["double_quotes"] = "identifier"
        return Connection(session)


class Connection:
    """A session. Statements commit on their own unless BEGIN opened a transaction.

    As a context manager it commits an open transaction on success, rolls it back on an error, and
    closes.
    """

    def __init__(self, session: Session) -> None:
        """Wrap a session; ``connect`` is the way to get one."""
        self._session: Session | None = session

    def execute(
        self, sql: str, params: Sequence[object] | Mapping[str, object] | None = None
    ) -> Cursor:
        """Run statements and return a cursor on the last one's answer."""
        return self.cursor().execute(sql, params)

    def cursor(self) -> Cursor:
        """Return a new cursor."""
        return Cursor(self)

    def append(self, table: str, rows: object) -> int:
        """Add rows to a table, as INSERT does, and return how many there were.

        Shape: an Arrow table, batch or reader, anything that streams Arrow, a pandas frame, a list of
        dicts, or a list of sequences in the order of the table's columns. Columns that are left out get
        their defaults; values are converted as INSERT converts them.
        Cost: one commit, outside a transaction; no SQL is read.
        Raises: IntegrityError for a key that is there, and other subclasses of ``Error``.
        """
        with _translated():
            return self.session.append(table, rows).count or 0

    def upsert(self, table: str, rows: object) -> int:
        """Add rows to a keyed table in the place of those with their keys; return how many.

        Shape, cost and errors: as in ``append``; of a row that is replaced, columns that are left out
        stay as they are.
        """
        with _translated():
            return self.session.upsert(table, rows).count or 0

    def get(self, table: str, key: object) -> dict[str, Any] | None:
        """Return the row with a key, by column, or None when there is none.

        Shape: ``key`` is a value; for a key of several columns a sequence in their order, or a dict.
        Cost: one block of an index and one stripe of a file, unless this process holds them.
        Raises: ProgrammingError when there is no such table or it has no key.
        """
        with _translated():
            return self.session.get(table, key)

    def commit(self) -> None:
        """Commit the open transaction; without one, do nothing."""
        if self.session.in_transaction:
            self.execute("COMMIT")

    def rollback(self) -> None:
        """Drop the open transaction; without one, do nothing."""
        if self.session.in_transaction:
            self.execute("ROLLBACK")

    def transact(
        self,
        work: Callable[[Connection], T],
        *,
        retries: int = 10,
        isolation: str | None = None,
        once: tuple[str, int] | None = None,
    ) -> T | None:
        """Run ``work`` as one transaction, and again when another writer was faster; return what it does.

        ``work`` gets this connection, and must do nothing that cannot be done twice but write here.
        With ``once``, an application's name and the number of this write, the transaction happens at
        most once, however often it is asked for: when it, or a later number, was committed before,
        ``work`` is not run and None is returned.

            db.transact(lambda c: c.execute("UPDATE t SET n = n + 1"), once=("loader", 17))

        Raises: OperationalError, after as many ``retries``; whatever ``work`` raises, and nothing is kept.
        """
        words = f" ISOLATION LEVEL {isolation}" if isolation else ""
        if once is not None:
            app, number = once
            words += f" IDEMPOTENT ('{app.replace(chr(39), chr(39) * 2)}', {int(number)})"
        for attempt in range(retries + 1):
            try:
                self.execute(f"BEGIN{words}")
                if self.session.replayed:
                    self.rollback()
                    return None
                done = work(self)
                self.commit()
                return done
            except BaseException as error:
                self.rollback()
                if getattr(error, "sqlstate", None) != _CONFLICT or attempt == retries:
                    raise
                time.sleep(random.uniform(0, 0.002) * min(attempt + 1, 10))  # noqa: S311 - spreads writers
        return None

    def interrupt(self) -> None:
        """Stop the running statement; safe from any thread."""
        self.session.interrupt()

    def close(self) -> None:
        """Close; an open transaction is dropped. Closing twice is allowed."""
        if self._session is not None:
            self._session.close()
            self._session = None

    @property
    def session(self) -> Session:
        """The session behind this connection.

        Raises: InterfaceError after ``close``.
        """
        if self._session is None:
            raise InterfaceError("the connection is closed")
        return self._session

    def __enter__(self) -> Connection:
        """Return the connection itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit or roll back, and close."""
        try:
            if kind is None:
                self.commit()
        finally:
            self.close()


class Cursor:
    """PEP 249's cursor, with ``arrow`` for whole answers."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        """Belong to ``connection``."""
        self.connection = connection
        self.rowcount = -1
        self.description: list[tuple[Any, ...]] | None = None
        self._result: Result | None = None
        self._batch: pa.RecordBatch | None = None
        self._rows: list[tuple[Any, ...]] = []
        self._at = 0

    def execute(
        self, sql: str, params: Sequence[object] | Mapping[str, object] | None = None
    ) -> Cursor:
        """Run statements; the cursor stands on the last one's answer.

        Raises: a subclass of ``Error``.
        """
        with _translated():
            result = None
            for result in self.connection.session.run(sql, params):  # noqa: B007 - the last one stays
                pass
        self._result = result
        self.rowcount = -1 if result is None or result.count is None else result.count
        self.description = None
        self._batch, self._rows, self._at = None, [], 0
        if result is not None and result.kind == "rows":
            pairs = zip(result.columns, result.types, strict=True)
            self.description = [(n, t, None, None, None, None, None) for n, t in pairs]
        return self

    def executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> Cursor:
        """Run one statement for each row of parameters, in one transaction.

        An INSERT or UPSERT of plain VALUES adds all rows at once.
        """
        session = self.connection.session
        with _translated():
            added = session.run_many(sql, rows)
        if added is not None:
            self._result, self.description = None, None
            self._batch, self._rows, self._at = None, [], 0
            self.rowcount = added
            return self
        own = not session.in_transaction
        if own:
            self.execute("BEGIN")
        total = 0
        try:
            for row in rows:
                self.execute(sql, row)
                total += max(self.rowcount, 0)
        except BaseException:
            if own:
                self.connection.rollback()
            raise
        if own:
            self.connection.commit()
        self.rowcount = total
        return self

    def arrow(self) -> pa.Table:
        """Return the rest of the answer as an Arrow table.

        Raises: InterfaceError when the statement gave no rows.
        """
        import pyarrow as pa  # noqa: PLC0415 - importing this module stays cheap

        if self._result is None or self._result.kind != "rows":
            raise InterfaceError("the statement gave no rows")
        with _translated():
            rest = [] if self._batch is None else [self._batch.slice(self._at)]
            self._batch, self._rows, self._at = None, [], 0
            return pa.Table.from_batches(
                [*rest, *self._result.batches()], schema=self._result.schema
            )

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row, or None."""
        with _translated():
            self.connection.session  # noqa: B018 - raises after close
            while self._at >= len(self._rows):
                if not self._advance():
                    return None
            self._at += 1
            return self._rows[self._at - 1]

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """Return the next rows, ``arraysize`` of them unless told otherwise."""
        wanted = self.arraysize if size is None else size
        rows: list[tuple[Any, ...]] = []
        while len(rows) < wanted and (row := self.fetchone()) is not None:
            rows.append(row)
        return rows

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all remaining rows."""
        return list(self)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Iterate over the remaining rows."""
        while (row := self.fetchone()) is not None:
            yield row

    def setinputsizes(self, sizes: Sequence[object]) -> None:
        """PEP 249: nothing to prepare."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """PEP 249: nothing to prepare."""

    def close(self) -> None:
        """Let go of the answer."""
        self._result = None
        self._batch, self._rows, self._at = None, [], 0

    def _advance(self) -> bool:
        """Take the next batch; return False at the end."""
        if self._result is None:
            return False
        self._batch = next(self._result.batches(), None)
        if self._batch is None:
            return False
        self._rows, self._at = list(_tuples(self._batch, self._result.types)), 0
        return True


def _tuples(batch: pa.RecordBatch, types: list[str]) -> Iterator[tuple[Any, ...]]:
    columns = []
    for column, kind in zip(batch.columns, types, strict=True):
        values = column.to_pylist()
        whole = kind == "HUGEINT"
        columns.append([None if v is None else int(v) for v in values] if whole else values)
    yield from zip(*columns, strict=True)


class _translated:  # noqa: N801 - reads as a word of the language
    """Raises PEP 249's classes for the engine's."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Translate."""
        if isinstance(error, (OverflowError, ValueError)):
            raise DataError(f"a value has no counterpart in Python: {error}") from error
        if not isinstance(error, errors.GrizzlyError):
            return
        cls = next(ours for theirs, ours in _CLASSES if isinstance(error, theirs))
        text = error.message if error.hint is None else f"{error.message} ({error.hint})"
        raised = cls(text)
        raised.code, raised.sqlstate, raised.hint = error.code, error.sqlstate, error.hint
        raise raised from error
