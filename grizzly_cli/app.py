"""The command tree.

Layer: ``grizzly_cli``, above the commands. Invariant: importing it loads no engine; every command
imports what it needs when it runs.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import typer
from typer._click.exceptions import (  # the pinned Typer carries its own Click
    ClickException,
    NoArgsIsHelpError,
)
from typer._completion_classes import completion_init
from typer.completion import shell_complete
from typer.core import TyperOption
from typer.main import get_command

from grizzly_cli import commands
from grizzly_cli.diagnostics import INTERRUPTED, OK, USAGE
from grizzly_cli.options import GLOBALS

if TYPE_CHECKING:
    from grizzly_cli.context import Context

EPILOG = "All commands also take the options that 'grizzly --help' lists, in any place."


def tree() -> Any:
    """Build the command tree, with the shared options on its root."""
    app = typer.Typer(
        name="grizzly",
        help="PL-GRIZZLY: an embedded, verifiable lakehouse in a terminal.\n\n"
        "Without a command: the shell, or a script from standard input. "
        "'-c SQL' is short for 'query SQL', '-f FILE' for 'run FILE'.",
        add_completion=False,
        rich_markup_mode=None,
        no_args_is_help=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    commands.mount(app)
    root: Any = get_command(app)
    root.params[:0] = [_shown(flag) for flag in GLOBALS]
    for command in root.commands.values():
        command.epilog = EPILOG
        for sub in getattr(command, "commands", {}).values():
            sub.epilog = EPILOG
    return root


def _shown(flag: Any) -> TyperOption:
    """Return a shared option for help and completion; ``options.hoist`` has already taken it."""
    return TyperOption(
        param_decls=list(flag.names),
        is_flag=flag.metavar is None,
        metavar=flag.metavar,
        multiple=flag.names[0] == "--param",
        default=None,
        expose_value=False,
        help=flag.help,
    )


def invoke(context: Context, words: list[str]) -> int:
    """Run one command; return its exit status.

    Raises: whatever the command raises.
    """
    root = tree()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = root.main(args=words, prog_name="grizzly", standalone_mode=False, obj=context)
    except NoArgsIsHelpError as error:
        context.narrator.say(error.format_message())
        return USAGE
    except ClickException as error:
        return context.narrator.usage(*_said(error))
    except typer.Abort:
        return INTERRUPTED
    return code if isinstance(code, int) else OK


def _said(error: ClickException) -> tuple[str, str | None]:
    """Return what is wrong and a hint, in the way of all our errors."""
    usage = getattr(error, "ctx", None)
    hint = f"{usage.command_path} --help" if usage is not None else None
    message, _, near = error.format_message().partition(". Did you mean ")
    if not near:
        message, _, near = message.partition(" (Possible options: ")
    if near:
        hint = f"did you mean {near.rstrip('?)').replace(chr(39), '').replace(', ', ' or ')}?"
    return message[:1].lower() + message[1:].rstrip("."), hint


def complete() -> int:
    """Answer a shell that asks how a command line may go on."""
    completion_init()
    return int(
        shell_complete(tree(), {}, "grizzly", "_GRIZZLY_COMPLETE", os.environ["_GRIZZLY_COMPLETE"])
    )
