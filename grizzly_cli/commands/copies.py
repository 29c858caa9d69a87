"""``backup``, ``restore`` and ``repair``: copies of a lakehouse, and what they are for.

Layer: ``grizzly_cli.commands``. Invariant: what is told is what was checked on both ends.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import UsageError
from grizzly_cli.context import Context
from grizzly_cli.diagnostics import OK, UNTRUE, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.archive import CopyReport, Mended

_COLUMNS = ["ended", "since", "commits", "files", "bytes"]


def back_up(
    ctx: typer.Context,
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="The backup's folder.")],
    *,
    list_: Annotated[
        bool, typer.Option("--list", help="List the runs that made the backup; copy nothing.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Recompute every hash in the backup; copy nothing.")
    ] = False,
) -> int:
    """Copy what is new to a backup.

    The backup is a folder, and a lakehouse that is only read. Every file is checked as it is read
    and again as it is kept; a run that was stopped is taken up by the next one. A lakehouse that
    does not continue the backup's history is refused, with exit status 5.

    Example: grizzly -d shop backup /mnt/disk/shop
    """
    from engine import archive, session  # noqa: PLC0415  # the engine loads late

    context: Context = ctx.obj
    if list_ and verify:
        raise UsageError("--list and --verify do not go together")
    if list_:
        _table(context, archive.runs(dest))
        return OK
    if verify:
        archive.runs(dest)
        return _verify(context, dest)
    lake = session.find_lake(explicit=context.settings.db)

    def job() -> int:
        with context.progress("backup") as progress:
            report = archive.back_up(lake, dest, progress=progress)
        _tell(context, f"backed up to {dest}", report)
        return OK

    return context.supervised(job)


def restore(
    ctx: typer.Context,
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="A backup, a lakehouse or a .gobi file.")
    ],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A new folder.")],
    *,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="REF", help="As it was then, as if nothing had come after."),
    ] = None,
) -> int:
    """Make a lakehouse out of a backup.

    Every commit and every file is checked; the target is whole, or is not there.

    Example: grizzly restore /mnt/disk/shop shop --at monday
    """
    from engine import archive, session  # noqa: PLC0415  # the engine loads late

    context: Context = ctx.obj
    version = None
    if at is not None:
        opened = session.connect(source, read_only=True, as_of=at)
        version = opened.version
        opened.close()

    def job() -> int:
        with context.progress("restore") as progress:
            report = archive.restore(source, target, at=version, progress=progress)
        _tell(context, f"restored {source} to {target}", report)
        return OK

    return context.supervised(job)


def repair(
    ctx: typer.Context,
    *,
    sources: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="COPY",
            help="A backup, lakehouse or .gobi file to take from; may be repeated.",
        ),
    ] = None,
) -> int:
    """Mend what is damaged or missing.

    What follows from the log is made again; objects and parts of the log come from copies, verified.
    Damaged files are kept in .grizzly/trash. Exit status 5 means that something could not be mended.

    Example: grizzly -d shop repair --from /mnt/disk/shop --from shop.gobi
    """
    from engine import archive, session  # noqa: PLC0415  # the engine loads late

    context: Context = ctx.obj
    here = Path(context.settings.db or ".")
    lake = here if context.settings.db or (here / ".grizzly").is_dir() else session.find_lake()

    def job() -> int:
        with context.progress("repair") as progress:
            found = archive.repair(lake, sources or [], progress=progress)
        return _report(context, found)

    return context.supervised(job)


def _report(context: Context, found: Sequence[Mended]) -> int:
    from grizzly_cli.render.listing import Listing  # noqa: PLC0415  # brings Arrow

    if context.settings.format or context.settings.out:
        rows = [(mended.subject, mended.ok, mended.detail) for mended in found]
        context.table(Listing.of(["object", "ok", "detail"], rows))
    narrator = context.narrator
    for mended in found:
        if mended.ok:
            narrator.note(f"mended {mended.subject}: {mended.detail}")
        else:
            narrator.say(f"{narrator.paint('1;31', 'FAILED')} {mended.subject}: {mended.detail}")
    lost = sum(not mended.ok for mended in found)
    if lost:
        narrator.say(f"{lost} of {count(len(found), 'damaged file')} could not be mended")
        return UNTRUE
    said = f"mended {count(len(found), 'file')}" if found else "nothing is damaged"
    narrator.note(f"{said}; `grizzly verify` recomputes every hash")
    return OK


def _verify(context: Context, dest: Path) -> int:
    from engine import session  # noqa: PLC0415  # the engine loads late

    def job() -> int:
        lake = session.connect(dest, read_only=True)
        try:
            found = list(lake.verify())
        finally:
            lake.close()
        bad = [finding for finding in found if not finding.ok]
        for finding in bad:
            context.narrator.say(f"FAILED {finding.subject}: {finding.detail}")
        if bad:
            context.narrator.say(f"{len(bad)} of {count(len(found), 'object')} failed")
            return UNTRUE
        context.narrator.note(f"verified: {count(len(found), 'object')}, nothing is wrong")
        return OK

    return context.supervised(job)


def _tell(context: Context, what: str, report: CopyReport) -> None:
    if context.settings.format or context.settings.out:
        _table(context, [report])
    new = report.commits - report.since
    parts = [count(new, "new commit"), count(report.files, "file"), count(report.bytes, "byte")]
    context.narrator.note(f"{what}: version {report.commits - 1}, {', '.join(parts)} copied")


def _table(context: Context, reports: Sequence[CopyReport]) -> None:
    from grizzly_cli.render.listing import Listing  # noqa: PLC0415  # brings Arrow

    rows = [
        (
            datetime.fromtimestamp(report.ts / 1_000_000, UTC).isoformat(sep=" "),
            report.since,
            report.commits,
            report.files,
            report.bytes,
        )
        for report in reports
    ]
    context.table(Listing.of(_COLUMNS, rows))


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("backup")(back_up)
    for command in (restore, repair):
        app.command()(command)
