"""``blob``: files of any kind, kept on the same timeline as the tables.

Layer: ``grizzly_cli.commands``. Invariant: putting and deleting are statements; a byte that is given
back was checked.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import IoError, UsageError
from grizzly_cli.context import Context, literal
from grizzly_cli.diagnostics import OK

Name = Annotated[str, typer.Argument(metavar="NAME", help="The blob.")]


def put(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="'-' is standard input.")],
    blob: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Default: the file's own name.")
    ] = None,
) -> int:
    """Keep a file, in place of what had the name.

    Example: grizzly -d shop blob put terms.pdf legal/terms.pdf
    """
    context: Context = ctx.obj
    if file != "-":
        return context.statements(_put(Path(file), blob or Path(file).name))
    if blob is None:
        raise UsageError("standard input has no name", hint="grizzly blob put - NAME")
    with tempfile.TemporaryDirectory(prefix="grizzly-") as folder:
        path = Path(folder) / "stdin"
        try:
            with path.open("wb") as sink:
                shutil.copyfileobj(sys.stdin.buffer, sink)
        except OSError as error:
            raise IoError(f"cannot keep standard input: {error.strerror}") from error
        return context.statements(_put(path, blob))


def _put(path: Path, blob: str) -> str:
    return f"PUT BLOB {literal(blob)} FROM {literal(str(path))}"


def get(ctx: typer.Context, blob: Name) -> int:
    """Write a blob's bytes, to standard output or to -o FILE.

    Example: grizzly -d shop blob get legal/terms.pdf -o terms.pdf --as-of 3
    """
    context: Context = ctx.obj

    def job() -> int:
        blobs = context.session().blobs
        if context.settings.out_path is None:
            for _ in blobs.read(blob):
                pass  # what has gone down a pipe cannot be taken back
        for piece in blobs.read(blob):
            context.output.raw(piece)
        return OK

    return context.supervised(job)


def list_(
    ctx: typer.Context,
    prefix: Annotated[
        str, typer.Argument(metavar="[PREFIX]", help="Only names that begin so.")
    ] = "",
) -> int:
    """List the blobs."""
    context: Context = ctx.obj
    where = f" WHERE starts_with(name, {literal(prefix)})" if prefix else ""
    return context.statements(f"FROM grizzly.blobs{where} ORDER BY name")


def delete(
    ctx: typer.Context,
    blob: Name,
    *,
    if_exists: Annotated[bool, typer.Option("--if-exists", help="Not an error if none.")] = False,
) -> int:
    """Forget a blob; older versions keep it."""
    context: Context = ctx.obj
    clause = "IF EXISTS " if if_exists else ""
    return context.statements(f"DROP BLOB {clause}{literal(blob)}")


def stat(ctx: typer.Context, blob: Name) -> int:
    """Say what is known of a blob."""
    from grizzly_cli.render.listing import Listing  # noqa: PLC0415  # brings Arrow

    context: Context = ctx.obj

    def job() -> int:
        found = context.session().blobs.stat(blob)
        put_at = datetime.fromtimestamp(found.ts / 1_000_000, UTC).isoformat(sep=" ")
        columns = ["name", "bytes", "sha256", "version", "ts", "inlined"]
        row = (found.name, found.bytes, found.sha256, found.version, put_at, found.inlined)
        context.table(Listing.of(columns, [row]))
        return OK

    return context.supervised(job)


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="Keep files of any kind.", rich_markup_mode=None, no_args_is_help=True)
    group.command("list")(list_)
    for command in (put, get, delete, stat):
        group.command()(command)
    app.add_typer(group, name="blob")
