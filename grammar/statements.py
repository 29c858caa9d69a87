"""Where one statement ends and the next begins, in tokens.

Layer: ``grammar``. Invariant: this is the one rule. A statement ends at a semicolon; it also ends
at a line break where it is complete and the next line starts with a word that can only begin
another statement. A word that could go on (``FROM`` after a SELECT list, ``SET`` after UPDATE,
``DROP`` after ALTER TABLE) never ends one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot.tokenizer_core import Token, TokenType

from grammar.tokens import CLOSING, OPENING, word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_QUERY = frozenset({"SELECT", "FROM", "WITH", "VALUES"})
_STARTS = frozenset(
    [
        "INSERT",
        "UPDATE",
        "DELETE",
        "UPSERT",
        "MERGE",
        "CREATE",
        "DROP",
        "ALTER",
        "TRUNCATE",
        "COPY",
        "PUT",
        "SHOW",
        "DESCRIBE",
        "SUMMARIZE",
        "EXPLAIN",
        "SET",
        "RESET",
        "USE",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "RESTORE",
        "SAVEPOINT",
        "RELEASE",
        "UNDO",
        "COMPACT",
        "MIGRATE",
        "DIFF",
        "APPLY",
        "OPTIMIZE",
        "VACUUM",
        "UNVACUUM",
        "VERIFY",
        "PROVE",
        "ADVANCE",
    ]
)
# After these words a statement goes on, whatever begins the next line.
_GOES_ON = frozenset(
    [
        "THEN",
        "DO",
        "ON",
        "OR",
        "AND",
        "NOT",
        "REPLACE",
        "CREATE",
        "EXPLAIN",
        "ANALYZE",
        "FOR",
        "AS",
        "WITH",
        "SET",
        "TABLE",
        "VIEW",
        "ALL",
        "AT",
        "BY",
        "NAME",
        "UNION",
        "EXCEPT",
        "INTERSECT",
        "DISTINCT",
        "SELECT",
        "FROM",
        "WHERE",
        "HAVING",
        "INTO",
        "UPDATE",
        "DELETE",
        "INSERT",
        "JOIN",
        "USING",
        "LATERAL",
        "IN",
        "IS",
        "LIKE",
        "BETWEEN",
        "CASE",
        "WHEN",
        "ELSE",
        "RECURSIVE",
        "MATERIALIZED",
        "COLUMN",
        "DEFAULT",
        "TO",
        "CASCADE",
        "DESCRIBE",
        "SUMMARIZE",
        "CHANGES",
        "GET",
        "COPY",
        "UPSERT",
        "OF",
        "EXISTS",
        "IF",
        "PIVOT",
        "VERSION",
        "TIMESTAMP",
        "SNAPSHOT",
        "WATERMARK",
    ]
) | {"GROUP BY", "ORDER BY"}
_OPERATORS = frozenset(
    {
        TokenType.COMMA,
        TokenType.DOT,
        TokenType.EQ,
        TokenType.PLUS,
        TokenType.DASH,
        TokenType.SLASH,
        TokenType.DPIPE,
        TokenType.LT,
        TokenType.GT,
        TokenType.LTE,
        TokenType.GTE,
        TokenType.NEQ,
        TokenType.ARROW,
        TokenType.FARROW,
        TokenType.DCOLON,
        TokenType.COLON,
        TokenType.DIV,
        TokenType.MOD,
        TokenType.PIPE_GT,
    }
)
# Words that begin a clause of these statements too.
_OWN_CLAUSES = {
    "ALTER": frozenset({"DROP", "ALTER", "SET", "RESET"}),
    "UPDATE": frozenset({"SET", "FROM"}),
    "MERGE": frozenset({"UPDATE", "INSERT", "DELETE", "SET", "VALUES", "SELECT", "FROM"}),
    "INSERT": frozenset({"UPDATE", "SET"}),
    "CREATE": frozenset({"SET"}),
}
_NO_QUERY_HEADS = frozenset(
    [
        "DROP",
        "ALTER",
        "TRUNCATE",
        "SHOW",
        "SET",
        "RESET",
        "USE",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "RESTORE",
        "SAVEPOINT",
        "RELEASE",
        "UNDO",
        "COMPACT",
        "OPTIMIZE",
        "VACUUM",
        "UNVACUUM",
        "VERIFY",
        "PROVE",
        "UPDATE",
        "DELETE",
    ]
)


def statement_tokens(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Give the tokens of each statement, without the semicolons; empty statements are left out."""
    state = _State()
    part: list[Token] = []
    for number, token in enumerate(tokens):
        if token.token_type is TokenType.SEMICOLON and state.depth == 0:
            if part:
                yield part
            part, state = [], _State()
            continue
        following = tokens[number + 1 : number + 4]
        if part and state.ends_before(token, part[-1], following):
            yield part
            part, state = [], _State()
        part.append(token)
        state.read(token)
    if part:
        yield part


