"""``table``: list, create, describe and drop tables.

Layer: ``grizzly_cli.commands``. Invariant: each verb is one statement.
"""

from __future__ import annotations

from typing import Annotated

import typer

from engine.errors import UsageError
from grizzly_cli.context import Context, name, tables

Name = Annotated[str, typer.Argument(metavar="[SCHEMA.]NAME", help="The table.")]


def list_(
    ctx: typer.Context,
    schema: Annotated[str | None, typer.Argument(metavar="[SCHEMA]")] = None,
) -> int:
    """List the tables."""
    context: Context = ctx.obj
    return context.statements(tables(schema))


def create(
    ctx: typer.Context,
    table: Name,
    columns: Annotated[
        list[str] | None,
        typer.Argument(metavar="COLUMN...", help="As in SQL: 'id INT PRIMARY KEY'."),
    ] = None,
    *,
    query: Annotated[
        str | None, typer.Option("--as", metavar="SQL", help="Fill it from a query.")
    ] = None,
    if_not_exists: Annotated[
        bool, typer.Option("--if-not-exists", help="Leave one that exists.")
    ] = False,
) -> int:
    """Create a table.

    Example: grizzly -d shop table create t "id INT PRIMARY KEY" "name STRING"
    """
    context: Context = ctx.obj
    if bool(columns) == bool(query):
        raise UsageError("a table is made of columns, or --as a query")
    clause = "IF NOT EXISTS " if if_not_exists else ""
    body = f"AS {query}" if query else f"({', '.join(columns or [])})"
    return context.statements(f"CREATE TABLE {clause}{name(table)} {body}")


def describe(ctx: typer.Context, table: Name) -> int:
    """Show the columns of a table."""
    context: Context = ctx.obj
    return context.statements(f"DESCRIBE {name(table)}")


def drop(
    ctx: typer.Context,
    table: Name,
    *,
    if_exists: Annotated[bool, typer.Option("--if-exists", help="Not an error if none.")] = False,
) -> int:
    """Drop a table; the timeline keeps what was in it."""
    context: Context = ctx.obj
    clause = "IF EXISTS " if if_exists else ""
    return context.statements(f"DROP TABLE {clause}{name(table)}")


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(
        help="List, create, describe and drop tables.", rich_markup_mode=None, no_args_is_help=True
    )
    group.command("list")(list_)
    for command in (create, describe, drop):
        group.command()(command)
    app.add_typer(group, name="table")
