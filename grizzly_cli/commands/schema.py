"""``schema``: list, create, describe and drop schemas; definitions as a whole.

Layer: ``grizzly_cli.commands``. Invariant: each verb is one statement.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from grizzly_cli.context import Context, literal, name, point, tables
from grizzly_cli.diagnostics import DIFFERENT, OK

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


def history(
    ctx: typer.Context,
    table: Annotated[
        str | None, typer.Argument(metavar="[TABLE]", help="Default: all tables.")
    ] = None,
) -> int:
    """List each change of a definition, and what made it.

    Example: grizzly -d shop schema history orders
    """
    context: Context = ctx.obj
    of = f" FOR {name(table)}" if table else ""
    return context.statements(f"SHOW SCHEMA HISTORY{of}")


def diff(
    ctx: typer.Context,
    since: Annotated[
        str, typer.Argument(metavar="A", help="A version, a timestamp or a snapshot's name.")
    ],
    until: Annotated[str, typer.Argument(metavar="B", help="Another; what B has is wanted.")],
    table: Annotated[
        str | None, typer.Argument(metavar="[TABLE]", help="Default: all tables.")
    ] = None,
    *,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit status 6 if there are any differences.")
    ] = False,
) -> int:
    """List what parts the definitions at two moments.

    Example: grizzly -d shop schema diff monday 17 orders
    """
    context: Context = ctx.obj
    of = f" {name(table)}" if table else ""

    def job() -> int:
        before = context.output.rows
        context.run(f"DIFF SCHEMA{of} SINCE {point(since)} UNTIL {point(until)}")
        return DIFFERENT if exit_code and context.output.rows > before else OK

    return context.supervised(job)


def export(
    ctx: typer.Context,
    table: Annotated[
        str | None, typer.Argument(metavar="[TABLE]", help="Default: everything.")
    ] = None,
) -> int:
    """Write the statements that make the definitions again.

    Example: grizzly -d shop schema export > shop.sql
    """
    context: Context = ctx.obj
    text = f"SHOW CREATE {name(table)}" if table else "SHOW CREATE ALL"

    def job() -> int:
        for result in context.session().run(text):
            for statement in result.table()["statement"].to_pylist():
                sys.stdout.write(f"{statement};\n")
        return OK

    return context.supervised(job)


def apply(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="CREATE statements, as export writes.")
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be done.")
    ] = False,
    allow_drop: Annotated[
        bool, typer.Option("--allow-drop", help="Drop what the file lacks.")
    ] = False,
) -> int:
    """Make the definitions those of a file, in one commit.

    Tables and columns are matched by name; nothing is taken for renamed.

    Example: grizzly -d shop schema apply shop.sql --dry-run
    """
    context: Context = ctx.obj
    words = (" ALLOW DROP" if allow_drop else "") + (" DRY RUN" if dry_run else "")
    return context.statements(f"APPLY SCHEMA {literal(file)}{words}")


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(
        help="Schemas and definitions: history, differences, apply.",
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    group.command("list")(list_)
    for command in (create, describe, drop, history, diff, export, apply):
        group.command()(command)
    app.add_typer(group, name="schema")
