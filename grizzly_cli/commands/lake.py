"""``init``: a lakehouse that was not there.

Layer: ``grizzly_cli.commands``. Invariant: it changes no lakehouse that is there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grizzly_cli.context import Context
from grizzly_cli.diagnostics import OK


def init(
    ctx: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Default: -d, else this folder.")
    ] = None,
) -> int:
    """Make a lakehouse.

    One that is already there is left as it is.

    Example: grizzly init shop
    """
    from engine.session import create_lake  # noqa: PLC0415  # the engine loads late

    context: Context = ctx.obj
    path = directory or Path(context.settings.db or ".")
    made = create_lake(path)
    context.narrator.note(f"made a lakehouse in {path}" if made else f"{path} is one already")
    return OK


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(init)
