"""``vacuum`` and ``unvacuum``: room for what nobody needs any more.

Layer: ``grizzly_cli.commands``. Invariant: nothing moves without ``--run``, and nothing is deleted
without ``--purge``.
"""

from __future__ import annotations

from typing import Annotated

import typer

from engine.errors import UsageError
from grizzly_cli.context import Context, name


def vacuum(
    ctx: typer.Context,
    table: Annotated[
        str | None, typer.Argument(metavar="[TABLE]", help="Default: the whole lakehouse.")
    ] = None,
    *,
    retain: Annotated[
        str | None,
        typer.Option(
            "--retain",
            metavar="TEXT",
            help="What to keep: '30 days', '100 versions'. Default: 7 days.",
        ),
    ] = None,
    run: Annotated[bool, typer.Option("--run", help="Do it; else it is only told.")] = False,
    purge: Annotated[
        bool, typer.Option("--purge", help="Delete what lay in the trash for 7 days, or --retain.")
    ] = False,
) -> int:
    """Move data that no kept version needs to the trash.

    Kept are the versions of the last days, and those that a snapshot, a branch, a watermark or a
    running reader holds. Without --run it is only told what would move.

    Example: grizzly -d shop vacuum --retain "30 days" --run
    """
    context: Context = ctx.obj
    if purge and (table is not None or run):
        raise UsageError("--purge goes alone, or with --retain")
    words = ["VACUUM", "PURGE" if purge else "", name(table) if table else ""]
    words += [f"RETAIN {retain}" if retain else "", "RUN" if run else ""]
    return context.statements(" ".join(word for word in words if word))


def unvacuum(ctx: typer.Context) -> int:
    """Bring back what vacuum moved to the trash.

    Example: grizzly -d shop unvacuum
    """
    context: Context = ctx.obj
    return context.statements("UNVACUUM")


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(vacuum)
    app.command()(unvacuum)
