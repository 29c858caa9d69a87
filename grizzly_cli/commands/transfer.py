"""``import`` and ``export``: files to tables and back.

Layer: ``grizzly_cli.commands``. Invariant: each verb is COPY; several files arrive in one commit.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import UsageError
from grizzly_cli.context import Context, literal, name

Options = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="NAME=VALUE", help="An option of COPY; may be repeated."),
]


def import_(
    ctx: typer.Context,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="'-' is standard input, with -F.")
    ],
    *,
    table: Annotated[
        str | None,
        typer.Option("--table", "-t", metavar="NAME", help="Default: the file's name."),
    ] = None,
    option: Options = None,
) -> int:
    """Load files into a table.

    The table is made if there is none; several files arrive in one commit.

    Example: grizzly -d shop import flights.csv --table flights
    """
    context: Context = ctx.obj
    clause = _clause(option)
    with tempfile.TemporaryDirectory(prefix="grizzly-") as folder:
        paths = [_spooled(context, file, folder) for file in files]
        copies = [
            f"COPY {name(table or _table_for(file))} FROM {literal(path)}{clause}"
            for file, path in zip(files, paths, strict=True)
        ]
        if len(copies) > 1:
            copies = ["BEGIN", *copies, "COMMIT"]
        return context.statements(*copies)


def _clause(options: list[str] | None) -> str:
    if not options:
        return ""
    parts = []
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(f"--option takes name=value, not '{option}'")
        number = re.fullmatch(r"\d+|true|false", value)
        parts.append(f"{key} {value if number else literal(value)}")
    return f" ({', '.join(parts)})"


def _table_for(file: str) -> str:
    stem = re.sub(r"\W+", "_", Path(file).name.split(".")[0]).strip("_")
    if not stem:
        raise UsageError(f"'{file}' gives the table no name", hint="add --table NAME")
    return stem


def _spooled(context: Context, file: str, folder: str) -> str:
    """Return a path to read; standard input is put into a file first."""
    if file != "-":
        return file
    form = context.settings.format
    if form is None:
        raise UsageError("standard input has no suffix to tell its format", hint="add -F csv")
    path = Path(folder) / f"stdin.{form}"
    with path.open("wb") as sink:
        shutil.copyfileobj(sys.stdin.buffer, sink)
    return str(path)


def export(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="TABLE|SQL", help="A table or a query.")],
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="Default: -o, else standard output.")
    ] = None,
    *,
    option: Options = None,
) -> int:
    """Write a table or a query's result to a file.

    The file's suffix chooses the format.

    Example: grizzly -d shop export flights flights.parquet
    """
    context: Context = ctx.obj
    table = re.fullmatch(r"[\w.]+", source) is not None
    path = file or context.settings.out
    if path in {None, "-"}:
        if option:
            raise UsageError("--option needs a file")
        return context.statements(f"FROM {name(source)}" if table else source)
    query = name(source) if table else f"({source.rstrip().rstrip(';')})"
    options = list(option or [])
    if context.settings.format:
        options.append(f"format={context.settings.format}")
    return context.statements(f"COPY {query} TO {literal(str(path))}{_clause(options)}")


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("import")(import_)
    app.command()(export)
