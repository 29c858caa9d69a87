"""``completion`` and ``version``: the program itself.

Layer: ``grizzly_cli.commands``. Invariant: none of these needs a lakehouse.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from grizzly_cli import __version__
from grizzly_cli.context import Context
from grizzly_cli.diagnostics import OK


class Shell(StrEnum):
    """The shells that can complete our words."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    ctx: typer.Context,
    shell: Annotated[Shell, typer.Argument(help="The shell to write it for.")],
) -> int:
    """Write a completion script for bash, zsh or fish.

    Example: eval "$(grizzly completion bash)"
    """
    from typer._completion_shared import get_completion_script  # noqa: PLC0415  # only this needs it

    context: Context = ctx.obj
    script = get_completion_script(
        prog_name="grizzly", complete_var="_GRIZZLY_COMPLETE", shell=shell.value
    )
    context.output.raw(script.encode() + b"\n")
    return OK


def version(ctx: typer.Context) -> int:
    """Show the version."""
    context: Context = ctx.obj
    context.output.raw(f"grizzly {__version__}\n".encode())
    return OK


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(completion)
    app.command()(version)
