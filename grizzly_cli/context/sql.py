"""Words from a command line as parts of a statement.

Layer: ``grizzly_cli.context``. Invariant: whatever the words are, they stay one name or one value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.session import Session

_RELATIVE = re.compile(r"HEAD(~\d+)?|\d.* ago", re.IGNORECASE)
_DATE = re.compile(r"\d{4,}-\d\d?-\d\d?([ T].*)?")


def name(text: str) -> str:
    """Return ``[schema.]table`` as quoted identifiers."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in text.split("."))


def literal(text: str) -> str:
    """Return a string literal."""
    return "'" + text.replace("'", "''") + "'"


def tables(schema: str | None) -> str:
    """Return the statement that lists the tables, of one schema or of all."""
    if schema is None:
        return "SHOW TABLES"
    columns = "schema, name, kind, rows, columns, key"
    return f"SELECT {columns} FROM grizzly.tables WHERE schema = {literal(schema)} ORDER BY name"  # noqa: S608  # literal() keeps it one value


def commits(conditions: list[str], table: str | None) -> str:
    """Return the query for the commits that meet conditions, of one table or of all."""
    if table is not None:
        known = literal(table.removeprefix("main."))
        conditions = [*conditions, f"list_contains(string_split(tables, ', '), {known})"]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"FROM grizzly.timeline{where} ORDER BY version DESC"


def known(session: Session, table: str) -> str:
    """Return a table's name as the timeline has it; one that was dropped is known there still.

    Raises: BindError when there never was such a table.
    """
    wanted = table.lower().removeprefix("main.")
    for found in session.tables():
        full = found.name if found.schema == "main" else f"{found.schema}.{found.name}"
        if full.lower() == wanted:
            return full
    for result in session.run(f"{commits([], table)} LIMIT 1"):
        if not any(batch.num_rows for batch in result.batches()):
            list(session.run(f"DESCRIBE {name(table)}"))
    return table


def point(text: str) -> str:
    """Return a point in time: a version, a timestamp, so long ago, or else a snapshot's name."""
    if text.isdecimal():
        return f"VERSION {text}"
    if _DATE.fullmatch(text):
        return f"TIMESTAMP {literal(text)}"
    if _RELATIVE.fullmatch(text):
        return literal(text)
    return f"SNAPSHOT {literal(text)}"
