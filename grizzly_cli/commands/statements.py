"""``repl``, ``query``, ``run`` and ``explain``: text to results.

Layer: ``grizzly_cli.commands``. Invariant: the text is passed on as it is.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import CancelledError, GrizzlyError, IoError, UsageError
from grizzly_cli.context import Context, run_texts
from grizzly_cli.diagnostics import FAILED, OK

if TYPE_CHECKING:
    from engine.errors import Span


class OnError(StrEnum):
    """What a script does after a statement fails."""

    STOP = "stop"
    CONTINUE = "continue"


def repl(
    ctx: typer.Context,
    *,
    vi: Annotated[bool, typer.Option("--vi", help="Edit with vi's keys.")] = False,
) -> int:
    """Start the shell.

    A script on standard input is run instead.
    """
    from grizzly_cli.repl import start  # noqa: PLC0415  # one-shot commands need no prompt

    return start(ctx.obj, vi=vi)


def query(
    ctx: typer.Context,
    sql: Annotated[
        list[str] | None, typer.Argument(help="Statements; '-' or none reads standard input.")
    ] = None,
) -> int:
    """Run statements and write their results.

    Example: grizzly -d shop query -F json "SELECT * FROM t ORDER BY id"
    """
    if not sql and sys.stdin.isatty():
        raise UsageError("query needs a statement", hint='grizzly query "SELECT 1"')
    return run_texts(ctx.obj, sql or ["-"])


def run(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A script; '-' is standard input.")],
    *,
    on_error: Annotated[
        OnError, typer.Option("--on-error", help="Whether a failed statement ends the script.")
    ] = OnError.STOP,
    single_transaction: Annotated[
        bool,
        typer.Option("--single-transaction", help="Keep all of the script, or nothing of it."),
    ] = False,
) -> int:
    """Run a script.

    Example: grizzly -d shop run nightly.sql --single-transaction
    """
    context: Context = ctx.obj
    if single_transaction and on_error is OnError.CONTINUE:
        raise UsageError("--single-transaction cannot go on after an error")
    text, name = _read(file)
    if on_error is OnError.CONTINUE:
        return context.supervised(lambda: _each(context, text, name))

    def job() -> int:
        if single_transaction:
            context.run("BEGIN")
        context.run(text, name=name)
        if single_transaction:
            context.run("COMMIT")
        return OK

    return context.supervised(job)


def _read(file: str) -> tuple[str, str]:
    if file == "-":
        return sys.stdin.read(), "stdin"
    try:
        return Path(file).read_text(encoding="utf-8-sig"), file
    except OSError as error:
        raise IoError(f"cannot read '{file}': {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise IoError(f"cannot read '{file}': it is not UTF-8 text") from error


def _each(context: Context, text: str, name: str) -> int:
    from grammar import split  # noqa: PLC0415  # only this way of running needs it

    def one(span: Span) -> int:
        try:
            context.run(text, name=name, span=span)
        except CancelledError:
            raise
        except GrizzlyError as error:
            context.narrator.error(error, context.source)
            return FAILED
        return OK

    return max([one(span) for span in split(text)], default=OK)


def explain(
    ctx: typer.Context,
    sql: Annotated[str, typer.Argument(help="One statement.")],
    *,
    analyze: Annotated[
        bool, typer.Option("--analyze", help="Run it, and show what it really took.")
    ] = False,
) -> int:
    """Show how a statement would be carried out."""
    context: Context = ctx.obj
    return context.statements(f"EXPLAIN {'ANALYZE ' if analyze else ''}{sql}")


def mount(app: typer.Typer) -> None:
    """Add this group's commands."""
    for command in (query, run, repl, explain):
        app.command()(command)
