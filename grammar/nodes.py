"""The statements of PL-GRIZZLY.

Layer: ``grammar``. Invariant: queries, expressions and stock DML and DDL stay sqlglot trees inside
``ast``; only what standard SQL lacks has fields of its own. Names are as written: nothing is
resolved here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlglot import exp

    from grammar.alterations import Alteration
    from grammar.errors import Span
    from grammar.timetravel import Point


@dataclass(frozen=True)
class Statement:
    """One statement and its place in the text."""

    span: Span


@dataclass(frozen=True)
class Query(Statement):
    """SELECT in any of its forms, VALUES, PIVOT, CHANGES FROM."""

    ast: exp.Query


@dataclass(frozen=True)
class Write(Statement):
    """INSERT, UPDATE, DELETE or MERGE; RETURNING stays in the tree."""

    ast: exp.Insert | exp.Update | exp.Delete | exp.Merge


@dataclass(frozen=True)
class Upsert(Statement):
    """Insert or update by key; without a key of its own, the table's key holds."""

    table: exp.Table
    columns: tuple[str, ...]
    source: exp.Query
    key: tuple[str, ...]
    returning: tuple[exp.Expr, ...] = ()
    by_name: bool = False


@dataclass(frozen=True)
class Define(Statement):
    """CREATE, DROP, TRUNCATE or COMMENT ON."""

    ast: exp.Create | exp.Drop | exp.TruncateTable | exp.Comment


@dataclass(frozen=True)
class Alter(Statement):
    """ALTER TABLE: one action after another."""

    table: exp.Table
    actions: tuple[Alteration, ...]
    if_exists: bool = False


@dataclass(frozen=True)
class Copy(Statement):
    """Import (the source is a path) or export (the target is a path).

    Option names are lower case; an option without a value has the value ``true``.
    """

    source: exp.Table | exp.Query | str
    target: exp.Table | str
    options: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Begin(Statement):
    """Start a transaction.

    ``isolation`` is lower case; without one, the session's holds. ``once`` names an application and
    the number of the write that it makes at most once.
    """

    read_only: bool = False
    isolation: str | None = None
    once: tuple[str, int] | None = None


@dataclass(frozen=True)
class Commit(Statement):
    """Keep the transaction."""


@dataclass(frozen=True)
class Rollback(Statement):
    """Drop the transaction."""


@dataclass(frozen=True)
class Savepoint(Statement):
    """Remember what the transaction has done so far."""

    name: str


@dataclass(frozen=True)
class RollbackTo(Statement):
    """Undo what the transaction did after a savepoint."""

    name: str


@dataclass(frozen=True)
class Release(Statement):
    """Forget a savepoint."""

    name: str


@dataclass(frozen=True)
class CreateSnapshot(Statement):
    """Name a point of the timeline; without a point, the latest commit."""

    name: str
    point: Point | None
    replace: bool
    if_not_exists: bool = False


@dataclass(frozen=True)
class DropSnapshot(Statement):
    """Forget a snapshot's name."""

    name: str
    if_exists: bool


@dataclass(frozen=True)
class CreateWatermark(Statement):
    """Remember how far a consumer has come in a table's changes; without a point, to the end."""

    name: str
    table: exp.Table
    point: Point | None
    replace: bool
    if_not_exists: bool = False


@dataclass(frozen=True)
class AdvanceWatermark(Statement):
    """The consumer has seen everything up to a point; without one, up to what is read now."""

    name: str
    point: Point | None


@dataclass(frozen=True)
class DropWatermark(Statement):
    """Forget a watermark."""

    name: str
    if_exists: bool


@dataclass(frozen=True)
class PutBlob(Statement):
    """Keep a file's bytes under a name."""

    name: str
    path: str


@dataclass(frozen=True)
class DropBlob(Statement):
    """Forget a blob; older versions keep it."""

    name: str
    if_exists: bool


@dataclass(frozen=True)
class Restore(Statement):
    """Commit a table's old state again."""

    table: exp.Table
    point: Point


@dataclass(frozen=True)
class RestoreAll(Statement):
    """Commit the old state of every table and view again."""

    point: Point


@dataclass(frozen=True)
class Undo(Statement):
    """Take back what one commit changed; without a version, the newest commit."""

    version: int | None


@dataclass(frozen=True)
class CreateBranch(Statement):
    """Begin a line of history beside the main one; without a point, at what is read now."""

    name: str
    point: Point | None
    if_not_exists: bool = False


