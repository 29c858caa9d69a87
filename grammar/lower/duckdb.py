"""A tree printed as DuckDB's SQL.

Layer: ``grammar``. Invariant: the text means to DuckDB what the tree means here, or it is refused.

What changes on the way:

- ``x[i]`` counts from 0 and ``x[a:b]`` leaves ``b`` out; DuckDB counts from 1 and takes both.
  Maps and JSON are looked up by key, as DuckDB does it. Where the type of ``x`` is not known, the
  text asks DuckDB's ``typeof``, which it folds while binding.
- ``a + b`` concatenates when a side is known to be text.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ErrorLevel, UnsupportedError

from grammar.errors import ParseError
from grammar.recursion import deep_recursion
from grammar.spans import span_of

_LARGEST = 2**63 - 1
_BY_KEY = (exp.DType.MAP, exp.DType.JSON, exp.DType.STRUCT)


def to_duckdb(ast: exp.Expr) -> str:
    """Print a tree as SQL that DuckDB runs.

    Raises: ParseError when the tree says something that this text could not.
    """
    with deep_recursion(None):
        root = ast.copy()
        root = _concatenate(root)
        root = _shift_indexes(root)
        _spread_distinct(root)
        _nulls_inside(root)
        _keep_qualifiers(root)
        return _print(root)


def _print(root: exp.Expr) -> str:
    try:
        return root.sql(
            DuckDB,
            copy=False,
            comments=False,
            normalize_functions=False,
            unsupported_level=ErrorLevel.RAISE,
        )
    except UnsupportedError as error:
        raise ParseError(
            f"cannot be run: {str(error).splitlines()[0]}", span=span_of(root), code="SEMANTIC_003"
        ) from None


def _keep_qualifiers(root: exp.Expr) -> None:
    """Inside PIVOT the printer drops the tables of all columns, those of its subquery too."""
    for pivot in root.find_all(exp.Pivot):
        for query in pivot.find_all(exp.Query):
            for column in list(query.find_all(exp.Column)):
                if column.table:
                    column.replace(exp.Dot.build([part.copy() for part in column.parts]))


# ---------------------------------------------------------------- text


def _concatenate(root: exp.Expr) -> exp.Expr:
    for node in reversed(list(root.find_all(exp.Add))):
        if not (_is_text(node.this) or _is_text(node.expression)):
            continue
        if isinstance(node.this, exp.Interval) or isinstance(node.expression, exp.Interval):
            continue
        joined = exp.DPipe(this=node.this, expression=node.expression)
        root = _replace(root, node, joined)
    return root


def _is_text(node: exp.Expr) -> bool:
    if isinstance(node, exp.Paren):
        return _is_text(node.this)
    if isinstance(node, exp.Literal):
        return bool(node.is_string)
    if isinstance(node, exp.DPipe):
        return _is_text(node.this) or _is_text(node.expression)
    if isinstance(node, exp.Cast):
        return node.to.this in exp.DataType.TEXT_TYPES
    return node.type is not None and node.type.this in exp.DataType.TEXT_TYPES


def _replace(root: exp.Expr, old: exp.Expr, new: exp.Expr) -> exp.Expr:
    if old is root:
        return new
    old.replace(new)
    return root


# ---------------------------------------------------------------- aggregates


def _spread_distinct(root: exp.Expr) -> None:
    """Print ``f(DISTINCT a, b ORDER BY c)`` as it is; sqlglot would make one value of a and b."""
    for call in root.find_all(exp.Anonymous):
        if not call.expressions:
            continue
        head = call.expressions[0]
        order = head if isinstance(head, exp.Order) else None
        distinct = order.this if order else head
        if not isinstance(distinct, exp.Distinct) or len(distinct.expressions) < 2:
            continue
        first, *others = distinct.expressions
        arguments: list[exp.Expr] = [exp.Distinct(expressions=[first]), *others]
        if order:
            arguments[-1] = exp.Order(this=others[-1], expressions=order.expressions)
        call.set("expressions", [*arguments, *call.expressions[1:]])


def _nulls_inside(root: exp.Expr) -> None:
    """Print ``f(a IGNORE NULLS)`` for any f; sqlglot knows it of a few functions only."""
    for node in list(root.find_all(exp.IgnoreNulls, exp.RespectNulls)):
        call = node.parent.parent if isinstance(node.parent, exp.Order) else node.parent
        if isinstance(call, exp.Anonymous):
            words = "IGNORE NULLS" if isinstance(node, exp.IgnoreNulls) else "RESPECT NULLS"
            node.replace(exp.var(f"{_print(node.this)} {words}"))


# ---------------------------------------------------------------- indexes


def _shift_indexes(root: exp.Expr) -> exp.Expr:
    for node in reversed(list(root.find_all(exp.Bracket))):
        if node.args.get("offset") is None and len(node.expressions) == 1:
            index = node.expressions[0]
            if isinstance(index, exp.Slice):
                _shift_slice(index)
            else:
                node.set("expressions", [_shift_index(node.this, index)])
            # The printer subtracts what it is told was already added.
            node.set("offset", DuckDB.INDEX_OFFSET)
    return root


def _shift_index(base: exp.Expr, index: exp.Expr) -> exp.Expr:
    if _is_key(index) or (base.type is not None and base.type.this in _BY_KEY):
        return index
    shifted = _from_one(index)
    if _integer(index) is not None and shifted == index:
        return index
    if _is_list(base):
        return shifted
    if _integer(index) is None:
        # The index may be the key of a map, of any type; both branches must have that type.
        number = exp.TryCast(this=index.copy(), to=exp.DataType.build("BIGINT"))
        like_key = [_from_one(number), index.copy()]
        shifted = exp.Anonymous(this="cast_to_type", expressions=like_key)
    kind = exp.Anonymous(this="typeof", expressions=[base.copy()])
    by_key = exp.Or(
        this=exp.Like(this=kind, expression=exp.Literal.string("MAP(%")),
        expression=exp.EQ(this=kind.copy(), expression=exp.Literal.string("JSON")),
    )
    return exp.Case(ifs=[exp.If(this=by_key, true=index.copy())], default=shifted)


def _is_key(index: exp.Expr) -> bool:
    if isinstance(index, (exp.Boolean, exp.Null, exp.Array, exp.Struct, exp.Tuple)):
        return True
    if isinstance(index, exp.Literal):
        return _integer(index) is None
    kind = index.to if isinstance(index, exp.Cast) else index.type
    return kind is not None and not kind.is_type(*exp.DataType.INTEGER_TYPES, exp.DType.UNKNOWN)


def _is_list(base: exp.Expr) -> bool:
    if isinstance(base, exp.Paren):
        return _is_list(base.this)
    if isinstance(base, exp.Bracket):
        return isinstance(base.expressions[0], exp.Slice)
    if base.type is not None:
        return base.type.this in {exp.DType.ARRAY, exp.DType.LIST, *exp.DataType.TEXT_TYPES}
    return isinstance(base, (exp.Array, exp.ArrayAgg, exp.List)) or _is_text(base)


def _from_one(index: exp.Expr) -> exp.Expr:
    number = _integer(index)
    if number is not None:
        return _number(number + 1 if 0 <= number < _LARGEST else number)
    return _case_negative(index, index.copy(), exp.Add(this=_wrap(index), expression=_number(1)))


def _shift_slice(part: exp.Slice) -> None:
    """``lo`` counts from 0, so add one; ``hi`` is left out, which is the same number from 1."""
    if part.this is not None:
        part.set("this", _from_one(part.this))
    high = part.expression
    if high is None:
        return
    number = _integer(high)
    if number is None:
        before = exp.Sub(this=_wrap(high), expression=_number(1))
        part.set("expression", _case_negative(high, before, high.copy()))
    elif number < 0:
        part.set("expression", _number(number - 1))


def _case_negative(index: exp.Expr, negative: exp.Expr, other: exp.Expr) -> exp.Expr:
    test = exp.LT(this=_wrap(index), expression=_number(0))
    return exp.Case(ifs=[exp.If(this=test, true=negative)], default=other)


def _wrap(node: exp.Expr) -> exp.Expr:
    copy = node.copy()
    return copy if isinstance(copy, (exp.Column, exp.Literal)) else exp.Paren(this=copy)


def _integer(node: exp.Expr) -> int | None:
    if isinstance(node, exp.Literal) and node.is_int:
        return int(node.this)
    if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal) and node.this.is_int:
        return -int(node.this.this)
    return None


def _number(value: int) -> exp.Expr:
    literal = exp.Literal.number(abs(value))
    return exp.Neg(this=literal) if value < 0 else literal
