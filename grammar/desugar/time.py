"""Time behind a table's name: AS OF, SINCE … UNTIL, CHANGES FROM and their aliases.

Layer: ``grammar``. Invariant: each becomes ``AT (TIMESTAMP => marker(…))``, the one form of time
the stock parser keeps on a table; ``grammar.markers`` reads the marker back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot.tokenizer_core import Token, TokenType

from grammar.errors import ParseError
from grammar.groups import Group, Item, call, first_token, is_paren, kind, paren, words
from grammar.keywords import INTERVAL_UNITS
from grammar.spans import token_span
from grammar.tokens import is_name, synthetic, word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grammar.timetravel import Shape

AS_OF = "__grizzly_as_of"
SINCE = "__grizzly_since"
CHANGES = "__grizzly_changes"
NET = "__grizzly_net_changes"
POINT = "__grizzly_point"
OPEN = "__grizzly_open"

SHAPES: Mapping[str, Shape] = {CHANGES: "full", NET: "net", SINCE: "final"}
"""What each marker of a range asks for."""

_MARKERS = frozenset({AS_OF.upper(), *(marker.upper() for marker in SHAPES)})
_LISTED = {"FULL": CHANGES, "NET": NET}
KINDS = frozenset({"TIMESTAMP", "VERSION", "SNAPSHOT", "WATERMARK", "BRANCH"})
_LEAVES_FROM = frozenset(
    [
        "SELECT",
        "WHERE",
        "HAVING",
        "LIMIT",
        "QUALIFY",
        "WINDOW",
        "OFFSET",
        "UNION",
        "EXCEPT",
        "INTERSECT",
        "SET",
        "VALUES",
    ]
) | {"GROUP BY", "ORDER BY", "USING SAMPLE"}
_ENTERS_FROM = frozenset({"FROM", "JOIN", "USING", "PIVOT", "UNPIVOT", "TABLE", "SUMMARIZE"})
_AFTER_ALIAS = (
    _LEAVES_FROM
    | _ENTERS_FROM
    | frozenset(
        [
            "ON",
            "LEFT",
            "RIGHT",
            "INNER",
            "FULL",
            "CROSS",
            "NATURAL",
            "ASOF",
            "SEMI",
            "ANTI",
            "POSITIONAL",
            "AS",
            ",",
            ";",
        ]
    )
)


def changes_to_select(items: list[Item]) -> list[Item]:
    """Rewrite ``[GET] CHANGES [FULL|NET] FROM t …`` at the start of a level: a SELECT with a marker."""
    at = 1 if words(items[:1]) == ["GET"] else 0
    if words(items[at : at + 1]) != ["CHANGES"]:
        return items
    head = first_token(items[at])
    marker = _LISTED.get(word(items[at + 1]) if len(items) > at + 1 else "")
    at += marker is not None
    if words(items[at + 1 : at + 2]) != ["FROM"] or len(items) < at + 3:
        return items
    end = at + 2
    while end < len(items) and (is_name(_token(items[end])) or kind(items[end]) is TokenType.DOT):
        if word(items[end]) in {"SINCE", "UNTIL"} | _AFTER_ALIAS:
            break
        end += 1
    bounds, rest = _bounds(items, end, head)
    select = [synthetic(TokenType.SELECT, "SELECT", head), synthetic(TokenType.STAR, "*", head)]
    return [
        *select,
        *items[at + 1 : end],
        *_at(call(marker or CHANGES, bounds, head), head),
        *items[rest:],
    ]


def time_to_marker(items: list[Item], *, from_clause: bool) -> list[Item]:
    """Rewrite the time behind every table of this level's FROM clauses."""
    reader = _Reader(items, from_clause=from_clause)
    while reader.at < len(items):
        reader.step()
    return reader.out