@dataclass(frozen=True)
class DropBranch(Statement):
    """Forget a branch; what was merged of it stays."""

    name: str
    if_exists: bool = False


@dataclass(frozen=True)
class UseBranch(Statement):
    """Change the branch that statements read and write."""

    name: str


@dataclass(frozen=True)
class MergeBranch(Statement):
    """Bring a branch's changes to main; ``prefer`` is ``fail``, ``ours`` (main's) or ``theirs``."""

    name: str
    prefer: str = "fail"


@dataclass(frozen=True)
class Explain(Statement):
    """Show how a statement would run, or did run."""

    statement: Statement
    analyze: bool


@dataclass(frozen=True)
class Show(Statement):
    """List things; ``what`` is upper case.

    COLUMNS are of a ``table``; the others may be narrowed to a ``schema``, or to names ``like`` a
    pattern.
    """

    what: str
    table: exp.Table | None = None
    schema: str | None = None
    like: str | None = None


@dataclass(frozen=True)
class Describe(Statement):
    """The columns of a table or of a statement's result."""

    target: exp.Table | Statement


@dataclass(frozen=True)
class Summarize(Statement):
    """Statistics of each column of a table or of a query."""

    target: exp.Table | Statement


@dataclass(frozen=True)
class SetOption(Statement):
    """Change a setting of the session."""

    name: str
    value: str


@dataclass(frozen=True)
class ResetOption(Statement):
    """Give a setting its default again."""

    name: str


@dataclass(frozen=True)
class Use(Statement):
    """Change the schema that bare names belong to."""

    schema: str


@dataclass(frozen=True)
class Compact(Statement):
    """Rewrite small and half-deleted files of one table, or of all."""

    table: exp.Table | None


@dataclass(frozen=True)
class CreateIndex(Statement):
    """Index columns of a table; ``kind`` is lower case."""

    name: str
    table: exp.Table
    kind: str
    columns: tuple[str, ...]
    if_not_exists: bool


@dataclass(frozen=True)
class DropIndex(Statement):
    """Forget an index; without a table, the only one of that name."""

    name: str
    table: exp.Table | None
    if_exists: bool


@dataclass(frozen=True)
class Optimize(Statement):
    """Rewrite a table's files in another order of rows; ``where`` is a condition as text.

    ``by`` is the text of CLUSTER BY, such as ``zorder(a, b)``; None for the table's own.
    """

    table: exp.Table
    where: str | None
    by: str | None


@dataclass(frozen=True)
class Vacuum(Statement):
    """Move to the trash what no kept version needs; ``action`` is ``dry``, ``run`` or ``purge``.

    ``retain`` says what to keep: a number of ``VERSIONS``, or of ``DAYS`` or another unit of time.
    """

    table: exp.Table | None
    retain: tuple[int, str] | None
    action: str


@dataclass(frozen=True)
class Unvacuum(Statement):
    """Bring back what VACUUM moved to the trash."""


@dataclass(frozen=True)
class VerifyTimeline(Statement):
    """Recompute every hash of the lakehouse."""


@dataclass(frozen=True)
class VerifyTable(Statement):
    """Recompute every hash of one table."""

    table: exp.Table


@dataclass(frozen=True)
class ProveCommit(Statement):
    """Prove that a commit is in the timeline."""

    version: int


@dataclass(frozen=True)
class ProveTable(Statement):
    """Prove which files are a table, what its row with a key is, or that it has none with it."""

    kind: Literal["table", "row", "absent"]
    table: exp.Table
    key: tuple[str, ...]
    point: Point | None


@dataclass(frozen=True)
class ShowCreate(Statement):
    """The statement that makes a table or view, or all of them."""

    table: exp.Table | None


@dataclass(frozen=True)
class SchemaHistory(Statement):
    """Every change of definitions, of one table or of all."""

    table: exp.Table | None


@dataclass(frozen=True)
class DiffSchema(Statement):
    """What tells the definitions at two points apart."""

    table: exp.Table | None
    since: Point
    until: Point | None


@dataclass(frozen=True)
class Migrate(Statement):
    """A folder of migrations; ``action`` is ``plan``, ``up``, ``down`` or ``status``."""

    action: str
    folder: str
    to: str | None = None


@dataclass(frozen=True)
class ApplySchema(Statement):
    """Make the tables what a file of definitions says."""

    path: str
    allow_drop: bool
    dry_run: bool
