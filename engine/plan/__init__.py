"""From statements to plans."""

from __future__ import annotations

from engine.plan.columndefs import Rule, require_name
from engine.plan.columns import columns_sql, stored_default
from engine.plan.constraints import with_rule
from engine.plan.desired import left_over, steps_to
from engine.plan.differences import Difference, catalog_differences, table_differences
from engine.plan.direct import Constant, Lookup, Removal, Rows, Shape, Slot, shape_of
from engine.plan.nodes import (
    OP_DELETE,
    OP_INSERT,
    OP_UPDATE,
    AlterTable,
    CreateSchema,
    CreateTable,
    CreateView,
    Demand,
    Drop,
    Export,
    Plan,
    RowWrite,
    Select,
    Truncate,
)
from engine.plan.planner import Planner
from engine.plan.text import comma, ident, literal

__all__ = [
    "OP_DELETE",
    "OP_INSERT",
    "OP_UPDATE",
    "AlterTable",
    "Constant",
    "CreateSchema",
    "CreateTable",
    "CreateView",
    "Demand",
    "Difference",
    "Drop",
    "Export",
    "Lookup",
    "Plan",
    "Planner",
    "Removal",
    "RowWrite",
    "Rows",
    "Rule",
    "Select",
    "Shape",
    "Slot",
    "Truncate",
    "catalog_differences",
    "columns_sql",
    "comma",
    "ident",
    "left_over",
    "literal",
    "require_name",
    "shape_of",
    "steps_to",
    "stored_default",
    "table_differences",
    "with_rule",
]
