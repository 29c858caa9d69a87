"""``timeline``, ``changes`` and ``time-travel``: the past.

Layer: ``grizzly_cli.commands``. Invariant: each verb is one query.
"""

from __future__ import annotations

from typing import Annotated

import typer

from engine.errors import UsageError
from grizzly_cli.context import Context, commits, known, name, point
from grizzly_cli.diagnostics import DIFFERENT, OK

Since = Annotated[
    str | None,
    typer.Option("--since", metavar="REF", help="A version, a timestamp or a snapshot's name."),
]


def timeline(
    ctx: typer.Context,
    table: Annotated[str | None, typer.Argument(metavar="[TABLE]")] = None,
    *,
    since: Annotated[
        int | None, typer.Option("--since", metavar="VERSION", help="Only commits after it.")
    ] = None,
) -> int:
    """List the commits, newest first.

    Example: grizzly -d shop timeline -F json
    """
    context: Context = ctx.obj
    where = [f"version > {since}"] if since is not None else []

    def job() -> int:
        context.run(commits(where, known(context.session(), table) if table else None))
        return OK

    return context.supervised(job)


def changes(
    ctx: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE")],
    *,
    since: Since = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="REF", help="Default: now.")
    ] = None,
    net: Annotated[
        bool, typer.Option("--net", help="One row a key: how it ended, not each step.")
    ] = False,
    stat: Annotated[bool, typer.Option("--stat", help="Only how many of each kind.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit status 6 if there are any.")
    ] = False,
) -> int:
    """List what changed in a table.

    From after one moment up to another; both images of an updated row are shown.

    Example: grizzly -d shop changes flights --since 3 -F json
    """
    context: Context = ctx.obj
    if since is None:
        raise UsageError("changes needs a moment to start from", hint="--since VERSION")
    span = f" SINCE {point(since)}" + (f" UNTIL {point(until)}" if until else "")
    source = f"{name(table)}{span}" if net else f"CHANGES FROM {name(table)}{span}"
    if stat:
        inner = source if net else f"({source})"
        text = f"FROM {inner} GROUP BY _change ORDER BY _change SELECT _change, count(*) AS rows"
    else:
        text = f"FROM {source}" if net else source

    def job() -> int:
        before = context.output.rows
        context.run(text)
        return DIFFERENT if exit_code and context.output.rows > before else OK

    return context.supervised(job)


def time_travel(
    ctx: typer.Context,
    ref: Annotated[
        str, typer.Argument(metavar="REF", help="A version, a timestamp or a snapshot's name.")
    ],
    sql: Annotated[
        list[str] | None, typer.Argument(metavar="[SQL...]", help="Default: list the tables.")
    ] = None,
    *,
    restore: Annotated[
        list[str] | None,
        typer.Option("--restore", metavar="TABLE", help="Bring it back as it was, as a commit."),
    ] = None,
) -> int:
    """Read the past, or bring tables back from it.

    Example: grizzly -d shop time-travel monday "SELECT count(*) FROM flights"
    """
    context: Context = ctx.obj
    if restore and sql:
        raise UsageError("--restore does not go with a query")
    if restore:
        texts = [f"RESTORE TABLE {name(table)} TO {point(ref)}" for table in restore]
        return context.statements(*(["BEGIN", *texts, "COMMIT"] if len(texts) > 1 else texts))
    return context.at(ref).statements(*(sql or ["SHOW TABLES"]))


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(timeline)
    app.command()(changes)
    app.command("time-travel")(time_travel)
