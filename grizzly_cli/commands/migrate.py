"""``migrate``: a folder of scripts that change definitions, step by step.

Layer: ``grizzly_cli.commands``. Invariant: each verb is one statement; each migration is one commit.
"""

from __future__ import annotations

from typing import Annotated

import typer

from grizzly_cli.context import Context, literal

Folder = Annotated[
    str, typer.Argument(metavar="[FOLDER]", help="Files like 0001_create_orders.sql.")
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="NAME", help="Stop at this migration, its file's stem."),
]
DEFAULT = "migrations"


def plan(ctx: typer.Context, folder: Folder = DEFAULT, *, to: To = None) -> int:
    """Show what pending migrations would do; nothing is run.

    Example: grizzly -d shop migrate plan
    """
    return _run(ctx, "PLAN", folder, to)


def up(ctx: typer.Context, folder: Folder = DEFAULT, *, to: To = None) -> int:
    """Apply the pending migrations, each as one commit.

    Example: grizzly -d shop migrate up --to 0002_widen
    """
    return _run(ctx, "UP", folder, to)


def down(ctx: typer.Context, folder: Folder = DEFAULT, *, to: To = None) -> int:
    """Undo the newest migration, or all that came after one.

    A file's part behind a line "-- down" says how; without one, the migration's commit is undone row
    by row, and refused when a later commit changed the same.

    Example: grizzly -d shop migrate down
    """
    return _run(ctx, "DOWN", folder, to)


def status(ctx: typer.Context, folder: Folder = DEFAULT) -> int:
    """List the migrations, and what became of each.

    Each is pending, applied, changed since, or without its file.

    Example: grizzly -d shop migrate status
    """
    return _run(ctx, "STATUS", folder, None)


def _run(ctx: typer.Context, action: str, folder: str, to: str | None) -> int:
    context: Context = ctx.obj
    end = f" TO {literal(to)}" if to else ""
    return context.statements(f"MIGRATE {action} {literal(folder)}{end}")


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(
        help="Plan, apply and undo a folder of migrations.",
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    for command in (plan, up, down, status):
        group.command()(command)
    app.add_typer(group, name="migrate")
