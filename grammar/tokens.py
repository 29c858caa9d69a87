"""From characters to tokens.

Layer: ``grammar``. Invariant: a token, also one that desugaring made up, points at source text, so
every error can show the place. Comments are dropped here: they never reach a tree.
"""

from __future__ import annotations

import re
from typing import ClassVar

from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

from grammar.errors import ParseError, Span
from grammar.scan import unclosed

OPENING = {
    TokenType.L_PAREN: TokenType.R_PAREN,
    TokenType.L_BRACKET: TokenType.R_BRACKET,
    TokenType.L_BRACE: TokenType.R_BRACE,
}
CLOSING = frozenset(OPENING.values())
MAX_NESTING = 100

_WORDLESS = frozenset(
    {TokenType.STRING, TokenType.IDENTIFIER, TokenType.NUMBER, TokenType.HEREDOC_STRING}
)
# These would swallow the rest of a statement as one string, or open a template.
_SWALLOWING = frozenset({"CALL", "EXPLAIN", "OPTIMIZE", "PREPARE", "VACUUM", "RESET", "EXECUTE"})


# Another dialect's cast; here ``?::INTEGER`` casts a parameter.
_FOREIGN = frozenset({"?::"})


def _is_plain(keyword: str) -> bool:
    return keyword not in _SWALLOWING | _FOREIGN and not (
        keyword.startswith("{") or keyword.endswith(("}}", "%}"))
    )


class GrizzlyTokenizer(DuckDB.Tokenizer):
    """DuckDB's tokens, with backticks for names and nothing that swallows text."""

    IDENTIFIERS: ClassVar[list[str | tuple[str, str]]] = ['"', "`"]
    COMMANDS: ClassVar[set[TokenType]] = set()
    KEYWORDS: ClassVar[dict[str, TokenType]] = {
        keyword: kind for keyword, kind in DuckDB.Tokenizer.KEYWORDS.items() if _is_plain(keyword)
    }


class _NoDollarQuotes(GrizzlyTokenizer):
    """For text without dollar quotes, where ``$x,$y`` must not look like the start of one."""

    HEREDOC_STRINGS: ClassVar[list[str | tuple[str, str]]] = []


_DOLLAR_QUOTE = re.compile(r"\$(?:[A-Za-z_]\w*)?\$")


def tokenize(text: str) -> list[Token]:
    """Cut text into tokens; parameters have names, ``?`` and ``$1`` too: ``$_1``.

    Raises: ParseError for an unclosed quote or comment, and for a malformed number.
    """
    try:
        kind = GrizzlyTokenizer if _DOLLAR_QUOTE.search(text) else _NoDollarQuotes
        tokens = kind(dialect=DuckDB).tokenize(text)
    except TokenError as error:
        raise _lexical_error(text, error) from None
    for token in tokens:
        token.comments = []
    return _name_parameters(_join_fractions(tokens))


def _name_parameters(tokens: list[Token]) -> list[Token]:
    """Name every ``?`` by its place in the text, so that printing may move or repeat it."""
    out: list[Token] = []
    count = 0
    for number, token in enumerate(tokens):
        before = tokens[number - 1] if number else None
        if token.token_type is TokenType.PLACEHOLDER and token.text == "?":
            count += 1
            at = (token.line, token.col, token.start, token.end)
            out += [Token(TokenType.PARAMETER, "$", *at), Token(TokenType.VAR, f"_{count}", *at)]
        elif (
            token.token_type is TokenType.NUMBER
            and before is not None
            and before.token_type is TokenType.PARAMETER
            and token.text.isdigit()
        ):
            at = (token.line, token.col, token.start, token.end)
            out.append(Token(TokenType.VAR, f"_{token.text}", *at))
        else:
            out.append(token)
    return out


def _join_fractions(tokens: list[Token]) -> list[Token]:
    """Read ``.5`` as one number, so that it keeps its own digits and type."""
    out: list[Token] = []
    for number, token in enumerate(tokens):
        before = tokens[number - 1] if number else None
        if (
            token.token_type is TokenType.NUMBER
            and before is not None
            and before.token_type is TokenType.DOT
            and before.end + 1 == token.start
            and (number < 2 or not _ends_operand(tokens[number - 2]))
        ):
            out[-1] = Token(
                TokenType.NUMBER, "." + token.text, token.line, token.col, before.start, token.end
            )
        else:
            out.append(token)
    return out


def _ends_operand(token: Token) -> bool:
    kind = token.token_type
    return kind in CLOSING or kind in _WORDLESS or kind is TokenType.VAR


def _lexical_error(text: str, error: TokenError) -> ParseError:
    found = unclosed(text)
    if found is None:
        return ParseError(str(error).splitlines()[0], span=Span(0, len(text)))
    what, start, closer = found
    end = text.find("\n", start)
    return ParseError(
        f"unclosed {what}",
        span=Span(start, len(text) if end < 0 else end),
        hint=f"close it with {closer}",
        code="SYNTAX_004",
    )


def check_brackets(tokens: list[Token]) -> None:
    """Check that brackets pair up and do not nest too deeply.

    Raises: ParseError at the bracket that is alone or too deep.
    """
    stack: list[Token] = []
    for token in tokens:
        if token.token_type in OPENING:
            stack.append(token)
            if len(stack) > MAX_NESTING:
                raise bracket_error(token, f"nested more than {MAX_NESTING} brackets deep")
        elif token.token_type in CLOSING:
            if not stack:
                raise bracket_error(token, f"'{token.text}' closes nothing")
            if OPENING[stack[-1].token_type] is not token.token_type:
                raise bracket_error(token, f"'{token.text}' cannot close '{stack[-1].text}'")
            stack.pop()
        elif token.token_type is TokenType.SEMICOLON and stack:
            break
    if stack:
        raise bracket_error(stack[-1], f"unclosed '{stack[-1].text}'")


def bracket_error(token: Token, message: str) -> ParseError:
    """Build the error for one bracket."""
    return ParseError(message, span=Span(token.start, token.end + 1), code="SYNTAX_003")


def synthetic(kind: TokenType, text: str, like: Token) -> Token:
    """Make a token that stands where another one stands."""
    return Token(kind, text, like.line, like.col, like.start, like.end)


def word(token: object) -> str:
    """Give the upper-case word of a token, or nothing for strings, names in quotes and numbers."""
    if not isinstance(token, Token) or token.token_type in _WORDLESS:
        return ""
    text = token.text.upper()
    return " ".join(text.split()) if " " in text or "\n" in text or "\t" in text else text


def is_name(token: Token | None) -> bool:
    """Say whether a token can be a name."""
    if token is None:
        return False
    if token.token_type is TokenType.IDENTIFIER:
        return True
    return token.token_type is not TokenType.STRING and token.text.replace("$", "_").isidentifier()


def is_double_quoted(token: Token, text: str) -> bool:
    """Say whether a name was written in double quotes."""
    return token.token_type is TokenType.IDENTIFIER and text[token.start : token.start + 1] == '"'
