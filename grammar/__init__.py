"""PL-GRIZZLY, the language: text in, statements out, and back to DuckDB's SQL.

Layer: below ``engine``; knows sqlglot and pygments, and touches neither files nor data.
Invariant: importing this package loads nothing; each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from grammar.errors import GrizzlyError, ParseError, Span

if TYPE_CHECKING:
    from grammar.lower.duckdb import to_duckdb
    from grammar.options import table_options
    from grammar.parser import parse
    from grammar.spans import span_of
    from grammar.splitting import is_complete, split
    from grammar.suggestion import suggest

__all__ = [
    "GrizzlyError",
    "ParseError",
    "Span",
    "is_complete",
    "parse",
    "span_of",
    "split",
    "suggest",
    "table_options",
    "to_duckdb",
]

_HOMES = {
    "is_complete": "grammar.splitting",
    "parse": "grammar.parser",
    "span_of": "grammar.spans",
    "split": "grammar.splitting",
    "suggest": "grammar.suggestion",
    "table_options": "grammar.options",
    "to_duckdb": "grammar.lower.duckdb",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value
