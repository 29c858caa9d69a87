"""From statements to plans."""

from __future__ import annotations

from engine.plan.columndefs import require_name
from engine.plan.columns import stored_default
from engine.plan.definitions import key_ids, require_key
from engine.plan.nodes import (
    OP_DELETE,
    OP_INSERT,
    OP_UPDATE,
    AlterTable,
    CreateSchema,
    CreateTable,
    CreateView,
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
    "Drop",
    "Export",
    "Plan",
    "Planner",
    "RowWrite",
    "Select",
    "Truncate",
    "comma",
    "ident",
    "key_ids",
    "literal",
    "require_key",
    "require_name",
    "stored_default",
]
