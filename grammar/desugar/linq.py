"""Queries that begin with FROM and write SELECT last.

Layer: ``grammar``. Invariant: only the order of clauses changes, and two WHERE become one.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot.tokenizer_core import Token, TokenType

from grammar.desugar.clauses import CLAUSE_ORDER, CLAUSES, SET_OPERATIONS
from grammar.groups import Group, Item, paren, words
from grammar.tokens import synthetic

_ENDS = SET_OPERATIONS | {"|>", ";", "KEY", "RETURNING", "ON CONFLICT"}
_NOT_QUERIES = frozenset(
    ["DELETE", "UPDATE", "MERGE", "COPY", "SHOW", "TRUNCATE", "CREATE_INDEX", "CHANGES", "DISTINCT"]
)


@dataclass
class _Clause:
    word: str
    head: Token
    body: list[Item]


def reorder_clauses(items: list[Item]) -> list[Item]:
    """Put the clauses of every FROM-first query at this level in standard order."""
    spelled = words(items)
    if "SELECT" not in spelled or "FROM" not in spelled:
        return items
    out: list[Item] = []
    begin = 0
    for end in [*(i for i, w in enumerate(spelled) if w in _ENDS), len(items)]:
        out += _query(items[begin:end], spelled[begin:end])
        out += items[end : end + 1]
        begin = end + 1
    return out


def _query(items: list[Item], spelled: list[str]) -> list[Item]:
    if "SELECT" not in spelled or "FROM" not in spelled:
        return items
    start, select = spelled.index("FROM"), spelled.index("SELECT")
    if start > select or not _NOT_QUERIES.isdisjoint(spelled[:start]):
        return items
    clauses = _clauses(items[start:], spelled[start:])
    if [clause.word for clause in clauses[:2]] == ["FROM", "SELECT"] and _is_sorted(clauses[2:]):
        return items
    rank = {name: number for number, name in enumerate(CLAUSE_ORDER)}
    ordered = sorted(_merge_filters(clauses), key=lambda clause: rank[clause.word])
    return items[:start] + [item for clause in ordered for item in (clause.head, *clause.body)]


def _clauses(items: list[Item], spelled: list[str]) -> list[_Clause]:
    out: list[_Clause] = []
    for item, name in zip(items, spelled, strict=True):
        # IS DISTINCT FROM is an operator, not a clause.
        operator = name == "FROM" and out and words(out[-1].body[-1:]) == ["DISTINCT"]
        if name in CLAUSES and isinstance(item, Token) and not operator:
            out.append(_Clause(name, item, []))
        else:
            out[-1].body.append(item)
    return out


def _is_sorted(clauses: list[_Clause]) -> bool:
    rank = [CLAUSE_ORDER.index(clause.word) for clause in clauses]
    return rank == sorted(rank) and len(set(rank)) == len(rank)


def _merge_filters(clauses: list[_Clause]) -> list[_Clause]:
    filters = [clause for clause in clauses if clause.word == "WHERE"]
    if len(filters) < 2:
        return clauses
    first = filters[0]
    body: list[Item] = []
    for clause in filters:
        if body:
            body.append(synthetic(TokenType.AND, "AND", clause.head))
        body.append(_wrapped(clause))
    kept = [clause for clause in clauses if clause.word != "WHERE"]
    return [*kept, _Clause("WHERE", first.head, body)]


def _wrapped(clause: _Clause) -> Group:
    return paren(clause.body, clause.head)
