"""The tokens of one statement and a place among them.

Layer: ``grammar.parser``. Invariant: what is expected and missing is always told with a span.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from grammar.errors import ParseError, Span
from grammar.parser.sql import parse_into, parse_sql
from grammar.spans import token_span, tokens_span
from grammar.tokens import CLOSING, OPENING, is_name, word

if TYPE_CHECKING:
    from collections.abc import Collection

_STRINGS = frozenset({TokenType.STRING, TokenType.HEREDOC_STRING})


class Cursor:
    """Reads one statement from left to right."""

    def __init__(self, tokens: list[Token], text: str) -> None:
        """Start at the first of some tokens, at least one."""
        self.tokens = tokens
        self.text = text
        self.at = 0

    @property
    def span(self) -> Span:
        """Give the range of the whole statement."""
        return tokens_span(self.tokens[0], self.tokens[-1])

    @property
    def done(self) -> bool:
        """Say whether every token was read."""
        return self.at >= len(self.tokens)

    def peek(self, ahead: int = 0) -> Token | None:
        """Give a token without reading it."""
        index = self.at + ahead
        return self.tokens[index] if index < len(self.tokens) else None

    def word(self, ahead: int = 0) -> str:
        """Give the upper-case word of a token without reading it."""
        return word(self.peek(ahead))

    def take(self, *spelled: str) -> bool:
        """Read these words if they come next."""
        if any(self.word(n) != wanted for n, wanted in enumerate(spelled)):
            return False
        self.at += len(spelled)
        return True

    def need(self, *spelled: str, hint: str | None = None) -> None:
        """Read these words, or refuse."""
        for wanted in spelled:
            if not self.take(wanted):
                self.fail(f"expected {wanted}", hint=hint)

    def name(self, what: str) -> str:
        """Read a name."""
        token = self.peek()
        if token is None or not is_name(token) or not token.text:
            self.fail(f"expected {what}")
        self.at += 1
        return token.text

    def name_or_string(self, what: str) -> str:
        """Read a name that may also be written as a string."""
        token = self.peek()
        if token is not None and token.text and token.token_type in _STRINGS:
            self.at += 1
            return token.text
        return self.name(what)

    def string(self) -> str | None:
        """Read a string if one comes next; a word in double quotes counts."""
        token = self.peek()
        if token is None:
            return None
        quoted = token.token_type is TokenType.IDENTIFIER and self.text[token.start] == '"'
        if token.token_type not in _STRINGS and not quoted:
            return None
        following = self.peek(1)
        if quoted and following is not None and following.token_type is TokenType.DOT:
            return None
        self.at += 1
        return token.text

    def whole_number(self, what: str, hint: str | None = None) -> int:
        """Read digits."""
        token = self.peek()
        if token is None or not token.text.isdecimal() or token.token_type in _STRINGS:
            self.fail(f"expected {what}", hint=hint)
        self.at += 1
        return int(token.text)

    def names(self, what: str) -> tuple[str, ...]:
        """Read ``(a, b, …)``."""
        self.need("(")
        found = [self.name(what)]
        while self.take(","):
            found.append(self.name(what))
        self.need(")")
        return tuple(found)

    def table(self) -> exp.Table:
        """Read a table's name, up to three parts, without alias or time."""
        first = self.peek()
        parts = [self._identifier()]
        while self.take("."):
            parts.append(self._identifier())
        if len(parts) > 3 and first is not None:
            raise ParseError(
                "a table's name has at most three parts",
                span=tokens_span(first, self.tokens[self.at - 1]),
            )
        keys = ("this", "db", "catalog")
        return exp.Table(**dict(zip(keys, reversed(parts), strict=False)))

    def table_at_time(self) -> exp.Table:
        """Read a table or a file's path, with its time, to the end of the statement."""
        begin = self.at
        if self.string() is None:
            self.table()
        self.at = begin
        tokens = self.until()
        if not tokens:
            self.fail("expected a table's name")
        return parse_into(exp.Table, tokens, self.text, from_clause=True)

    def time_behind(self, table: exp.Table, stops: Collection[str]) -> exp.Table:
        """Read the time that may follow a table just read."""
        if self.word() in stops or self.done:
            return table
        begin = self.at - 1
        tokens = [self.tokens[begin], *self.until(stops)]
        timed = parse_into(exp.Table, tokens, self.text, from_clause=True)
        table.set("version", timed.args.get("version"))
        return table

    def value(self, what: str) -> str:
        """Read a setting's value as text: a string, a number, a word or a list in brackets."""
        text = self.string()
        if text is not None:
            return text
        begin, depth = self.at, 0
        while not self.done:
            token = self.tokens[self.at]
            if depth == 0 and (word(token) == "," or token.token_type in CLOSING):
                break
            depth += (token.token_type in OPENING) - (token.token_type in CLOSING)
            self.at += 1
        if begin == self.at:
            self.fail(f"expected {what}")
        return self.text[self.tokens[begin].start : self.tokens[self.at - 1].end + 1]

    def _identifier(self) -> exp.Identifier:
        token = self.peek()
        name = self.name("a table's name")
        quoted = token is not None and token.token_type is TokenType.IDENTIFIER
        return exp.Identifier(this=name, quoted=quoted).update_positions(token)

    def until(self, stops: Collection[str] = ()) -> list[Token]:
        """Read the tokens up to one of some words outside brackets, or all that are left."""
        begin, depth = self.at, 0
        while not self.done:
            token = self.tokens[self.at]
            if depth == 0 and word(token) in stops:
                break
            if token.token_type in OPENING:
                depth += 1
            elif token.token_type in CLOSING:
                if depth == 0:
                    break
                depth -= 1
            self.at += 1
        return self.tokens[begin : self.at]

    def sql(self, what: str, stops: Collection[str] = ()) -> exp.Expr:
        """Read a query or a statement that sqlglot knows."""
        tokens = self.until(stops)
        if not tokens:
            self.fail(f"expected {what}")
        return parse_sql(tokens, self.text)

    def query(self, what: str, stops: Collection[str] = ()) -> exp.Query:
        """Read a query."""
        begin = self.peek()
        tree = as_query(self.sql(what, stops))
        if tree is None:
            self.fail(f"expected {what}", begin)
        return tree

    def expressions(self, what: str) -> tuple[exp.Expr, ...]:
        """Read a list of expressions, with aliases, as RETURNING has it."""
        tokens = self.until()
        if not tokens:
            self.fail(f"expected {what}")
        like = tokens[0]
        select = Token(TokenType.SELECT, "SELECT", like.line, like.col, like.start, like.end)
        tree = parse_sql([select, *tokens], self.text)
        return tuple(tree.expressions)

    def expression(self, what: str, stops: Collection[str] = ()) -> exp.Expr:
        """Read one expression."""
        tokens = self.until(stops)
        if not tokens:
            self.fail(f"expected {what}")
        return parse_into(exp.Expr, tokens, self.text)

    def end(self) -> None:
        """Check that the statement ends here."""
        if not self.done:
            self.fail("expected the end of the statement")

    def fail(self, message: str, token: Token | None = None, hint: str | None = None) -> NoReturn:
        """Refuse at a token, by default the next one.

        Raises: ParseError, always.
        """
        token = token or self.peek()
        if token is None:
            last = self.tokens[-1]
            where = Span(last.end + 1, last.end + 1)
            raise ParseError(f"{message}, found the end of the statement", span=where, hint=hint)
        raise ParseError(f"{message}, found '{token.text}'", span=token_span(token), hint=hint)


def as_query(tree: exp.Expr) -> exp.Query | None:
    """Give a tree as a query: PIVOT and VALUES and parentheses are queries too."""
    if isinstance(tree, (exp.Pivot, exp.Values)):
        return exp.select("*").from_(exp.Subquery(this=tree), copy=False)
    return tree if isinstance(tree, exp.Query) else None
