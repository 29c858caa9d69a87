"""``branch``: lines of history beside the main one.

Layer: ``grizzly_cli.commands``. Invariant: each verb is a statement.
"""

from __future__ import annotations

from typing import Annotated

import typer

from grizzly_cli.context import Context, name, point

Name = Annotated[str, typer.Argument(metavar="NAME", help="The branch.")]


def create(
    ctx: typer.Context,
    branch: Name,
    *,
    at: Annotated[
        str | None, typer.Option("--at", metavar="REF", help="Begin at another moment than now.")
    ] = None,
) -> int:
    """Begin a branch; it costs nothing, however large the data.

    Example: grizzly -d shop branch create try; grizzly -d shop --branch try run changes.sql
    """
    context: Context = ctx.obj
    moment = f" AS OF {point(at)}" if at else ""
    return context.statements(f"CREATE BRANCH {name(branch)}{moment}")


def list_(ctx: typer.Context) -> int:
    """List the branches."""
    context: Context = ctx.obj
    return context.statements("SHOW BRANCHES")


def drop(
    ctx: typer.Context,
    branch: Name,
    *,
    if_exists: Annotated[bool, typer.Option("--if-exists", help="Not an error if none.")] = False,
) -> int:
    """Forget a branch, and what was not merged of it."""
    context: Context = ctx.obj
    clause = "IF EXISTS " if if_exists else ""
    return context.statements(f"DROP BRANCH {clause}{name(branch)}")


def merge(
    ctx: typer.Context,
    branch: Name,
    *,
    ours: Annotated[
        bool, typer.Option("--ours", help="Where both changed a row, keep main's.")
    ] = False,
    theirs: Annotated[
        bool, typer.Option("--theirs", help="Where both changed a row, take the branch's.")
    ] = False,
) -> int:
    """Bring a branch's changes to main, row by row, in one commit.

    Example: grizzly -d shop branch merge try
    """
    context: Context = ctx.obj
    if ours and theirs:
        raise typer.BadParameter("--ours and --theirs exclude each other")
    word = " ON CONFLICT OURS" if ours else " ON CONFLICT THEIRS" if theirs else ""
    return context.statements(f"MERGE BRANCH {name(branch)}{word}")


def diff(ctx: typer.Context, branch: Name) -> int:
    """Show which tables a branch changed, and how many rows."""
    context: Context = ctx.obj
    text = branch.replace("'", "''")
    return context.statements(
        'SELECT schema, "table", definition, rows_added, rows_removed '  # noqa: S608 - quoted
        f"FROM grizzly.branch_changes WHERE branch = '{text}' ORDER BY ALL"
    )


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(
        help="Try changes beside the main line, and merge them.",
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    group.command("list")(list_)
    for command in (create, drop, merge, diff):
        group.command()(command)
    app.add_typer(group, name="branch")
