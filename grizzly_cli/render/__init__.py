"""Results to bytes: grids for people, delimited and binary formats for programs.

Layer: bottom of ``grizzly_cli``. Invariant: nothing is left out of the output without being counted
in what ``write`` returns.
"""

from __future__ import annotations

from grizzly_cli.render.target import Rows, Shown, Target, write

__all__ = ["Rows", "Shown", "Target", "write"]
