"""ALTER TABLE, action by action.

Layer: ``plan``. Invariant: an action makes a new definition; only TYPE … USING rewrites data.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.catalog.arrangement import columns_in
from engine.errors import BindError, UnsupportedError
from engine.plan import fields
from engine.plan.columndefs import column_of, default_of, require_name, rules_of, type_of
from engine.plan.columns import find
from engine.plan.constraints import (
    checking,
    constraint_names,
    needing,
    renamed_checks,
    with_rule,
    without_key,
    without_rule,
)
from engine.plan.nodes import Demand
from engine.plan.options import shown_options, with_options, without_options
from engine.plan.places import moved
from engine.plan.text import comma, ident
from grammar import alterations as actions
from grammar import span_of, suggest

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.catalog import Column, Table
    from engine.plan.columndefs import Rule

    Step = tuple[Table, list[Demand]]


def altered(table: Table, action: actions.Alteration) -> Step:
    """Return the table after one action, and what its rows must meet first.

    Raises: BindError, UnsupportedError, UsageError.
    """
    after, demands = _ACTIONS[type(action)](table, action)
    same = replace(after, revision=table.revision) == table
    return (table, []) if same else (replace(after, revision=table.revision + 1), demands)


def _add_column(table: Table, action: actions.AddColumn) -> Step:
    if len(action.path) > 1:
        return _with(table, fields.added(_column(table, action.path), action)), []
    column, rules = column_of(action.definition, table.next_column)
    span = span_of(action.path[0])
    if table.column(column.name) is not None:
        if action.if_not_exists:
            return table, []
        raise BindError(f"{table.qualified} already has a column '{column.name}'", span=span)
    if any(rule.kind == "PRIMARY KEY" for rule in rules):
        raise UnsupportedError(
            "a column added later cannot be the key",
            span=span,
            hint="fill it first, then ALTER TABLE … ADD PRIMARY KEY (column)",
        )
    demands = []
    if not column.nullable and column.default is None:
        why = f"{table.qualified} has rows, and the new column has no value for them"
        demands.append(Demand("false", (), why, "give it a DEFAULT"))
    columns = (*table.columns, column)
    table = replace(table, columns=columns, next_column=table.next_column + 1)
    for rule in rules:
        table, more = _with_rule(table, rule)
        demands += [replace(d, fresh=True) for d in more]
    if action.place is not None:
        table = moved(table, column, action.place)
    return table, demands


def _drop_column(table: Table, action: actions.DropColumn) -> Step:
    span = span_of(action.path[-1])
    if action.if_exists and table.column(action.path[0].name) is None:
        return table, []
    column = _column(table, action.path)
    if len(action.path) > 1:
        _no_check(table, column, span)
        return _with(table, fields.dropped(column, action)), []
    needed = needing(table, column)
    if column.id in table.key:
        raise UnsupportedError(
            f"'{column.name}' is part of the key",
            span=span,
            hint="ALTER TABLE … DROP PRIMARY KEY drops the key",
        )
    if needed is not None:
        raise UnsupportedError(
            f"the constraint {needed} needs '{column.name}'",
            span=span,
            hint=f"ALTER TABLE … DROP CONSTRAINT {needed} drops it",
        )
    arranging = [n for n, v in table.options.items() if column in columns_in(table, v)]
    if arranging:
        raise UnsupportedError(
            f"the option {arranging[0]} needs '{column.name}'",
            span=span,
            hint=f"ALTER TABLE … RESET ({arranging[0]}) first",
        )
    rest = tuple(c for c in table.columns if c.id != column.id)
    if not rest:
        raise UnsupportedError("a table keeps at least one column", span=span)
    return replace(table, columns=rest), []


def _rename_column(table: Table, action: actions.RenameColumn) -> Step:
    column = _column(table, action.path)
    span = span_of(action.to)
    if len(action.path) > 1:
        _no_check(table, column, span)
        return _with(table, fields.renamed(column, action)), []
    require_name(action.to.name, span)
    other = table.column(action.to.name)
    if other is not None and other.id != column.id:
        raise BindError(f"{table.qualified} already has a column '{other.name}'", span=span)
    checks = renamed_checks(table, column.name, action.to.name)
    return _with_column(replace(table, checks=checks), column, name=action.to.name), []


def _rename_table(table: Table, action: actions.RenameTable) -> Step:
    kept = table.key_constraint if table.key else None
    return replace(table, name=action.to.name, key_name=kept), []


def _change_type(table: Table, action: actions.ChangeType) -> Step:
    column = _column(table, action.path)
    kind = type_of(action.kind, column.name, span_of(action.path[0]))
    after = fields.widened_at(column, action, kind)
    demands = []
    if kind.text == "TIMESTAMP" and column.type == "DATE":
        name = ident(column.name)
        fits = f"isinf({name}) OR year({name}) BETWEEN -290000 AND 294000"
        why = f"a date of {table.qualified}.{column.name} is beyond every TIMESTAMP"
        demands.append(Demand(fits, (), why))
    return _with(table, after), demands


def retyped(table: Table, action: actions.ChangeType) -> tuple[Table, Column]:
    """Return the table with a new column, of another type, in the place and name of an old one.

    Raises: UnsupportedError for what other definitions hold on to.
    """
    column = _column(table, action.path)
    span = span_of(action.path[0])
    if len(action.path) > 1:
        raise UnsupportedError("USING computes whole columns, not fields", span=span)
    kind = type_of(action.kind, column.name, span)
    if column.default is not None:
        raise UnsupportedError(
            f"'{column.name}' has a default of its old type",
            span=span,
            hint="ALTER COLUMN … DROP DEFAULT first",
        )
    needed = needing(table, column)
    if needed is not None and (kind.is_nested or kind.text == "INTERVAL"):
        raise UnsupportedError(f"the constraint {needed} needs '{column.name}'", span=span)
    new = replace(column, id=table.next_column, type=kind.text, initial=None, parts=(), next_part=0)

    def kept(ids: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(new.id if i == column.id else i for i in ids)

    after = table.evolve(
        columns=tuple(new if c.id == column.id else c for c in table.columns),
        key=kept(table.key),
        uniques=tuple(replace(u, columns=kept(u.columns)) for u in table.uniques),
        next_column=table.next_column + 1,
        options={},
    )
    return with_options(after, shown_options(table)), new


def _set_default(table: Table, action: actions.SetDefault) -> Step:
    column = _top(table, action.path)
    default = None if action.value is None else default_of(action.value, column.name)
    return _with_column(table, column, default=default), []


def _set_required(table: Table, action: actions.SetRequired) -> Step:
    column = _top(table, action.path)
    if not action.required and column.id in table.key:
        raise UnsupportedError(f"'{column.name}' is part of the key", span=span_of(action.path[0]))
    after = _with_column(table, column, nullable=not action.required)
    return after, [_not_null(table, column)] if action.required else []


def _move_column(table: Table, action: actions.MoveColumn) -> Step:
    column = _column(table, action.path)
    if len(action.path) > 1:
        return _with(table, fields.moved(column, action)), []
    return moved(table, column, action.place), []


def _add_constraint(table: Table, action: actions.AddConstraint) -> Step:
    demands = []
    for rule in rules_of(action.constraint):
        table, more = _with_rule(table, rule)
        demands += more
    return table, demands


def _with_rule(table: Table, rule: Rule) -> Step:
    after = with_rule(table, rule)
    if rule.kind == "CHECK":
        name = after.checks[-1].name
        why = f"a row of {table.qualified} breaks {name}, CHECK ({rule.condition})"
        return after, [Demand(rule.condition, (), why)]
    name = after.key_constraint if rule.kind == "PRIMARY KEY" else after.uniques[-1].name
    demands = []
    if rule.kind == "PRIMARY KEY":
        demands = [_not_null(table, c) for c in after.key_columns]
    why = f"two rows of {table.qualified} break {name}, {rule.kind} ({comma(rule.columns)})"
    return after, [*demands, Demand(None, rule.columns, why, "make the rows distinct first")]


def _drop_constraint(table: Table, action: actions.DropConstraint) -> Step:
    if action.name is None:
        if not table.key:
            raise BindError(f"{table.qualified} has no primary key")
        return without_key(table), []
    after = without_rule(table, action.name.name)
    if after is not None or action.if_exists:
        return after or table, []
    names = constraint_names(table)
    best = suggest(action.name.name, names)
    listed = f"its constraints are: {', '.join(names)}" if names else "it has none"
    raise BindError(
        f"{table.qualified} has no constraint '{action.name.name}'",
        span=span_of(action.name),
        hint=f"did you mean '{best}'?" if best else listed,
    )


def _set_options(table: Table, action: actions.SetOptions) -> Step:
    return with_options(table, action.options), []


def _reset_options(table: Table, action: actions.ResetOptions) -> Step:
    return without_options(table, action.names), []


def _not_null(table: Table, column: Column) -> Demand:
    why = f"a row of {table.qualified} has no {column.name}"
    name = ident(column.name)
    hint = f"fill {column.name} first, where it is NULL"
    return Demand(f"{name} IS NOT NULL", (), why, hint)


def _column(table: Table, path: actions.Path) -> Column:
    return find(table, path[0].name, span_of(path[0]))


def _top(table: Table, path: actions.Path) -> Column:
    if len(path) > 1:
        raise UnsupportedError(
            "a field inside a column has no default and no NOT NULL of its own",
            span=span_of(path[-1]),
            hint="a CHECK can say the same",
        )
    return _column(table, path)


def _no_check(table: Table, column: Column, span: Any) -> None:
    needed = checking(table, column)
    if needed is not None:
        raise UnsupportedError(
            f"the constraint {needed} reads '{column.name}'",
            span=span,
            hint=f"ALTER TABLE … DROP CONSTRAINT {needed}, and add it again afterwards",
        )


def _with_column(table: Table, old: Column, **changes: Any) -> Table:
    return _with(table, replace(old, **changes))


def _with(table: Table, column: Column) -> Table:
    columns = tuple(column if c.id == column.id else c for c in table.columns)
    return replace(table, columns=columns)


_ACTIONS: dict[type[actions.Alteration], Callable[[Table, Any], Step]] = {
    actions.AddColumn: _add_column,
    actions.AddConstraint: _add_constraint,
    actions.ChangeType: _change_type,
    actions.DropColumn: _drop_column,
    actions.DropConstraint: _drop_constraint,
    actions.MoveColumn: _move_column,
    actions.RenameColumn: _rename_column,
    actions.RenameTable: _rename_table,
    actions.ResetOptions: _reset_options,
    actions.SetDefault: _set_default,
    actions.SetOptions: _set_options,
    actions.SetRequired: _set_required,
}
