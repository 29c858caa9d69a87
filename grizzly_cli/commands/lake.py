"""``init``, ``pack`` and ``unpack``: a lakehouse as a whole.

Layer: ``grizzly_cli.commands``. Invariant: none of them changes a lakehouse that is there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import LakeError, UsageError
from grizzly_cli.context import Context
from grizzly_cli.diagnostics import OK, count


def init(
    ctx: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Default: -d, else this folder.")
    ] = None,
) -> int:
    """Make a lakehouse.

    One that is already there is left as it is.

    Example: grizzly init shop
    """
    from engine.session import create_lake  # noqa: PLC0415  # the engine loads late

    context: Context = ctx.obj
    path = directory or Path(context.settings.db or ".")
    made = create_lake(path)
    context.narrator.note(f"made a lakehouse in {path}" if made else f"{path} is one already")
    return OK


def pack(
    ctx: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Default: the lakehouse found.")
    ] = None,
) -> int:
    """Put a lakehouse into one .gobi file.

    The same lakehouse gives the same bytes; commands read the file in place with -d.

    Example: grizzly pack shop -o shop.gobi
    """
    from engine import archive, session  # noqa: PLC0415  # the engine loads late

    context: Context = ctx.obj
    lake = session.find_lake(explicit=str(directory) if directory else context.settings.db)
    out = context.settings.out_path
    if out is None and context.settings.out == "-":
        raise UsageError("an archive needs a file", hint="-o shop.gobi")
    path = Path(out) if out else Path(f"{_name_of(lake)}.gobi")
    report = archive.pack(lake, path)
    context.narrator.note(f"packed {report.path}: {count(report.bytes, 'byte')}")
    context.narrator.note(f"sha256 {report.sha256}")
    return OK


def _name_of(lake: Path) -> str:
    folder = lake.resolve()
    return (folder.parent if folder.name == ".grizzly" else folder).name


def unpack(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A .gobi file.")],
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Default: the file's name.")
    ] = None,
) -> int:
    """Make a lakehouse out of a .gobi file.

    Example: grizzly unpack shop.gobi copy
    """
    from engine import archive  # noqa: PLC0415  # the engine loads late

    context: Context = ctx.obj
    target = directory or Path(file.stem)
    if not file.exists():
        raise LakeError(f"there is no file '{file}'")
    archive.unpack(file, target)
    context.narrator.note(f"unpacked {file} into {target}")
    return OK


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    for command in (init, pack, unpack):
        app.command()(command)
