"""The shell: read a statement, run it, show what came of it.

Layer: ``grizzly_cli``, below the commands. Invariant: the prompt is there before the engine is.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grizzly_cli.context import Context

__all__ = ["start"]


def start(context: Context, *, vi: bool = False) -> int:
    """Start the shell, or run standard input as a script where nobody is typing."""
    from grizzly_cli.repl.shell import Shell  # noqa: PLC0415  # brings the dot commands

    shell = Shell(context)
    if not sys.stdin.isatty() or context.settings.no_input:
        return context.supervised(lambda: shell.script(sys.stdin.read(), "stdin"))
    from grizzly_cli.repl.loop import loop  # noqa: PLC0415  # brings the prompt

    return loop(shell, vi=vi)
