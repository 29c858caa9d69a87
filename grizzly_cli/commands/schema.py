"""``schema``: list, create, describe and drop schemas.

Layer: ``grizzly_cli.commands``. Invariant: each verb is one statement.
"""

from __future__ import annotations

from typing import Annotated

import typer

from grizzly_cli.context import Context, name, tables

Name = Annotated[str, typer.Argument(metavar="NAME", help="The schema.")]


def list_(ctx: typer.Context) -> int:
    """List the schemas."""
    context: Context = ctx.obj
    return context.statements("SHOW SCHEMAS")


def create(
    ctx: typer.Context,
    schema: Name,
    *,
    if_not_exists: Annotated[
        bool, typer.Option("--if-not-exists", help="Leave one that exists.")
    ] = False,
) -> int:
    """Create a schema."""
    context: Context = ctx.obj
    clause = "IF NOT EXISTS " if if_not_exists else ""
    return context.statements(f"CREATE SCHEMA {clause}{name(schema)}")


def describe(ctx: typer.Context, schema: Name) -> int:
    """List the tables of a schema."""
    context: Context = ctx.obj
    return context.statements(tables(schema))


def drop(
    ctx: typer.Context,
    schema: Name,
    *,
    cascade: Annotated[bool, typer.Option("--cascade", help="Its tables too.")] = False,
    if_exists: Annotated[bool, typer.Option("--if-exists", help="Not an error if none.")] = False,
) -> int:
    """Drop a schema; the timeline keeps what was in it."""
    context: Context = ctx.obj
    clause = "IF EXISTS " if if_exists else ""
    tail = " CASCADE" if cascade else ""
    return context.statements(f"DROP SCHEMA {clause}{name(schema)}{tail}")


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(
        help="List, create, describe and drop schemas.", rich_markup_mode=None, no_args_is_help=True
    )
    group.command("list")(list_)
    for command in (create, describe, drop):
        group.command()(command)
    app.add_typer(group, name="schema")
