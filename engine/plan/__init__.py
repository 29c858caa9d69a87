"""From statements to plans."""

from __future__ import annotations

from engine.plan.columndefs import Rule, require_name
from engine.plan.columns import stored_default
from engine.plan.constraints import with_rule
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
    "CreateSchema",
    "CreateTable",
    "CreateView",
    "Demand",
    "Drop",
    "Export",
    "Plan",
    "Planner",
    "RowWrite",
    "Rule",
    "Select",
    "Truncate",
    "comma",
    "ident",
    "literal",
    "require_name",
    "stored_default",
    "with_rule",
]
