"""``init``, ``verify``, ``prove``, ``pack`` and ``unpack``: a lakehouse as a whole.

Layer: ``grizzly_cli.commands``. Invariant: a proof or an archive is checked without a lakehouse.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import IoError, LakeError, UsageError, VerificationError
from grizzly_cli.context import Context
from grizzly_cli.diagnostics import OK, UNTRUE, count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.session import Finding


_PROOF_MARKS = (b"grizzly-proof", b'"checkpoint"', b'"leaf"', b'"vkey"', b'"path"')


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


def verify(
    ctx: typer.Context,
    target: Annotated[
        Path | None,
        typer.Argument(help="A proof or a .gobi file. Default: the lakehouse."),
    ] = None,
    *,
    table: Annotated[
        str | None, typer.Option("--table", metavar="NAME", help="Only this table.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="VKEY", help="The signer's key, for a proof.")
    ] = None,
) -> int:
    """Recompute every hash and signature.

    Exit status 5 means that something is untrue; what it is, is named.

    Example: grizzly -d shop verify; grizzly verify p.json
    """
    context: Context = ctx.obj
    if target is None:
        return context.supervised(lambda: _verify_lake(context, table))
    if table is not None:
        raise UsageError("--table does not go with a file")
    if target.is_dir():
        raise UsageError(f"'{target}' is a folder", hint=f"grizzly -d {target} verify")
    if target.suffix == ".gobi":
        from engine.archive import verify_archive  # noqa: PLC0415  # the engine loads late

        return context.supervised(lambda: _report(context, verify_archive(target)))
    data = _bytes(target)
    if not _may_be_proof(target, data):
        raise UsageError(f"'{target}' is not a proof bundle", hint="grizzly verify --help")
    return _verify_proof(context, data, key)


def _verify_lake(context: Context, table: str | None) -> int:
    session = context.session()
    code = _report(context, session.verify(table=table))
    if code == OK:
        signers = session.signers()
        for since, key in signers if len(signers) > 1 else []:
            context.narrator.warn(f"one of {len(signers)} keys, since version {since}: {key}")
        if signers:
            context.narrator.note(f"signed by {signers[-1][1]}")
    return code


def _may_be_proof(path: Path, data: bytes) -> bool:
    """Return whether a file could be a proof, whole or damaged; what is in doubt could be."""
    return (
        not data
        or path.suffix == ".json"
        or data.lstrip().startswith(b"{")
        or any(mark in data for mark in _PROOF_MARKS)
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise IoError(f"cannot read '{path}': {error.strerror}") from error


def _verify_proof(context: Context, data: bytes, key: str | None) -> int:
    from engine.proof.bundle import verify as verify_bundle  # noqa: PLC0415  # loads late
    from engine.proof.errors import ProofError  # noqa: PLC0415

    try:
        report = verify_bundle(data, key)
    except ProofError as error:
        raise VerificationError(f"the proof is false: {error}") from error
    narrator = context.narrator
    narrator.note(f"verified: commit {report.leaf.seq} is in the timeline of {report.origin}")
    narrator.note(f"leaf {report.leaf_hash.hex()}")
    narrator.note(f"root {report.root.hex()} of {count(report.size, 'commit')}")
    whose = "the expected key" if report.pinned else "a key that the proof itself names"
    narrator.note(f"signed by {whose}: {report.vkey}")
    if not report.pinned:
        narrator.note("note: --key VKEY makes sure whose key it is")
    return OK


def _report(context: Context, findings: Iterable[Finding]) -> int:
    """Write what was found: all of it where a form is asked for, else what is wrong."""
    from grizzly_cli.render.listing import Listing  # noqa: PLC0415  # brings Arrow

    found = list(findings)
    bad = [finding for finding in found if not finding.ok]
    if context.settings.format or context.settings.out:
        rows = [(f.subject, f.ok, f.detail) for f in found]
        context.table(Listing.of(["object", "ok", "detail"], rows))
    for finding in bad:
        context.narrator.say(f"{context.narrator.paint('1;31', 'FAILED')} {_line(finding)}")
    if bad:
        context.narrator.say(f"{len(bad)} of {count(len(found), 'object')} failed")
        return UNTRUE
    context.narrator.note(f"verified: {count(len(found), 'object')}, nothing is wrong")
    return OK


def _line(finding: Finding) -> str:
    return f"{finding.subject}: {finding.detail}" if finding.detail else str(finding.subject)


def prove(
    ctx: typer.Context,
    *,
    commit: Annotated[
        int, typer.Option("--commit", metavar="N", help="The version to prove.", min=0)
    ],
) -> int:
    """Write a proof that a commit is in the timeline.

    Anyone can check it, without the data: grizzly verify, or python -m engine.proof.

    Example: grizzly -d shop prove --commit 3 -o p.json
    """
    context: Context = ctx.obj

    def job() -> int:
        context.output.raw(context.session().prove(commit))
        return OK

    return context.supervised(job)


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
    for command in (init, verify, prove, pack, unpack):
        app.command()(command)
