"""One invocation: its settings, its session opened late, where its output goes.

Layer: ``grizzly_cli``, above render, options and diagnostics. Invariant: the engine is imported
when a session is first asked for, never before.
"""

from __future__ import annotations

from grizzly_cli.context.context import Context, run_texts
from grizzly_cli.context.sql import commits, known, literal, name, point, tables
from grizzly_cli.context.supervise import AbandonedError, supervise

__all__ = [
    "AbandonedError",
    "Context",
    "commits",
    "known",
    "literal",
    "name",
    "point",
    "run_texts",
    "supervise",
    "tables",
]
