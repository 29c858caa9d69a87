"""Nothing that was written is lost: each word of the text is in the tree.

Layer: ``grammar.parser``. Invariant: a name, string or number that sqlglot read and did not keep is
refused, as the statement would not do what it says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from grammar.errors import ParseError
from grammar.spans import token_span
from grammar.tokens import word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlglot.tokenizer_core import Token

_VALUES = frozenset({TokenType.STRING, TokenType.NUMBER, TokenType.IDENTIFIER, TokenType.VAR})
_PIECES = re.compile(r"[^\s,()'\"]+")
# Words of fixed phrases that the tree keeps in another form or need not keep.
_PHRASES = frozenset(
    [
        "ACTION",
        "ADD",
        "AT",
        "BERNOULLI",
        "BY",
        "CASCADE",
        "COLUMNS",
        "CONFLICT",
        "CURRENT",
        "DATA",
        "DO",
        "ENFORCED",
        "EXCLUDE",
        "FIRST",
        "FOLLOWING",
        "GENERATED",
        "GROUP",
        "GROUPS",
        "IF",
        "IGNORE",
        "INCLUDE",
        "KEY",
        "LAMBDA",
        "LAST",
        "MATCHED",
        "MATERIALIZED",
        "NAME",
        "NO",
        "NOTHING",
        "NULLS",
        "OF",
        "ON",
        "ONLY",
        "ORDINALITY",
        "OTHERS",
        "PERCENT",
        "PLACING",
        "POSITIONAL",
        "PRECEDING",
        "RENAME",
        "REPEATABLE",
        "RESPECT",
        "RESTRICT",
        "RETURNING",
        "ROW",
        "ROWS",
        "SAMPLE",
        "SETS",
        "SIMILAR",
        "SOURCE",
        "STORED",
        "SYSTEM",
        "TARGET",
        "TEMP",
        "TIES",
        "TO",
        "TYPE",
        "UNBOUNDED",
        "UNKNOWN",
        "USING",
        "VALUE",
        "VIRTUAL",
        "WITHIN",
        "ZONE",
        "ALWAYS",
        "AUTHORIZATION",
        "CHECKPOINT",
        "PRIMARY",
        "TIMESTAMP",
        "IDENTITY",
    ]
)
# DuckDB ignores the length of these types, and so do we.
_LENGTHLESS = frozenset(["VARCHAR", "CHAR", "TEXT", "STRING", "BPCHAR", "NVARCHAR", "CHARACTER"])


def check_nothing_lost(tree: exp.Expr, tokens: Sequence[Token]) -> None:
    """Compare a tree with the tokens it was read from.

    Raises: ParseError at the first token that the tree does not keep.
    """
    kept = set(_texts(tree))
    for number, token in enumerate(tokens):
        if token.token_type not in _VALUES:
            continue
        text = token.text.upper()
        if text in kept or (token.token_type is TokenType.VAR and text in _PHRASES):
            continue
        if word(token) and number + 1 < len(tokens) and word(tokens[number + 1]) == "(":
            continue
        if token.token_type is TokenType.NUMBER and _is_number_kept(tokens, number, kept):
            continue
        if token.token_type is TokenType.STRING and kept.issuperset(_PIECES.findall(text)):
            continue
        raise ParseError(
            f"'{token.text}' is not understood here", span=token_span(token), code="SEMANTIC_003"
        )


def _is_number_kept(tokens: Sequence[Token], number: int, kept: set[str]) -> bool:
    text = tokens[number].text
    if text.replace("_", "") in kept or text.rstrip(".") in kept:
        return True
    return number > 1 and word(tokens[number - 2]) in _LENGTHLESS


def _texts(tree: exp.Expr) -> Iterator[str]:
    for node in tree.walk():
        if isinstance(node, exp.DataType) and isinstance(node.this, exp.DType):
            yield node.this.value.upper()
        for value in node.args.values():
            for part in value if isinstance(value, list) else (value,):
                if isinstance(part, str):
                    yield part.upper()
                    yield from part.upper().split()
