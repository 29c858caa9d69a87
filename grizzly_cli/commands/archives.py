"""``pack``, ``unpack`` and ``apply``: a lakehouse as one file, or what is new in one.

Layer: ``grizzly_cli.commands``. Invariant: an archive is whole or is not there, and so is what it is
unpacked to.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import LakeError, UsageError
from grizzly_cli.context import Context
from grizzly_cli.diagnostics import OK, count

if TYPE_CHECKING:
    from engine.archive import CopyReport


def pack(
    ctx: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Default: the lakehouse found.")
    ] = None,
    *,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="REF", help="Only what is new since then; see apply."),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", metavar="NAME", help="Only this table, and a proof of it."),
    ] = None,
) -> int:
    """Put a lakehouse into one .gobi file.

    The same lakehouse gives the same bytes; commands read the file in place with -d. With --as-of
    it ends with a commit whose signed checkpoint was kept. A single table is packed with a proof that its files, and no others, are the table at that version.

    Example: grizzly pack shop -o shop.gobi; grizzly pack shop --since monday -o news.gobi
    """
    from engine import archive, session  # noqa: PLC0415  # the engine loads late

    context: Context = ctx.obj
    lake = session.find_lake(explicit=str(directory) if directory else context.settings.db)
    out = context.settings.out_path
    if out is None and context.settings.out == "-":
        raise UsageError("an archive needs a file", hint="-o shop.gobi")
    path = Path(out) if out else Path(f"{_name_of(lake)}.gobi")
    if table is not None and since is not None:
        raise UsageError("--table and --since do not go together")
    first = None if since is None else _version(lake, since)
    last = None if context.settings.as_of is None else _version(lake, context.settings.as_of)

    def job() -> int:
        with context.progress("pack") as progress:
            report = (
                archive.pack(lake, path, since=first, as_of=last, progress=progress)
                if table is None
                else archive.pack_table(lake, path, table, as_of=last, progress=progress)
            )
        context.narrator.note(f"packed {report.path}: {count(report.bytes, 'byte')}")
        context.narrator.note(f"sha256 {report.sha256}")
        return OK

    return context.supervised(job)


def _version(lake: Path, moment: str) -> int:
    from engine import session  # noqa: PLC0415  # the engine loads late

    found = session.connect(lake, read_only=True, as_of=moment)
    try:
        return found.version
    finally:
        found.close()


def _name_of(lake: Path) -> str:
    folder = lake.resolve()
    if folder.is_file():
        return f"{folder.stem}-again"
    return (folder.parent if folder.name == ".grizzly" else folder).name


def unpack(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A .gobi file.")],
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Default: the file's name.")
    ] = None,
    *,
    onto: Annotated[
        Path | None,
        typer.Option(
            "--onto",
            metavar="BASE",
            help="What a file made with --since continues: a lakehouse, backup or .gobi file.",
        ),
    ] = None,
) -> int:
    """Make a lakehouse out of a .gobi file.

    Example: grizzly unpack shop.gobi copy; grizzly unpack news.gobi --onto shop.gobi copy
    """
    from engine import archive  # noqa: PLC0415  # the engine loads late

    context: Context = ctx.obj
    target = directory or Path(file.stem)
    _require(file)

    def job() -> int:
        with context.progress("unpack") as progress:
            if onto is None:
                archive.unpack(file, target, progress=progress)
            else:
                archive.unpack_onto(file, onto, target, progress=progress)
        context.narrator.note(f"unpacked {file} into {target}")
        return OK

    return context.supervised(job)


def apply(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A .gobi file that was made with --since.")],
) -> int:
    """Bring a lakehouse up to date with what is new.

    The lakehouse must have the history that the file continues; what is in it already is not taken
    twice.

    Example: grizzly -d copy apply news.gobi
    """
    from engine import archive, session  # noqa: PLC0415  # the engine loads late

    context: Context = ctx.obj
    _require(file)
    lake = session.find_lake(explicit=context.settings.db)

    def job() -> int:
        with context.progress("apply") as progress:
            report = archive.apply(file, lake, progress=progress)
        context.narrator.note(_applied(file, report))
        return OK

    return context.supervised(job)


def _applied(file: Path, report: CopyReport) -> str:
    if report.commits == report.since:
        return f"nothing of {file} is new"
    new = count(report.commits - report.since, "new commit")
    return f"applied {file}: version {report.commits - 1}, {new}, {count(report.bytes, 'byte')}"


def _require(file: Path) -> None:
    if not file.exists():
        raise LakeError(f"there is no file '{file}'")


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    for command in (pack, unpack, apply):
        app.command()(command)
