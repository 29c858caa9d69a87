"""What the relational engine complains about, said in our words and pointed at in the user's text.

Layer: ``analyze``. Invariant: a backend's wording never reaches the user unchanged; when a complaint
is not recognised, its first line is quoted as the cause and the whole statement is the span.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from engine.analyze.functions import function_name
from engine.analyze.sources import RESERVED
from engine.errors import (
    BindError,
    ExecutionError,
    GrizzlyError,
    ParseError,
    TypeMismatchError,
    UnsupportedError,
)
from grammar import Span, span_of, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_COLUMN = re.compile(
    r'(?:Referenced column "(?P<a>[^"]+)" (?:was )?not found'
    r'|(?:Table|Values list) "(?P<t>[^"]+)" does not have a column named "(?P<b>[^"]+)")'
)
_CANDIDATES = re.compile(r"Candidate (?:bindings|tables): (?P<list>[^\n]+)")
_TABLE = re.compile(r'Referenced table "(?P<name>[^"]+)" not found')
_AMBIGUOUS = re.compile(
    r'Ambiguous reference to column name "(?P<name>[^"]+)" \(use: (?P<use>.+)\)'
)
_FUNCTION = re.compile(
    r"(?:Scalar|Table|Aggregate|Macro)? ?Function with name (?P<name>\S+) does not exist"
)
_GROUP = re.compile(r'column "?(?P<name>[^"]+?)"? must appear in the GROUP BY clause')
_NO_MATCH = re.compile(r"No function matches the given name and argument types '(?P<call>.+?)'\.")
_BEST = re.compile(
    r"Could not choose a best candidate function for the function call \"(?P<call>.+?)\"\."
)
_COMPARE = re.compile(
    r"cannot (?:compare|mix) values of type (?P<a>[^ ]+) and (?:type )?(?P<b>[^ ]+)", re.IGNORECASE
)
_CONVERT = re.compile(r"Could not convert (?P<what>.+?) to (?P<type>\S+)")
_OUT_OF_RANGE = re.compile(
    r"Type (?P<from>\S+) with value (?P<value>.+?) can't be cast .* destination type (?P<to>\S+)"
)
_OVERFLOW = re.compile(r"Overflow in (?P<what>.+?)[!.]?$")
_ZERO = re.compile(r"Division by zero")
_SOURCE_NAME = re.compile(rf"\b{RESERVED}\w+\b")

_INTERNAL_TYPES = {
    "INT8": "TINYINT",
    "INT16": "SMALLINT",
    "INT32": "INTEGER",
    "INT64": "BIGINT",
    "INT128": "HUGEINT",
    "UINT8": "UTINYINT",
    "UINT16": "USMALLINT",
    "UINT32": "UINTEGER",
    "UINT64": "UBIGINT",
    "UINT128": "UHUGEINT",
}


def blame(
    kind: str,
    message: str,
    trees: Sequence[exp.Expr],
    whole: Span | None,
    functions: Callable[[], Sequence[str]],
) -> GrizzlyError:
    """Return our error for a complaint of the relational engine.

    ``trees`` are the statement's parts as parsed, with positions; ``functions`` lists known names.
    """
    for rule in _RULES:
        error = rule(message, trees, functions)
        if error is not None:
            error.span = error.span or whole
            return error
    return _fallback(kind, message, whole)


def _column(message: str, trees: Sequence[exp.Expr], _: object) -> GrizzlyError | None:
    found = _COLUMN.search(message)
    if found is None:
        return None
    name = found["a"] or found["b"]
    listed = _CANDIDATES.search(message)
    candidates = re.findall(r'"([^"]+)"', listed["list"]) if listed else []
    candidates = [c for c in candidates if not c.startswith("_")]
    best = suggest(name, candidates)
    hint = None
    if best:
        hint = f"did you mean '{best}'?"
    elif candidates:
        hint = f"in scope: {', '.join(candidates[:6])}"
    return BindError(
        f"there is no column '{name}' here",
        span=_identifier(trees, name),
        hint=hint,
        code="SEMANTIC_004",
    )


def _table(message: str, trees: Sequence[exp.Expr], _: object) -> GrizzlyError | None:
    found = _TABLE.search(message)
    if found is None:
        return None
    listed = _CANDIDATES.search(message)
    names = re.findall(r'"([^"]+)"', listed["list"]) if listed else []
    hint = f"in scope: {', '.join(names)}" if names else None
    return BindError(
        f"'{found['name']}' is not a table of this query's FROM",
        span=_identifier(trees, found["name"]),
        hint=hint,
    )


def _ambiguous(message: str, trees: Sequence[exp.Expr], _: object) -> GrizzlyError | None:
    found = _AMBIGUOUS.search(message)
    if found is None:
        return None
    return BindError(
        f"the column '{found['name']}' is in more than one table",
        span=_identifier(trees, found["name"]),
        hint=f"say which: {found['use'].replace(chr(39), '')}",
        code="SEMANTIC_005",
    )


def _function(
    message: str, trees: Sequence[exp.Expr], functions: Callable[[], Sequence[str]]
) -> GrizzlyError | None:
    found = _FUNCTION.search(message)
    if found is None:
        return None
    name = found["name"].strip('"')
    best = suggest(name, functions())
    return BindError(
        f"there is no function '{name}'",
        span=_call(trees, name),
        hint=f"did you mean '{best}'?" if best else None,
        code="SEMANTIC_006",
    )


def _group(message: str, trees: Sequence[exp.Expr], _: object) -> GrizzlyError | None:
    found = _GROUP.search(message)
    if found is None:
        return None
    name = found["name"].rsplit(".", 1)[-1].strip('"')
    return BindError(
        f"the column '{name}' is neither grouped nor aggregated",
        span=_identifier(trees, name),
        hint=f"add it to GROUP BY, or use any_value({name})",
        code="SEMANTIC_007",
    )


def _arguments(message: str, trees: Sequence[exp.Expr], _: object) -> GrizzlyError | None:
    found = _NO_MATCH.search(message) or _BEST.search(message)
    if found is None:
        return None
    call = found["call"].replace("_LITERAL", "")
    name = call.split("(", 1)[0]
    return TypeMismatchError(
        f"{name} cannot take these arguments: {call}",
        span=_call(trees, name),
        hint="add a cast, for example x::INTEGER",
    )


def _comparison(message: str, trees: Sequence[exp.Expr], _: object) -> GrizzlyError | None:
    found = _COMPARE.search(message)
    if found is None:
        return None
    sides = [found[s].replace("_LITERAL", "") for s in ("a", "b")]
    return TypeMismatchError(
        f"{sides[0]} and {sides[1]} cannot be compared or mixed",
        span=_first_mixed(trees),
        hint="cast one side, for example x::INTEGER",
        code="TYPE_004",
    )


def _first_mixed(trees: Sequence[exp.Expr]) -> Span | None:
    """Return the column of a comparison with a literal, when the statement has but one such."""
    found = [
        span
        for tree in trees
        for node in tree.find_all(exp.Predicate)
        if isinstance(node, exp.Binary)
        and isinstance(node.left, exp.Column)
        and isinstance(node.right, exp.Literal)
        and (span := span_of(node.left)) is not None
    ]
    return found[0] if len(found) == 1 else None


def _conversion(message: str, trees: Sequence[exp.Expr], _: object) -> GrizzlyError | None:
    found = _CONVERT.search(message)
    if found is not None:
        target = _INTERNAL_TYPES.get(found["type"], found["type"])
        text = found["what"].removeprefix("string ").strip("'\"")
        return ExecutionError(
            f"{found['what']} is not a value of type {target}",
            span=_literal(trees, text),
            hint="TRY_CAST gives NULL instead of an error",
            code="TYPE_002",
        )
    found = _OUT_OF_RANGE.search(message)
    if found is None:
        return None
    target = _INTERNAL_TYPES.get(found["to"], found["to"])
    return ExecutionError(
        f"{found['value']} is out of the range of {target}",
        span=_literal(trees, found["value"]),
        code="TYPE_003",
    )


def _arithmetic(message: str, _: Sequence[exp.Expr], __: object) -> GrizzlyError | None:
    if _ZERO.search(message):
        return ExecutionError(
            "division by zero", hint="guard it: x // nullif(y, 0)", code="RUNTIME_002"
        )
    found = _OVERFLOW.search(message)
    if found is None:
        return None
    what = found["what"]
    for ours, theirs in _INTERNAL_TYPES.items():
        what = re.sub(rf"\b{ours}\b", theirs, what)
    return ExecutionError(
        f"overflow in {what}",
        hint="cast to a wider type, for example x::HUGEINT",
        code="RUNTIME_003",
    )


_RULES = (
    _column,
    _table,
    _ambiguous,
    _function,
    _group,
    _arguments,
    _comparison,
    _conversion,
    _arithmetic,
)


def _fallback(kind: str, message: str, whole: Span | None) -> GrizzlyError:
    first = _SOURCE_NAME.sub("the table", message.split("\n", 1)[0]).strip()
    text = first if first[1:2].isupper() else first[:1].lower() + first[1:]
    if kind == "parse":
        return ParseError(f"this is not a valid statement: {text}", span=whole)
    if kind in ("bind", "catalog"):
        return BindError(text, span=whole, code="SEMANTIC_008")
    if kind in ("unsupported", "forbidden"):
        return UnsupportedError(text, span=whole)
    if kind == "memory":
        return ExecutionError("the statement needs more memory than it may have", span=whole)
    return ExecutionError(text, span=whole)


def place_of(trees: Sequence[exp.Expr], name: str) -> Span | None:
    """Return where a statement names something, as an identifier or as text."""
    return _identifier(trees, name) or _literal(trees, name)


def _identifier(trees: Sequence[exp.Expr], name: str) -> Span | None:
    for tree in trees:
        for node in tree.find_all(exp.Identifier):
            if node.name.lower() == name.lower() and (span := span_of(node)):
                return span
    return None


def _call(trees: Sequence[exp.Expr], name: str) -> Span | None:
    for tree in trees:
        for node in tree.find_all(exp.Func):
            if function_name(node) == name.lower() and (span := span_of(node)):
                return span
    return None


def _literal(trees: Sequence[exp.Expr], text: str) -> Span | None:
    for tree in trees:
        for node in tree.find_all(exp.Literal):
            if node.name == text and (span := span_of(node)):
                return span
    return None
