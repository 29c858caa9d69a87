"""The program: ``grizzly`` and ``python -m grizzly_cli``.

Layer: above all of ``grizzly_cli``. Invariant: it decides what to import by looking at the words
first, so that ``--version`` loads nothing, and a query neither Typer nor a prompt.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from grizzly_cli import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grizzly_cli.context import Context

_VERSION_WORDS = {"--version", "-V", "version"}
_SHORT = {"-c": "query", "--command": "query", "-f": "run", "--file": "run"}


def main() -> None:
    """Run the program and leave at once.

    Leaving by ``os._exit`` skips the teardown of native libraries, which is slow and writes notes
    about leaked objects that mean nothing to a user. All of ours is closed and flushed by then.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there is something to stop: just end
    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 141
    os._exit(code)


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit status.

    Raises: nothing; every failure becomes a message and a status.
    """
    if len(argv) == 1 and argv[0] in _VERSION_WORDS:
        sys.stdout.write(f"grizzly {__version__}\n")
        return 0
    if "_GRIZZLY_COMPLETE" in os.environ:
        from grizzly_cli.app import complete  # noqa: PLC0415  # see the invariant above

        return complete()
    return _run(argv)


def _run(argv: Sequence[str]) -> int:
    from engine.errors import GrizzlyError  # noqa: PLC0415  # see the invariant above
    from grizzly_cli import diagnostics  # noqa: PLC0415
    from grizzly_cli.context import Context  # noqa: PLC0415
    from grizzly_cli.options import Settings, hoist  # noqa: PLC0415

    context = Context(Settings())
    try:
        settings, words = hoist(argv)
        context = Context(settings)
        return context.finish(_dispatch(context, words))
    except GrizzlyError as error:
        return context.narrator.error(error, context.source)
    except BrokenPipeError:
        _discard_stdout()
        return diagnostics.BROKEN_PIPE
    except KeyboardInterrupt:
        return diagnostics.INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the last line of defence: no traceback for users
        return context.narrator.internal(error)
    finally:
        context.close()


def _dispatch(context: Context, words: list[str]) -> int:
    """Take the short ways that need no command tree; leave the rest to it."""
    if words and words[0] == "help":
        words = [*words[1:], "--help"]
    if words and words[0] in _SHORT:
        words = _spelled_out(words)
    if len(words) == 1 and words[0] in _VERSION_WORDS:
        sys.stdout.write(f"grizzly {__version__}\n")
        return 0
    if not words:
        from grizzly_cli.repl import start  # noqa: PLC0415  # see the invariant of the module

        return start(context)
    texts = words[1:]
    if words[0] == "query" and texts and not any(t.startswith("-") for t in texts):
        from grizzly_cli.context import run_texts  # noqa: PLC0415

        return run_texts(context, texts)
    from grizzly_cli.app import invoke  # noqa: PLC0415

    return invoke(context, words)


def _spelled_out(words: list[str]) -> list[str]:
    """Turn ``-c SQL [-c SQL]`` into ``query SQL SQL``, and ``-f FILE`` into ``run FILE``."""
    from engine.errors import UsageError  # noqa: PLC0415  # see the invariant of the module

    option, values = words[0], words[1::2]
    unknown = next((w for w in words[::2] if w.startswith("-") and w not in _SHORT), None)
    if unknown is not None:
        raise UsageError(f"no such option: {unknown}", hint="grizzly --help")
    if any(word not in _SHORT or _SHORT[word] != _SHORT[option] for word in words[::2]):
        raise UsageError(f"{option} cannot be mixed with other commands")
    if len(words) % 2:
        raise UsageError(f"{words[-1]} needs a value")
    return [_SHORT[option], *values]


def _discard_stdout() -> None:
    """Point standard output nowhere, so that nothing complains about the closed pipe later."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    main()
