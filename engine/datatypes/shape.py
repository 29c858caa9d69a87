"""A type whose struct fields have ids, so that a field outlives its name and its place.

Layer: ``engine.datatypes``. Invariant: ``shape_of(s.type, s.parts())`` equals ``s``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from engine.datatypes.parse import parse_type
from engine.datatypes.types import DataType, array_of, list_of, map_of, struct_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_STEPS = {"list": ("element",), "array": ("element",), "map": ("key", "value")}
"""What the parts of a type are called on a path, where they have no names of their own."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A type; ``ids`` are those of a struct's fields, in order, and empty for anything else."""

    type: DataType
    ids: tuple[int, ...] = ()
    children: tuple[Shape, ...] = ()

    def parts(self) -> tuple[int, ...]:
        """Return all ids in the order the type's text names the fields."""
        if self.type.kind != "struct":
            return tuple(i for child in self.children for i in child.parts())
        pairs = zip(self.ids, self.children, strict=True)
        return tuple(i for own, child in pairs for i in (own, *child.parts()))

    def steps(self) -> tuple[str, ...]:
        """Return the names by which a path reaches each child."""
        return self.type.names or _STEPS.get(self.type.kind, ())

    def place(self, name: str) -> int | None:
        """Return where the child of that name in any case stands, or None."""
        folded = [step.lower() for step in self.steps()]
        return folded.index(name.lower()) if name.lower() in folded else None

    def with_children(self, children: Sequence[Shape]) -> Shape:
        """Return the same kind of type around other children."""
        types = [child.type for child in children]
        if self.type.kind == "struct":
            return struct_shape(self.type.names, self.ids, children)
        made = (
            map_of(types[0], types[1])
            if self.type.kind == "map"
            else list_of(types[0])
            if self.type.kind == "list"
            else array_of(types[0], self.type.size)
        )
        return Shape(made, (), tuple(children))

    def edited(self, path: Sequence[str], change: Callable[[Shape], Shape]) -> Shape:
        """Return the shape with ``change`` applied to what ``path`` leads to.

        Raises: KeyError with the step that leads nowhere.
        """
        if not path:
            return change(self)
        at = self.place(path[0])
        if at is None:
            raise KeyError(path[0])
        children = list(self.children)
        children[at] = children[at].edited(path[1:], change)
        return self.with_children(children)


def shape_of(t: DataType, parts: Sequence[int] = ()) -> Shape:
    """Return a type with the ids of its fields; without ``parts`` they count from 1."""
    return _shape(t, iter(parts) if parts else count(1))


def struct_shape(names: Sequence[str], ids: Sequence[int], children: Sequence[Shape]) -> Shape:
    """Return the struct of these fields."""
    made = struct_of(names, [child.type for child in children])
    return Shape(parse_type(made.text), tuple(ids), tuple(children))


def _shape(t: DataType, ids: Iterator[int]) -> Shape:
    if t.kind != "struct":
        return Shape(t, (), tuple(_shape(child, ids) for child in t.children))
    own, children = [], []
    for child in t.children:
        own.append(next(ids))
        children.append(_shape(child, ids))
    return Shape(t, tuple(own), tuple(children))
