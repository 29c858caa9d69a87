"""Fields inside a column: added, dropped, renamed, moved and widened.

Layer: ``plan``. Invariant: a field's id is given once and never again within its column, so an old
file's field is never taken for a younger one of its name.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from engine.datatypes import Shape, parse_type, shape_of, struct_shape, widened
from engine.errors import BindError, LanguageError, UnsupportedError
from engine.plan.columndefs import column_of
from engine.plan.places import reordered
from grammar import span_of, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.catalog import Column
    from engine.datatypes import DataType
    from grammar import alterations as actions


def added(column: Column, action: actions.AddColumn) -> Column:
    """Return the column with one more field; rows that are there have NULL in it.

    Raises: BindError, UnsupportedError.
    """
    name, span = action.path[-1].name, span_of(action.path[-1])
    described, rules = column_of(action.definition, 0)
    if rules or described.default is not None or not described.nullable:
        raise UnsupportedError(
            "a field inside a column has a name and a type, and no more",
            span=span,
            hint="a CHECK can require a value",
        )
    fresh = _fresh(column)

    def change(shape: Shape) -> Shape:
        if shape.type.kind != "struct":
            raise UnsupportedError(f"a {shape.type.text} has no fields to add to", span=span)
        if shape.place(name) is not None:
            if action.if_not_exists:
                return shape
            raise BindError(f"there is already a field '{name}'", span=span)
        kind = parse_type(described.type)
        own = next(fresh)
        child = shape_of(kind, [next(fresh) for _ in shape_of(kind).parts()])
        made = struct_shape((*shape.type.names, name), (*shape.ids, own), (*shape.children, child))
        return made if action.place is None else _moved(made, len(shape.ids), action.place)

    return _changed(column, action.path[:-1], change, fresh)


def dropped(column: Column, action: actions.DropColumn) -> Column:
    """Return the column without a field.

    Raises: BindError, UnsupportedError.
    """
    last = action.path[-1]

    def change(shape: Shape) -> Shape:
        if shape.place(last.name) is None and action.if_exists:
            return shape
        at = _field(shape, last)
        if len(shape.ids) == 1:
            raise UnsupportedError("a STRUCT keeps at least one field", span=span_of(last))
        keep = [n for n in range(len(shape.ids)) if n != at]
        return _chosen(shape, keep)

    return _changed(column, action.path[:-1], change, _fresh(column))


def renamed(column: Column, action: actions.RenameColumn) -> Column:
    """Return the column with a field under another name.

    Raises: BindError.
    """

    def change(shape: Shape) -> Shape:
        at = _field(shape, action.path[-1])
        if shape.place(action.to.name) not in (None, at):
            raise BindError(f"there is already a field '{action.to.name}'", span=span_of(action.to))
        names = list(shape.type.names)
        names[at] = action.to.name
        return struct_shape(names, shape.ids, shape.children)

    return _changed(column, action.path[:-1], change, _fresh(column))


def moved(column: Column, action: actions.MoveColumn) -> Column:
    """Return the column with a field at another place.

    Raises: BindError, UsageError.
    """

    def change(shape: Shape) -> Shape:
        return _moved(shape, _field(shape, action.path[-1]), action.place)

    return _changed(column, action.path[:-1], change, _fresh(column))


def widened_at(column: Column, action: actions.ChangeType, kind: DataType) -> Column:
    """Return the column with itself, or a part of it, of a wider type.

    Raises: BindError, UnsupportedError for a type that cannot hold every value.
    """
    fresh = _fresh(column)
    try:
        return _changed(column, action.path, lambda shape: widened(shape, kind, fresh), fresh)
    except LanguageError as error:
        error.span = error.span or span_of(action.kind) or span_of(action.path[-1])
        raise


def _changed(
    column: Column, path: actions.Path, change: Callable[[Shape], Shape], fresh: Iterator[int]
) -> Column:
    before = shape_of(parse_type(column.type), column.parts)
    steps = [part.name for part in path[1:]]
    try:
        after = before.edited(steps, change)
    except KeyError as error:
        part = next(p for p in path[1:] if p.name == error.args[0])
        raise _unknown(before, steps, part) from None
    if after == before:
        return column
    parts = after.parts()
    plain = parts == tuple(range(1, len(parts) + 1)) and not column.parts
    plain = plain and len(parts) == len(before.parts())
    if plain:
        return replace(column, type=after.type.text)
    return replace(column, type=after.type.text, parts=parts, next_part=next(fresh))


def _fresh(column: Column) -> Iterator[int]:
    first = column.next_part or len(shape_of(parse_type(column.type)).parts()) + 1
    return count(first)


def _field(shape: Shape, name: Any) -> int:
    at = shape.place(name.name) if shape.ids else None
    if at is None:
        raise _unknown(shape, [], name)
    return at


def _unknown(shape: Shape, steps: list[str], part: Any) -> BindError:
    for step in steps:
        at = shape.place(step)
        if at is None:
            break
        shape = shape.children[at]
    names = list(shape.steps())
    best = suggest(part.name, names)
    listed = f"there are: {', '.join(names)}" if names else f"it is a {shape.type.text}"
    return BindError(
        f"there is no field '{part.name}'",
        span=span_of(part),
        hint=f"did you mean '{best}'?" if best else listed,
        code="SEMANTIC_004",
    )


def _moved(shape: Shape, at: int, place: actions.Place) -> Shape:
    return _chosen(shape, reordered(shape.type.names, at, place))


def _chosen(shape: Shape, order: list[int]) -> Shape:
    names = [shape.type.names[n] for n in order]
    return struct_shape(names, [shape.ids[n] for n in order], [shape.children[n] for n in order])
