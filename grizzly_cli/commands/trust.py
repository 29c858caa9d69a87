"""``key``, ``witness`` and ``pin``: whom to believe, and who else has seen it.

Layer: ``grizzly_cli.commands``. Invariant: a secret is never printed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import IoError, UsageError
from grizzly_cli.context import Context
from grizzly_cli.diagnostics import OK, count

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.session.proving.cosigned import Cosigned

_PORT = 7380
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The witness's folder.")]


def list_(ctx: typer.Context) -> int:
    """List the keys that signed this lakehouse, and when."""
    from engine.session.proving import keys  # noqa: PLC0415  # loads late
    from grizzly_cli.render.listing import Listing  # noqa: PLC0415  # brings Arrow

    context: Context = ctx.obj

    def job() -> int:
        timeline = context.session().timeline
        trusted = keys.trusted(timeline.origin)
        rows = [
            (k.id, k.since, k.until, k.reason, k.vkey in trusted, k.vkey)
            for k in keys.announced(timeline)
        ]
        context.table(Listing.of(["key", "since", "until", "reason", "trusted", "vkey"], rows))
        return OK

    return context.supervised(job)


def show(ctx: typer.Context) -> int:
    """Show where your secret key is, and its verifier key."""
    from engine.session.proving import keys  # noqa: PLC0415  # loads late

    context: Context = ctx.obj
    path, vkey = keys.own(context.session().timeline.origin)
    context.output.raw(f"{vkey}\n".encode())
    context.narrator.note(f"its secret half is {path}; whoever has that file signs as you")
    return OK


def export(ctx: typer.Context) -> int:
    """Write the verifier key that signs here, to give to others.

    Example: grizzly -d shop key export -o shop.vkey
    """
    context: Context = ctx.obj
    context.output.raw(f"{context.session().timeline.vkey}\n".encode())
    return OK


def new(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The new secret key.")],
) -> int:
    """Make a secret key in a file, for key rotate or $GRIZZLY_KEY."""
    from engine.session.proving import keys  # noqa: PLC0415  # loads late

    context: Context = ctx.obj
    keys.create(file)
    context.narrator.note(f"made {file}; keep a copy where only you can read it")
    return OK


def rotate(
    ctx: typer.Context,
    *,
    key: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="The new key; default: a new one.")
    ] = None,
) -> int:
    """Let a new key follow yours in this lakehouse.

    Your key signs a commit that names the new one, the new one a commit that retires yours. The
    old secret is kept beside. With -o, a proof is written from which others learn the new key:
    grizzly key trust --rotation FILE.

    Example: grizzly -d shop key rotate -o rotation.json
    """
    from engine.session.proving import keys  # noqa: PLC0415  # loads late

    context: Context = ctx.obj

    def job() -> int:
        session = context.session()
        kept, evidence = keys.rotate(session.timeline, session.clock, key)
        if context.settings.out:
            context.output.raw(evidence)
        session.timeline.refresh()
        context.narrator.note(f"signed from now on by {session.timeline.vkey}")
        context.narrator.note(f"the old secret key is kept as {kept}")
        return OK

    return context.supervised(job)


def revoke(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its id, as key list shows it.")],
) -> int:
    """Record that a key of this lakehouse signs no more commits.

    What it signed before stays signed; a checkpoint that it signs later is refused.
    """
    from engine.session.proving import keys  # noqa: PLC0415  # loads late

    context: Context = ctx.obj
    session = context.session()
    keys.revoke(session.timeline, session.clock, key)
    context.narrator.note(f"key {key} is revoked")
    return OK


def trust(
    ctx: typer.Context,
    vkey: Annotated[
        str | None, typer.Argument(metavar="[VKEY]", help="Default: list what is trusted.")
    ] = None,
    *,
    rotation: Annotated[
        Path | None,
        typer.Option("--rotation", metavar="FILE", help="Trust what a trusted key announced."),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Trust it no more.")] = False,
) -> int:
    """Trust a verifier key, and only trusted ones for its log.

    A lakehouse whose newest checkpoint is signed by another key is then refused, with exit
    status 5.

    Example: grizzly key trust "$(cat shop.vkey)"
    """
    from engine.session.proving import keys  # noqa: PLC0415  # loads late

    context: Context = ctx.obj
    if rotation is not None:
        if vkey or remove:
            raise UsageError("--rotation goes alone")
        try:
            evidence = rotation.read_bytes()
        except OSError as error:
            raise IoError(f"cannot read '{rotation}': {error.strerror}") from error
        context.narrator.note(f"trusted: {keys.trust_successor(evidence)}")
    elif vkey is None:
        if remove:
            raise UsageError("--remove needs a key")
        context.output.raw("".join(f"{key}\n" for key in keys.all_trusted()).encode())
    elif remove:
        if not keys.distrust(vkey):
            raise UsageError("that key is not trusted")
    else:
        keys.trust(vkey)
        context.narrator.note(f"trusted: {vkey}")
    return OK


def pin(
    ctx: typer.Context,
    *,
    show_: Annotated[bool, typer.Option("--show", help="Show what is pinned.")] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Forget what was seen of this lakehouse.")
    ] = False,
) -> int:
    """Remember this log wherever it is met.

    Every folder that a command opens is remembered by its path anyway: how many commits its log
    had, and their root. With a pin, copies of it in other folders and archives are held against
    the same memory. What is less or other than was seen is refused, with exit status 5.

    Example: grizzly -d shop pin
    """
    from engine.session import connect, find_lake  # noqa: PLC0415  # loads late
    from engine.session.proving import pins  # noqa: PLC0415  # loads late
    from grizzly_cli.render.listing import Listing  # noqa: PLC0415  # brings Arrow

    context: Context = ctx.obj
    path = find_lake(explicit=context.settings.db)
    session = connect(path, read_only=True)
    try:
        found = pins.pins(session.timeline, path)
        if remove:
            if show_:
                raise UsageError("--show and --remove do not go together")
            gone = sum([one.remove() for one in found])
            context.narrator.note(f"forgot {count(gone, 'pin')}")
        elif show_:
            held = [(one, one.read()) for one in found]
            rows = [
                ("everywhere" if one.everywhere else "this folder", c.size, c.root.hex())
                for one, c in held
                if c is not None
            ]
            context.table(Listing.of(["holds", "commits", "root"], rows))
        else:
            found[0].make(session.timeline)
            context.narrator.note(f"pinned {count(session.timeline.head.seq + 1, 'commit')}")
    finally:
        session.close()
    return OK


def witness_init(
    ctx: typer.Context,
    directory: Folder,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="The name it signs under.")],
) -> int:
    """Make a witness, with a key of its own.

    Example: grizzly witness init ~/witness --name example.org/witness
    """
    from engine.session.proving import witness  # noqa: PLC0415  # loads late

    context: Context = ctx.obj
    made = witness.Witness.create(directory, name, witness.SystemClock())
    context.output.raw(f"{made.key.text()}\n".encode())
    return OK


def witness_watch(
    ctx: typer.Context,
    directory: Folder,
    vkey: Annotated[str, typer.Argument(metavar="VKEY", help="The log's verifier key.")],
) -> int:
    """Let a witness sign for a log.

    Example: grizzly witness watch ~/witness "$(cat shop.vkey)"
    """
    from engine.session.proving import witness  # noqa: PLC0415  # loads late

    context: Context = ctx.obj
    witness.Witness(directory, witness.SystemClock()).watch(vkey)
    context.narrator.note(f"watches {vkey.partition('+')[0]}")
    return OK


def witness_ask(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(metavar="DIR|URL", help="The witness.")],
    *,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="VKEY", help="The witness's key; needed with a URL."),
    ] = None,
) -> int:
    """Let a witness cosign the newest checkpoint; keep that.

    With -o, the checkpoint is written with all its cosignatures, as a C2SP signed note.

    Example: grizzly -d shop witness ask ~/witness
    """
    from engine.session.proving import cosigned, witness  # noqa: PLC0415  # loads late

    context: Context = ctx.obj

    def job() -> int:
        timeline = context.session().timeline
        post: Callable[[bytes], witness.Reply]
        if "://" in target:
            if key is None:
                raise UsageError("a witness at an address needs --key")
            post, vkey = cosigned.over_http(target), key
        else:
            near = witness.Witness(Path(target), witness.SystemClock())
            post, vkey = near.add_checkpoint, key or near.key.text()
        found: Cosigned = cosigned.ask(timeline, vkey, post)
        if context.settings.out:
            context.output.raw(found.note.encode("utf-8"))
        signed = count(len(found.witnesses), "witness").replace("witnesss", "witnesses")
        context.narrator.note(f"{count(found.size, 'commit')} cosigned by {signed}")
        return OK

    return context.supervised(job)


def witness_serve(
    ctx: typer.Context,
    directory: Folder,
    *,
    port: Annotated[int, typer.Option("--port", metavar="N", help="On localhost.")] = _PORT,
) -> int:
    """Answer requests to cosign, on localhost.

    POST /add-checkpoint, as C2SP tlog-witness has it. Ctrl-C ends it.

    Example: grizzly witness serve ~/witness
    """
    from engine.session.proving import witness  # noqa: PLC0415  # loads late

    context: Context = ctx.obj
    server = witness.serve(witness.Witness(directory, witness.SystemClock()), port)
    context.narrator.note(f"listening on http://localhost:{server.server_port}")
    with server:
        server.serve_forever()
    return OK


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    key = typer.Typer(
        help="Keys that sign, and keys to trust.", rich_markup_mode=None, no_args_is_help=True
    )
    key.command("list")(list_)
    for command in (show, export, new, rotate, revoke, trust):
        key.command()(command)
    app.add_typer(key, name="key")
    witness = typer.Typer(
        help="Let others sign that a log only grew.", rich_markup_mode=None, no_args_is_help=True
    )
    for name, step in (
        ("init", witness_init),
        ("watch", witness_watch),
        ("ask", witness_ask),
        ("serve", witness_serve),
    ):
        witness.command(name)(step)
    app.add_typer(witness, name="witness")
    app.command()(pin)
