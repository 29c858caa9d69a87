"""PL-GRIZZLY's queries as a sqlglot dialect.

Layer: ``grammar``. Invariant: only Dialect and Tokenizer are subclassed, so this also runs where
sqlglot is compiled, whose parser and syntax nodes cannot be subclassed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sqlglot.dialects.duckdb import DuckDB
from typing_extensions import override

from grammar.desugar import desugar
from grammar.markers import finish
from grammar.tokens import GrizzlyTokenizer, check_brackets, tokenize

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.dialects.dialect import DialectType
    from sqlglot.tokenizer_core import Token

# sqlglot logs what it falls back on; here every fallback is an error of our own.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())


class Grizzly(DuckDB):
    """DuckDB's SQL with PL-GRIZZLY's forms; the first element of an array has index 0."""

    INDEX_OFFSET = 0
    Tokenizer = GrizzlyTokenizer

    @override
    def tokenize(self, sql: str, dialect: DialectType = None) -> list[Token]:
        tokens = tokenize(sql)
        check_brackets(tokens)
        return desugar(tokens, sql)

    @override
    def to_json_path(self, path: exp.Expr | None) -> exp.Expr | None:
        """Keep a path as written: DuckDB reads ``'a.b'`` as one key, and only ``'$…'`` as a path."""
        return path

    @override
    def parse(self, sql: str, **opts: Any) -> list[exp.Expr | None]:
        return [tree and finish(tree, sql) for tree in super().parse(sql, **opts)]
