"""Which functions a statement may call.

Layer: ``analyze``. Invariant: in FROM only what is listed here; in expressions anything that cannot
reach outside the statement: no SQL hidden in text, no settings, no files, no environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from engine.errors import UnsupportedError
from grammar import span_of

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE_FUNCTIONS = frozenset(
    {"generate_series", "json_each", "json_tree", "range", "repeat", "unnest"}
)

FILE_FUNCTIONS = {
    "read_csv": "read_csv",
    "read_csv_auto": "read_csv",
    "read_json": "read_json",
    "read_json_auto": "read_json",
    "read_json_objects": "read_json_objects",
    "read_ndjson": "read_ndjson",
    "read_ndjson_auto": "read_ndjson",
    "read_orc": "orc",
    "read_arrow": "arrow",
    "read_feather": "arrow",
    "read_parquet": "read_parquet",
    "parquet_scan": "read_parquet",
}
"""Table functions that read a file, and the reader each stands for."""

BLOB_CONTENT = "blob_content"
"""The function that gives a blob's bytes."""

_FORBIDDEN = frozenset(
    {
        "current_setting",
        "getenv",
        "getvariable",
        "glob",
        "query",
        "query_table",
        "read_blob",
        "read_text",
        "set_config",
        "sniff_csv",
        "which_secret",
        "write_log",
    }
)
_FORBIDDEN_PREFIXES = ("duckdb_", "pragma_", "parquet_", "pg_")


def function_name(node: exp.Expr) -> str:
    """Return the name a function node was called by, lower case."""
    if isinstance(node, exp.Anonymous):
        return str(node.name).lower()
    if isinstance(node, exp.Func):
        return str(node.sql_name()).lower()
    return ""


def check(root: exp.Expr) -> None:
    """Refuse calls that would reach outside the statement.

    Raises: UnsupportedError at the first such call.
    """
    for node in _calls(root):
        name = function_name(node)
        if name in _FORBIDDEN or name.startswith(_FORBIDDEN_PREFIXES):
            raise UnsupportedError(
                f"the function {name} is not available",
                span=span_of(node),
                hint="a statement cannot reach files, settings or the environment through functions",
            )


def _calls(root: exp.Expr) -> Iterator[exp.Expr]:
    for node in root.walk():
        if isinstance(node, exp.Anonymous):
            yield node
