"""``prove`` and ``verify``: evidence for others, and looking at evidence.

Layer: ``grizzly_cli.commands``. Invariant: a proof or an archive is checked without a lakehouse.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import IoError, UsageError, VerificationError
from grizzly_cli.context import Context
from grizzly_cli.diagnostics import OK, UNTRUE, count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from engine.proof import Report
    from engine.proof.cosignature import Policy
    from engine.session import Finding
    from engine.session.proving.proofs import Proofs


_PROOF_MARKS = (b"grizzly-proof", b'"checkpoint"', b'"leaf"', b'"vkey"', b'"path"')


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
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Decode the data too; recompute all that is derived from it."),
    ] = False,
    since: Annotated[
        int | None, typer.Option("--since", metavar="VERSION", help="Only what came after it.")
    ] = None,
    sample: Annotated[
        str | None, typer.Option("--sample", metavar="N|P%", help="Only a part, picked at random.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="VKEY", help="The signer's key, for a proof.")
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="The logs and witnesses to trust."),
    ] = None,
) -> int:
    """Recompute every hash and signature.

    Exit status 5 means that something is untrue; what it is, is named.

    Example: grizzly -d shop verify; grizzly verify p.json
    """
    context: Context = ctx.obj
    if target is None:
        ways = {"table": table, "deep": deep, "since": since, "sample": sample}
        return context.supervised(lambda: _verify_lake(context, policy, ways))
    if table is not None or deep or since is not None or sample is not None:
        raise UsageError("--table, --deep, --since and --sample do not go with a file")
    if target.is_dir():
        raise UsageError(f"'{target}' is a folder", hint=f"grizzly -d {target} verify")
    if target.suffix == ".gobi":
        from engine.archive import verify_archive  # noqa: PLC0415  # the engine loads late

        return context.supervised(lambda: _report(context, verify_archive(target)))
    data = _bytes(target)
    if not _may_be_proof(target, data):
        raise UsageError(f"'{target}' is not a proof bundle", hint="grizzly verify --help")
    if policy is None:
        return _verify_proof(context, data, key, None)
    from engine.session.proving import cosigned  # noqa: PLC0415  # loads late

    return _verify_proof(context, data, key, cosigned.read_policy(policy))


def _verify_lake(context: Context, policy: Path | None, ways: dict[str, Any]) -> int:
    session = context.session()
    if policy is not None:
        _cosigned(context, policy)
    with context.progress("verify") as progress:
        found = list(session.verify(**ways, progress=progress))
    code = _report(context, found)
    if code == OK:
        signers = session.signers()
        for since, key in signers if len(signers) > 1 else []:
            context.narrator.warn(f"one of {len(signers)} keys, since version {since}: {key}")
        if signers:
            context.narrator.note(f"signed by {signers[-1][1]}")
    return code


def _cosigned(context: Context, policy: Path) -> None:
    """Say who cosigned the log, if they are the quorum that a policy wants."""
    from engine.session.proving import cosigned  # noqa: PLC0415  # loads late

    timeline = context.session().timeline
    size, names = cosigned.require(timeline, cosigned.read_policy(policy))
    who = ", ".join(names) or "nobody, as the policy wants it"
    context.narrator.note(f"{count(size, 'commit')} cosigned by {who}")


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


def _verify_proof(context: Context, data: bytes, key: str | None, policy: Policy | None) -> int:
    from engine.proof import verify as verify_bundle  # noqa: PLC0415  # loads late
    from engine.proof.errors import ProofError  # noqa: PLC0415
    from engine.proof.note import VerifierKey  # noqa: PLC0415

    try:
        if key is not None:
            VerifierKey.parse(key)
    except ProofError as error:
        raise UsageError(
            f"--key is not a verifier key: {error}", hint="`grizzly key export` writes one"
        ) from error
    try:
        report = verify_bundle(data, key, policy=policy)
    except ProofError as error:
        raise VerificationError(f"the proof is false: {error}") from error
    for line in _said(report):
        context.narrator.note(line)
    return OK


def _said(report: Report) -> Iterable[str]:
    from engine.proof.words import details, headline  # noqa: PLC0415  # loads late

    leaf = report.leaf
    if report.kind == "commit" and leaf is not None:
        yield f"verified: commit {leaf.seq} is in the timeline of {report.origin}"
    else:
        yield f"verified: {headline(report)} of {report.origin}"
        yield from details(report)
    if report.leaf_hash is not None:
        yield f"leaf {report.leaf_hash.hex()}"
    yield f"root {report.root.hex()} of {count(report.size, 'commit')}"
    whose = "the expected key" if report.pinned else "a key that the proof itself names"
    yield f"signed by {whose}: {report.vkey}"
    yield from (f"cosigned by {witness}" for witness in report.witnesses)
    if not report.pinned:
        yield "note: --key VKEY makes sure whose key it is"


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
    if finding.detail.startswith(str(finding.subject)):
        return finding.detail
    return f"{finding.subject}: {finding.detail}" if finding.detail else str(finding.subject)


def prove(
    ctx: typer.Context,
    *,
    commit: Annotated[
        int | None,
        typer.Option("--commit", metavar="N", help="That a commit is in the log.", min=0),
    ] = None,
    consistency: Annotated[
        tuple[int, int] | None,
        typer.Option("--consistency", metavar="A B", help="That A commits begin the log of B."),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", metavar="T", help="Which files are a table, all of them."),
    ] = None,
    changes: Annotated[
        str | None, typer.Option("--changes", metavar="T", help="All that changed in a table.")
    ] = None,
    row: Annotated[
        str | None, typer.Option("--row", metavar="T", help="The row of a table with --key.")
    ] = None,
    absent: Annotated[
        str | None, typer.Option("--absent", metavar="T", help="That no row of a table has --key.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="K", help="A primary key; once for each of its columns."),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="KEY", help="What a key of the state holds; repeatable."),
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="REF", help="The moment it is about; now.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="REF", help="With --changes: after this moment."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="REF", help="With --changes: up to this; now.")
    ] = None,
    cosigned: Annotated[
        bool,
        typer.Option("--cosigned", help="Against the newest checkpoint that witnesses cosigned."),
    ] = False,
) -> int:
    """Write a proof about the timeline.

    Anyone can check it, without the data: grizzly verify, or python -m engine.proof.

    Example: grizzly -d shop prove --commit 3 -o p.json
    """
    context: Context = ctx.obj
    asked: dict[str, tuple[object, Callable[[Proofs], bytes]]] = {
        "--commit": (commit, lambda proofs: proofs.commit(commit or 0)),
        "--consistency": (consistency, lambda proofs: proofs.consistency(*consistency or (0, 0))),
        "--table": (table, lambda proofs: proofs.table(table or "", at)),
        "--changes": (changes, lambda proofs: proofs.changes(changes or "", since or "", until)),
        "--row": (row, lambda proofs: proofs.row(row or "", key or [], at)),
        "--absent": (absent, lambda proofs: proofs.absent(absent or "", key or [], at)),
        "--state": (state or None, lambda proofs: proofs.state(state or [], at)),
    }
    chosen = [name for name, (value, _) in asked.items() if value is not None]
    if len(chosen) != 1:
        raise UsageError(f"prove takes one of {', '.join(asked)}", hint="grizzly prove --help")
    _fitting(chosen[0], {"--key": key, "--at": at, "--since": since, "--until": until})
    made = asked[chosen[0]][1]
    return _written(context, lambda proofs: made(proofs.cosigned() if cosigned else proofs))


_FITTING = {
    "--changes": {"--since", "--until"},
    "--table": {"--at"},
    "--state": {"--at"},
    "--row": {"--key", "--at"},
    "--absent": {"--key", "--at"},
}


def _fitting(chosen: str, given: dict[str, object]) -> None:
    """Refuse what does not go with the kind of proof, or is missing for it."""
    fitting = _FITTING.get(chosen, set())
    for name, value in given.items():
        if value and name not in fitting:
            raise UsageError(f"{name} does not go with {chosen}")
        if not value and name in fitting & {"--key", "--since"}:
            raise UsageError(f"{chosen} needs {name}")


def _written(context: Context, made: Callable[[Proofs], bytes]) -> int:
    def job() -> int:
        context.output.raw(made(context.session().proofs))
        return OK

    return context.supervised(job)


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    for command in (verify, prove):
        app.command()(command)
