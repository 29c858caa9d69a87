"""Keep function calls as they were written.

Layer: ``grammar``. Invariant: sqlglot knows hundreds of functions and prints some of them as
another one, or with other arguments. A call that means the same to DuckDB as to its writer must
reach DuckDB unchanged, so all but the harmless ones are parsed as unknown functions.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.parsers.duckdb import DuckDBParser
from sqlglot.tokens import Token, TokenType

from grammar.tokens import CLOSING, OPENING

# Printed exactly as read, and worth their type: aggregates, ranking, choice, unnesting.
_UNDERSTOOD = frozenset(
    "AVG COALESCE COUNT CUME_DIST DENSE_RANK FIRST_VALUE GROUPING LAG LAST_VALUE LEAD MAX MIN"
    " NTH_VALUE NTILE NULLIF PERCENT_RANK RANK ROW_NUMBER SUM UNNEST".split()
)
_REWRITTEN = frozenset(DuckDBParser.FUNCTIONS) - _UNDERSTOOD


def keep_function_names(tokens: list[Token]) -> list[Token]:
    """Mark every call of a function that sqlglot might rewrite."""
    for number, token in enumerate(tokens[:-1]):
        if tokens[number + 1].token_type is not TokenType.L_PAREN:
            continue
        if token.text.upper() in _REWRITTEN and token.token_type is not TokenType.STRING:
            tokens[_closer(tokens, number + 1)].comments = [exp.SQLGLOT_ANONYMOUS]
    return tokens


def _closer(tokens: list[Token], opener: int) -> int:
    depth = 0
    for number in range(opener, len(tokens)):
        if tokens[number].token_type in OPENING:
            depth += 1
        elif tokens[number].token_type in CLOSING:
            depth -= 1
            if depth == 0:
                return number
    return len(tokens) - 1
