"""``snapshot``: names for moments.

Layer: ``grizzly_cli.commands``. Invariant: each verb is a statement; restoring adds a commit and
takes none away.
"""

from __future__ import annotations

from typing import Annotated

import typer

from grizzly_cli.context import Context, name, point
from grizzly_cli.diagnostics import OK

Name = Annotated[str, typer.Argument(metavar="NAME", help="The snapshot.")]


def create(
    ctx: typer.Context,
    snapshot: Name,
    *,
    at: Annotated[
        str | None, typer.Option("--at", metavar="REF", help="Another moment than now.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Move a snapshot of that name.")
    ] = False,
) -> int:
    """Name this moment, or another.

    Example: grizzly -d shop snapshot create monday
    """
    context: Context = ctx.obj
    verb = "CREATE OR REPLACE SNAPSHOT" if replace else "CREATE SNAPSHOT"
    moment = f" AS OF {point(at)}" if at else ""
    return context.statements(f"{verb} {name(snapshot)}{moment}")


def list_(ctx: typer.Context) -> int:
    """List the snapshots."""
    context: Context = ctx.obj
    return context.statements("SHOW SNAPSHOTS")


def drop(
    ctx: typer.Context,
    snapshot: Name,
    *,
    if_exists: Annotated[bool, typer.Option("--if-exists", help="Not an error if none.")] = False,
) -> int:
    """Forget a name; the moment stays in the timeline."""
    context: Context = ctx.obj
    clause = "IF EXISTS " if if_exists else ""
    return context.statements(f"DROP SNAPSHOT {clause}{name(snapshot)}")


def restore(
    ctx: typer.Context,
    snapshot: Name,
    tables: Annotated[
        list[str] | None, typer.Argument(metavar="[TABLE...]", help="Default: all tables.")
    ] = None,
) -> int:
    """Bring tables back as they were, in one new commit.

    Example: grizzly -d shop snapshot restore monday flights
    """
    context: Context = ctx.obj

    if not tables:
        return context.statements(f"RESTORE LAKEHOUSE TO {point(snapshot)}")

    def job() -> int:
        context.run("BEGIN")
        for table in tables:
            context.run(f"RESTORE TABLE {name(table)} TO {point(snapshot)}")
        context.run("COMMIT")
        return OK

    return context.supervised(job)


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(
        help="Name moments, and go back to them.", rich_markup_mode=None, no_args_is_help=True
    )
    group.command("list")(list_)
    for command in (create, drop, restore):
        group.command()(command)
    app.add_typer(group, name="snapshot")
