"""The trees inside a statement, and what they ask of whoever runs it.

Layer: ``analyze``. Invariant: callers above need no sqlglot to look into a statement.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from sqlglot import exp

from grammar.alterations import Alteration
from grammar.nodes import Statement
from grammar.timetravel import Point

if TYPE_CHECKING:
    from collections.abc import Iterable


def trees_of(statement: Statement | Alteration) -> list[exp.Expr]:
    """Return every tree a statement holds, as parsed."""
    found: list[exp.Expr] = []
    for field in fields(statement):
        value = getattr(statement, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, exp.Expr):
                found.append(part)
            elif isinstance(part, Point):
                found.append(part.expr)
            elif isinstance(part, (Statement, Alteration)):
                found += trees_of(part)
    return found


def parameters(trees: Iterable[exp.Expr]) -> set[str]:
    """Return the names of the parameters in the trees; ``?`` and ``$1`` are called ``_1``."""
    found = (n for tree in trees for n in tree.find_all(exp.Placeholder, exp.Parameter))
    return {node.name for node in found}


def quoted_as_text(trees: Iterable[exp.Expr], name: str) -> bool:
    """Turn columns written ``"name"`` into the text ``'name'``; return whether there were any.

    Source: the language's rule for double quotes, where no column has that name.
    """
    changed = False
    for tree in trees:
        for column in list(tree.find_all(exp.Column)):
            identifier = column.this
            if (
                isinstance(identifier, exp.Identifier)
                and identifier.meta.get("dq")
                and not column.table
                and identifier.name.lower() == name.lower()
                and column.parent is not None
            ):
                text = exp.Literal.string(identifier.name)
                text.meta.update(identifier.meta)
                column.replace(text)
                changed = True
    return changed