@dataclass
class _Reader:
    """Walks one level and knows whether it stands in a FROM clause."""

    items: list[Item]
    from_clause: bool
    at: int = 0

    def __post_init__(self) -> None:
        self.out: list[Item] = []
        self.in_from = self.from_clause
        self.in_condition = False

    def step(self) -> None:
        """Copy one item, or rewrite the time that begins at it."""
        if self.in_from and not self.in_condition and (self.out or self.from_clause):
            taken = self._as_of() or self._at_clause() or self._since()
            if taken:
                return
        item = self.items[self.at]
        self._note(word(item), kind(item))
        self.out.append(item)
        self.at += 1

    def _note(self, spelled: str, token: TokenType | None) -> None:
        if spelled in _ENTERS_FROM and not self._is_operator(spelled):
            self.in_from, self.in_condition = True, False
        elif spelled in _LEAVES_FROM:
            self.in_from = False
        elif spelled == "ON":
            self.in_condition = True
        elif token is TokenType.COMMA:
            self.in_condition = False

    def _is_operator(self, spelled: str) -> bool:
        return spelled == "FROM" and words(self.out[-1:]) == ["DISTINCT"]

    def _words(self, count: int) -> list[str]:
        return words(self.items[self.at : self.at + count])

    def _as_of(self) -> bool:
        """AS OF x · FOR SYSTEM_TIME AS OF x · VERSION AS OF x · TIMESTAMP AS OF x."""
        spelled, skip, default = self._words(4), 0, None
        if spelled[:2] in (["FOR", "SYSTEM_TIME"], ["FOR", "TIMESTAMP"], ["FOR", "VERSION"]):
            skip, default = 2, "VERSION" if spelled[1] == "VERSION" else "TIMESTAMP"
        elif spelled[:1] in (["VERSION"], ["TIMESTAMP"]):
            skip, default = 1, spelled[0]
        if spelled[skip : skip + 2] != ["AS", "OF"]:
            return False
        begin = self.at + skip
        head = first_token(self.items[begin])
        point, end = _point(self.items, begin + 2, head, default)
        self.out += _at(call(AS_OF, [point], head), head)
        self.at = end
        return True

    def _at_clause(self) -> bool:
        """AT (VERSION => n)."""
        if self._words(1) != ["AT"] or self.at + 1 >= len(self.items):
            return False
        group = self.items[self.at + 1]
        if not (isinstance(group, Group) and is_paren(group)) or len(group.items) < 3:
            return False
        kind_word, value = word(group.items[0]), group.items[2:]
        if kind_word not in KINDS or kind(group.items[1]) is not TokenType.FARROW:
            return False
        if words(value[:1])[0] in _MARKERS:
            return False
        head = first_token(group.items[0])
        self.out += _at(call(AS_OF, [_marked_point(kind_word, value, head)], head), head)
        self.at += 2
        return True

    def _since(self) -> bool:
        """SINCE x [UNTIL y] · UNTIL y, unless the word is an alias."""
        if self._words(1) not in (["SINCE"], ["UNTIL"]):
            return False
        following = self.items[self.at + 1 : self.at + 2]
        if not following or words(following)[0] in _AFTER_ALIAS:
            return False
        if is_paren(following[0]) and self._is_column_list(following[0]):
            return False
        head = first_token(self.items[self.at])
        bounds, end = _bounds(self.items, self.at, head)
        self.out += _at(call(SINCE, bounds, head), head)
        self.at = end
        return True

    @staticmethod
    def _is_column_list(item: Item) -> bool:
        return isinstance(item, Group) and all(
            is_name(_token(part)) or kind(part) is TokenType.COMMA for part in item.items
        )


def _bounds(items: list[Item], at: int, head: Token) -> tuple[list[list[Item]], int]:
    since: list[Item] = call(OPEN, [], head)
    until: list[Item] = call(OPEN, [], head)
    if words(items[at : at + 1]) == ["SINCE"]:
        since, at = _point(items, at + 1, first_token(items[at]), None)
    if words(items[at : at + 1]) == ["UNTIL"]:
        until, at = _point(items, at + 1, first_token(items[at]), None)
    return [since, until], at