@dataclass
class _State:
    """What was read of a statement, outside brackets."""

    head: str = ""
    last: str = ""
    depth: int = 0
    cases: int = 0
    seen: set[str] = field(default_factory=set)

    def read(self, token: Token) -> None:
        spelled = word(token)
        if token.token_type in OPENING:
            self.depth += 1
        elif token.token_type in CLOSING:
            self.depth = max(0, self.depth - 1)
        elif self.depth == 0:
            self._read_word(spelled)
        self.head = self.head or spelled or "?"

    def _read_word(self, spelled: str) -> None:
        if spelled in {"UNION", "EXCEPT", "INTERSECT"}:
            self.seen -= _QUERY
        elif spelled in {"CASE", "END"}:
            self.cases += 1 if spelled == "CASE" else -1
        elif spelled and not (spelled == "FROM" and self.last == "DISTINCT"):
            self.seen.add(spelled)
        self.last = spelled

    def ends_before(self, token: Token, before: Token, following: Sequence[Token]) -> bool:
        if self.depth or self.cases > 0 or token.line == before.line:
            return False
        if before.token_type in _OPERATORS or word(before) in _GOES_ON:
            return False
        spelled = word(token)
        if spelled in _OWN_CLAUSES.get(self.head, ()):
            return False
        if spelled in _QUERY:
            return self._query_is_new(spelled, following)
        if spelled not in _STARTS or not _looks_like_start(spelled, following):
            return False
        return not self._waits_for_verb()

    def _waits_for_verb(self) -> bool:
        if self.head == "WITH":
            return self.seen.isdisjoint(_QUERY - {"WITH"} | _STARTS)
        return self.head == "EXPLAIN" and len(self.seen) == 1

    def _query_is_new(self, spelled: str, following: Sequence[Token]) -> bool:
        if self.head in _NO_QUERY_HEADS:
            return True
        complete = not self.seen.isdisjoint({"SELECT", "VALUES", "FROM"})
        if spelled == "WITH":
            return complete and _is_cte(following)
        values = "VALUES" in self.seen and "FROM" not in self.seen
        if spelled in {"SELECT", "FROM"}:
            return spelled in self.seen or values
        return complete


def _is_cte(following: Sequence[Token]) -> bool:
    return "AS" in {word(token) for token in following} or word(following[0]) == "RECURSIVE"


def _looks_like_start(spelled: str, following: Sequence[Token]) -> bool:
    """Tell a statement from a column or an alias that happens to have its name."""
    if not following:
        return spelled in {"BEGIN", "COMMIT", "ROLLBACK", "COMPACT", "UNDO", "VACUUM", "UNVACUUM"}
    after = following[0]
    if after.token_type in CLOSING | _OPERATORS or word(after) in {"(", "AS", "JOIN", "ON"}:
        return after.token_type is TokenType.L_PAREN and spelled in {"COPY", "EXPLAIN", "DESCRIBE"}
    if after.token_type is TokenType.SEMICOLON:
        return spelled in {"BEGIN", "COMMIT", "ROLLBACK", "COMPACT", "UNDO", "VACUUM", "UNVACUUM"}
    return word(after) not in _QUERY or spelled in {"EXPLAIN", "DESCRIBE", "SUMMARIZE", "DELETE"}
