"""The one word table: what the language reserves or understands in some place.

Layer: ``grammar``, no imports of it. Invariant: highlighting, completion, suggestions and the
manual read this table and no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WordClass = Literal["statement", "clause", "operator", "type", "shown", "constant"]


@dataclass(frozen=True, slots=True)
class Word:
    """One word, what kind of word it is, and what it is for."""

    text: str
    kind: WordClass
    help: str


_STATEMENTS = {
    "SELECT": "read rows",
    "FROM": "read rows, the source first",
    "WITH": "name queries for the statement that follows",
    "VALUES": "rows written out",
    "INSERT": "add rows",
    "UPDATE": "change rows",
    "DELETE": "remove rows",
    "UPSERT": "insert rows, or update those whose key is there",
    "MERGE": "insert, update and delete by comparing with a source",
    "CREATE": "create a table, view, schema or snapshot",
    "DROP": "remove a table, view, schema or snapshot",
    "ALTER": "change a table's columns or name",
    "TRUNCATE": "remove all rows of a table",
    "COMMENT": "describe a table or a column",
    "COPY": "import from a file or export to one",
    "PUT": "keep a file as a blob: PUT BLOB 'name' FROM 'file'",
    "CHANGES": "the change log of a table",
    "PIVOT": "turn values into columns",
    "UNPIVOT": "turn columns into values",
    "SHOW": "list tables, schemas, snapshots, the timeline",
    "LIST": "the same as SHOW",
    "DESCRIBE": "the columns of a table or of a query",
    "SUMMARIZE": "statistics of every column",
    "EXPLAIN": "how a statement would run",
    "SET": "change a setting",
    "RESET": "give a setting its default again",
    "USE": "choose the schema that bare names belong to",
    "BEGIN": "start a transaction",
    "COMMIT": "keep the transaction",
    "ROLLBACK": "drop the transaction, or take a table back to a snapshot",
    "RESTORE": "commit a table's old state again",
    "ADVANCE": "move a watermark on: ADVANCE WATERMARK w",
    "COMPACT": "rewrite small and half-deleted files",
    "VACUUM": "move what no kept version needs to the trash; only with RUN",
    "UNVACUUM": "bring back what VACUUM moved to the trash",
    "VERIFY": "recompute the hashes of the timeline or of a table",
}
_CLAUSES = {
    "WHERE": "keep the rows for which this holds",
    "GROUP": "GROUP BY: one row for each group",
    "BY": "after GROUP, ORDER, PARTITION",
    "HAVING": "keep the groups for which this holds",
    "ORDER": "ORDER BY: sort; the direction may stand in front",
    "LIMIT": "at most so many rows",
    "OFFSET": "skip so many rows",
    "QUALIFY": "keep rows by a window function's value",
    "WINDOW": "name a window",
    "PARTITION": "PARTITION BY: the rows a window sees",
    "OVER": "the window of a function",
    "FILTER": "the rows an aggregate sees",
    "WITHIN": "WITHIN GROUP: the order an aggregate sees",
    "DISTINCT": "without duplicates",
    "ALL": "with duplicates; all columns",
    "AS": "an alias",
    "JOIN": "combine rows with another table's",
    "INNER": "only rows with a partner",
    "LEFT": "all rows of the left side",
    "RIGHT": "all rows of the right side",
    "FULL": "all rows of both sides",
    "OUTER": "after LEFT, RIGHT, FULL",
    "CROSS": "every pair of rows",
    "SEMI": "rows that have a partner",
    "ANTI": "rows that have no partner",
    "ASOF": "the nearest earlier partner",
    "NATURAL": "join on columns of the same name",
    "POSITIONAL": "join rows by their position",
    "LATERAL": "a subquery that sees the tables before it",
    "ON": "the join's condition",
    "USING": "the join's columns",
    "UNION": "rows of either query",
    "EXCEPT": "rows of the first query only",
    "INTERSECT": "rows of both queries",
    "SAMPLE": "some of the rows",
    "RECURSIVE": "a query that reads its own rows",
    "MATERIALIZED": "keep the rows of a named query",
    "ASC": "ascending",
    "DESC": "descending",
    "DSC": "the same as DESC",
    "NULLS": "NULLS FIRST, NULLS LAST",
    "FIRST": "after NULLS",
    "LAST": "after NULLS",
    "ROWS": "a window frame in rows",
    "RANGE": "a window frame in values",
    "GROUPS": "a window frame in groups of equals",
    "PRECEDING": "before the current row",
    "FOLLOWING": "after the current row",
    "UNBOUNDED": "without end",
    "CURRENT": "CURRENT ROW",
    "EXCLUDE": "leave columns out of *",
    "REPLACE": "replace columns of *; OR REPLACE",
    "RENAME": "rename a column or a table",
    "INTO": "the table that is written",
    "SET": "the columns that change",
    "RETURNING": "give back the written rows",
    "KEY": "the columns that identify a row",
    "DEFAULT": "the value of a column that is not given",
    "CONFLICT": "ON CONFLICT: when the key is there",
    "DO": "DO UPDATE, DO NOTHING",
    "NOTHING": "after DO",
    "MATCHED": "WHEN MATCHED",
    "TABLE": "a table",
    "VIEW": "a named query",
    "SCHEMA": "a folder of tables",
    "SNAPSHOT": "a named point of the timeline",
    "WATERMARK": "how far a consumer has come in a table's changes",
    "NET": "CHANGES NET: only what is not as it was",
    "TIMELINE": "the log of all commits",
    "COLUMN": "a column",
    "CONSTRAINT": "a named rule",
    "PRIMARY": "PRIMARY KEY",
    "FOREIGN": "FOREIGN KEY",
    "REFERENCES": "the key of another table",
    "UNIQUE": "no two rows alike",
    "CHECK": "a rule each row keeps",
    "GENERATED": "a computed column",
    "TEMPORARY": "for this session only",
    "ADD": "add a column",
    "TO": "the new name, the target",
    "IF": "IF EXISTS, IF NOT EXISTS",
    "EXISTS": "whether there is a row, or a table",
    "CASCADE": "with what depends on it",
    "OF": "AS OF: a table at a point in time",
    "SINCE": "what changed after a point in time",
    "UNTIL": "what changed up to a point in time",
    "VERSION": "a commit's number",
    "TIMESTAMP": "a moment; a type",
    "READ": "READ ONLY",
    "ONLY": "READ ONLY",
    "TRANSACTION": "after BEGIN",
    "ANALYZE": "EXPLAIN ANALYZE: run it and measure",
    "RETAIN": "what VACUUM keeps: 7 DAYS, 100 VERSIONS",
    "DRY": "DRY RUN: only say what would be done",
    "RUN": "VACUUM RUN: do it",
    "PURGE": "VACUUM PURGE: empty the trash",
}
_OPERATORS = {
    "AND": "both hold",
    "OR": "one holds",
    "NOT": "does not hold",
    "IN": "is one of",
    "IS": "IS NULL, IS DISTINCT FROM",
    "LIKE": "matches a pattern with % and _",
    "ILIKE": "LIKE, whatever the case",
    "GLOB": "matches a pattern with * and ?",
    "SIMILAR": "SIMILAR TO a regular expression",
    "BETWEEN": "from and to, both included",
    "ESCAPE": "the escape character of LIKE",
    "CASE": "choose by conditions",
    "WHEN": "a condition of CASE",
    "THEN": "the value of a condition",
    "ELSE": "the value if no condition held",
    "END": "the end of CASE",
    "CAST": "convert to a type",
    "TRY_CAST": "convert to a type, or NULL",
    "INTERVAL": "a span of time",
    "ANY": "for one of these",
    "LAMBDA": "a function of elements: lambda x: x + 1",
    "COLLATE": "the order of letters",
    "EXTRACT": "a part of a date",
    "COLUMNS": "several columns at once",
}
_TYPES = [
    "BIGINT",
    "BIT",
    "BLOB",
    "BOOLEAN",
    "DATE",
    "DECIMAL",
    "DOUBLE",
    "ENUM",
    "FLOAT",
    "HUGEINT",
    "INTEGER",
    "INT",
    "JSON",
    "LIST",
    "MAP",
    "REAL",
    "SMALLINT",
    "STRING",
    "STRUCT",
    "TEXT",
    "TIME",
    "TIMESTAMP_MS",
    "TIMESTAMP_NS",
    "TIMESTAMP_S",
    "TIMESTAMPTZ",
    "TINYINT",
    "UBIGINT",
    "UHUGEINT",
    "UINTEGER",
    "USMALLINT",
    "UTINYINT",
    "UUID",
    "VARCHAR",
]
_CONSTANTS = {"NULL": "no value", "TRUE": "true", "FALSE": "false"}
_SHOWN = {
    "TABLES": "the tables",
    "SCHEMAS": "the schemas",
    "VIEWS": "the views",
    "SNAPSHOTS": "the snapshots",
    "WATERMARKS": "the watermarks",
    "TIMELINE": "the commits",
    "COLUMNS": "the columns of a table",
}


def _table() -> tuple[Word, ...]:
    groups: tuple[tuple[WordClass, dict[str, str]], ...] = (
        ("statement", _STATEMENTS),
        ("clause", _CLAUSES),
        ("operator", _OPERATORS),
        ("type", dict.fromkeys(_TYPES, "a type")),
        ("constant", _CONSTANTS),
        ("shown", _SHOWN),
    )
    return tuple(Word(text, kind, help_) for kind, words in groups for text, help_ in words.items())


WORDS = _table()
KEYWORDS = frozenset(entry.text for entry in WORDS if entry.kind not in {"type", "shown"})
TYPES = frozenset(_TYPES)
STATEMENT_STARTERS = frozenset(_STATEMENTS)
CLAUSE_WORDS = frozenset(_CLAUSES) | frozenset(_OPERATORS) | STATEMENT_STARTERS
SHOWN = frozenset(_SHOWN)

INTERVAL_UNITS = frozenset(
    name + plural
    for name in [
        "MICROSECOND",
        "MILLISECOND",
        "SECOND",
        "MINUTE",
        "HOUR",
        "DAY",
        "WEEK",
        "MONTH",
        "QUARTER",
        "YEAR",
        "DECADE",
        "CENTURY",
        "MILLENNIUM",
    ]
    for plural in ("", "S")
) | {"CENTURIES", "MILLENNIA"}