def _point(items: list[Item], at: int, head: Token, default: str | None) -> tuple[list[Item], int]:
    spelled = default
    explicit = word(items[at]) if at < len(items) else ""
    if explicit in KINDS:
        spelled, at = explicit, at + 1
    end = _operand_end(items, at)
    if end == at:
        behind = first_token(items[at - 1]) if at else head
        raise ParseError(
            f"expected a point in time after {word(behind) or 'this'}",
            span=token_span(behind),
            hint="a timestamp, VERSION n, SNAPSHOT 'name' or WATERMARK 'name'",
        )
    return _marked_point(spelled or "", items[at:end], head), end


def _marked_point(spelled: str, value: Sequence[Item], head: Token) -> list[Item]:
    value = list(value)
    if (
        spelled in {"SNAPSHOT", "WATERMARK", "BRANCH"}
        and len(value) == 1
        and is_name(_token(value[0]))
    ):
        name = first_token(value[0])
        value = [synthetic(TokenType.STRING, name.text, name)]
    elif _is_head(value):
        back = "".join(first_token(part).text for part in value)
        value = [synthetic(TokenType.STRING, back, first_token(value[0]))]
    elif len(value) == 1 and kind(value[0]) is TokenType.IDENTIFIER:
        quoted = first_token(value[0])
        value = [synthetic(TokenType.STRING, quoted.text, quoted)]
    name_of_kind: list[Item] = [synthetic(TokenType.STRING, spelled.lower(), head)]
    return call(POINT, [name_of_kind, value], head)


def _is_head(value: Sequence[Item]) -> bool:
    """Say whether items are HEAD or HEAD~2: so many versions before the newest."""
    if words(value[:1]) != ["HEAD"] or kind(value[0]) is TokenType.STRING:
        return False
    tail = [kind(part) for part in value[1:]]
    return tail in ([], [TokenType.TILDE, TokenType.NUMBER])


def _at(value: list[Item], like: Token) -> list[Item]:
    inside: list[Item] = [
        synthetic(TokenType.VAR, "TIMESTAMP", like),
        synthetic(TokenType.FARROW, "=>", like),
        *value,
    ]
    return [synthetic(TokenType.VAR, "AT", like), paren(inside, like)]


def _operand_end(items: list[Item], at: int) -> int:
    """Find the end of ``a + b - c`` where each term is a primary with casts and calls."""
    end = _primary_end(items, at)
    while end > at and end < len(items) and kind(items[end]) in {TokenType.PLUS, TokenType.DASH}:
        further = _primary_end(items, end + 1)
        if further == end + 1:
            break
        end = further
    return end


def _primary_end(items: list[Item], at: int) -> int:
    if at < len(items) and kind(items[at]) is TokenType.DASH:
        at += 1
    if at >= len(items) or word(items[at]) in _AFTER_ALIAS | {"UNTIL", ")"}:
        return at
    spelled = word(items[at])
    at += 1
    if spelled == "HEAD" and _is_head(items[at - 1 : at + 2]):
        return at + 2
    if spelled == "INTERVAL":
        at += 1
        return at + 1 if words(items[at : at + 1])[:1] and word(items[at]) in INTERVAL_UNITS else at
    if spelled in {"DATE", "TIMESTAMP", "TIMESTAMPTZ"} and at < len(items):
        at += kind(items[at]) is TokenType.STRING
    if spelled in {"$", ":"} and at < len(items):
        at += 1
    while at < len(items):
        if is_paren(items[at]) and first_token(items[at]).start == _end_of(items[at - 1]) + 1:
            at += 1
        elif kind(items[at]) in {TokenType.DOT, TokenType.DCOLON}:
            at += 2
        else:
            break
    return min(at, len(items))


def _end_of(item: Item) -> int:
    return (item.closer if isinstance(item, Group) else item).end


def _token(item: Item) -> Token | None:
    return item if isinstance(item, Token) else None
