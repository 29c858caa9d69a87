"""Colours: PL-GRIZZLY for Pygments.

Layer: ``grammar``, the only module that knows pygments. Invariant: any text is lexed, finished or
not; the words come from the word table.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pygments.lexer import RegexLexer, words
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Literal,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
)

from grammar.keywords import KEYWORDS, TYPES, WORDS

_OPERATOR_WORDS = sorted(entry.text for entry in WORDS if entry.kind == "operator")
_CONSTANTS = sorted(entry.text for entry in WORDS if entry.kind == "constant")
_OTHERS = sorted(KEYWORDS - set(_OPERATOR_WORDS) - set(_CONSTANTS))


class GrizzlyLexer(RegexLexer):  # type: ignore[misc]  # pygments has no types
    """Highlights statements of PL-GRIZZLY."""

    name = "PL-GRIZZLY"
    aliases: ClassVar[list[str]] = ["grizzly", "plgrizzly", "pl-grizzly"]
    filenames: ClassVar[list[str]] = ["*.grz", "*.plg"]
    flags = re.IGNORECASE
    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [
            (r"\s+", Whitespace),
            (r"--[^\n]*", Comment.Single),
            (r"/\*", Comment.Multiline, "comment"),
            (r"(?<!\w)e'(?:\\.|''|[^'\\])*(?:'|$)", String.Escape),
            (r"'(?:''|[^'])*'", String.Single),
            (r"'(?:''|[^'])*\Z", Error),
            (r'"(?:""|[^"])*(?:"|\Z)', String.Double),
            (r"`(?:``|[^`])*(?:`|\Z)", Name),
            (r"\$(\w*)\$[\s\S]*?(?:\$\1\$|\Z)", String.Heredoc),
            (r"\$\w+|\?\d*|:(?=[a-z_])\w+(?!:)", Name.Variable),
            (r"\d[\d_]*(?:\.\d[\d_]*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?", Number),
            (words(_CONSTANTS, prefix=r"\b", suffix=r"\b"), Keyword.Constant),
            (words(_OPERATOR_WORDS, prefix=r"\b", suffix=r"\b"), Operator.Word),
            (words(sorted(TYPES), prefix=r"(?<![.\w])", suffix=r"\b(?!\s*\.)"), Keyword.Type),
            (words(_OTHERS, prefix=r"(?<![.\w])", suffix=r"\b(?!\s*\.)"), Keyword),
            (r"[^\W\d]\w*(?=\s*\()", Name.Function),
            (r"[^\W\d]\w*", Name),
            (r"::|\|\||->>?|=>|<=|>=|<>|!=|==|//|\*\*|\?\?|[-+*/%<>=!&|^~@#]", Operator),
            (r"[()\[\]{},;.:]", Punctuation),
            (r".", Literal),
        ],
        "comment": [
            (r"/\*", Comment.Multiline, "#push"),
            (r"\*/", Comment.Multiline, "#pop"),
            (r"[^/*]+|[/*]", Comment.Multiline),
        ],
    }
