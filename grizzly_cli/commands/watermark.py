"""``watermark``: how far consumers have come in tables' changes.

Layer: ``grizzly_cli.commands``. Invariant: each verb is a statement.
"""

from __future__ import annotations

from typing import Annotated

import typer

from grizzly_cli.context import Context, name, point

Name = Annotated[str, typer.Argument(metavar="NAME", help="The watermark.")]
Table = Annotated[str, typer.Argument(metavar="TABLE", help="The table whose changes are read.")]


def create(
    ctx: typer.Context,
    watermark: Name,
    table: Table,
    *,
    at: Annotated[
        str | None, typer.Option("--at", metavar="REF", help="Another moment than now.")
    ] = None,
) -> int:
    """Begin to follow a table's changes.

    Example: grizzly -d shop watermark create loader orders
    """
    context: Context = ctx.obj
    moment = f" AT {point(at)}" if at else ""
    return context.statements(f"CREATE WATERMARK {name(watermark)} ON {name(table)}{moment}")


def changes(ctx: typer.Context, watermark: Name, table: Table) -> int:
    """List what changed in a table since its watermark."""
    context: Context = ctx.obj
    return context.statements(f"CHANGES FROM {name(table)} SINCE WATERMARK {name(watermark)}")


def advance(
    ctx: typer.Context,
    watermark: Name,
    *,
    to: Annotated[
        str | None, typer.Option("--to", metavar="REF", help="Another moment than now.")
    ] = None,
) -> int:
    """Say that the changes up to a moment are dealt with."""
    context: Context = ctx.obj
    moment = f" TO {point(to)}" if to else ""
    return context.statements(f"ADVANCE WATERMARK {name(watermark)}{moment}")


def list_(ctx: typer.Context) -> int:
    """List the watermarks."""
    context: Context = ctx.obj
    return context.statements("SHOW WATERMARKS")


def drop(
    ctx: typer.Context,
    watermark: Name,
    *,
    if_exists: Annotated[bool, typer.Option("--if-exists", help="Not an error if none.")] = False,
) -> int:
    """Forget a watermark; history is no longer kept for it."""
    context: Context = ctx.obj
    clause = "IF EXISTS " if if_exists else ""
    return context.statements(f"DROP WATERMARK {clause}{name(watermark)}")


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(
        help="Follow a table's changes, each taken once.",
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    group.command("list")(list_)
    for command in (create, changes, advance, drop):
        group.command()(command)
    app.add_typer(group, name="watermark")
