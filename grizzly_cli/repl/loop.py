"""Read, run, show, again.

Layer: ``grizzly_cli.repl``. Invariant: nothing that a statement does ends the loop; only the user
does, or a lakehouse that cannot be opened.
"""

from __future__ import annotations

import signal
import threading
from time import perf_counter
from typing import TYPE_CHECKING

from engine.errors import CancelledError, GrizzlyError
from grizzly_cli import __version__
from grizzly_cli.context import AbandonedError, supervise
from grizzly_cli.diagnostics import INTERRUPTED, OK, DeadlineError, seconds
from grizzly_cli.repl.history import Store
from grizzly_cli.repl.place import lake_name
from grizzly_cli.repl.prompt import build
from grizzly_cli.repl.typed import alias

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

    from grizzly_cli.repl.shell import Shell


class Opening:
    """The engine coming up behind the prompt."""

    def __init__(self, shell: Shell, prompt: PromptSession[str]) -> None:
        """Know whom to tell."""
        self.shell = shell
        self.prompt = prompt
        self.error: Exception | None = None

    def start(self) -> None:
        """Begin to open the lakehouse."""
        threading.Thread(target=self._open, name="opening", daemon=True).start()

    def _open(self) -> None:
        try:
            self.shell.context.session()
            self.shell.refresh()
            self.prompt.app.invalidate()
        except CancelledError:
            return  # Ctrl-C came first; the next statement opens it
        except Exception as error:  # noqa: BLE001  # shown by the loop, in the main thread
            self.error = error
            loop = self.prompt.app.loop
            if loop is not None:
                loop.call_soon_threadsafe(self.check)

    def check(self) -> None:
        """End the prompt if the lakehouse could not be opened."""
        app = self.prompt.app
        if self.error is not None and app.is_running and not app.is_done:
            app.exit(exception=self.error)


def loop(shell: Shell, *, vi: bool = False) -> int:
    """Run the shell until the user leaves; return the exit status.

    Raises: GrizzlyError when there is no lakehouse, or it cannot be opened.
    """
    narrator = shell.context.narrator
    shell.name = lake_name(shell.context.settings.db)
    narrator.note(f"grizzly {__version__} · .help for help, Ctrl-D to leave")
    store = Store.open(narrator)
    prompt = build(shell, store, vi=vi)
    opening = Opening(shell, prompt)
    opening.start()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    warned = False
    while not shell.leaving:
        try:
            text = prompt.prompt(pre_run=opening.check)
            if _turn(shell, store, alias(text)):
                return INTERRUPTED
            warned = False
        except KeyboardInterrupt:
            narrator.note("nothing to stop; Ctrl-D or .quit leaves")
        except EOFError:
            if warned or not _in_transaction(shell):
                break
            warned = True
            narrator.warn("a transaction is open: Ctrl-D again leaves and rolls it back")
    return OK


def _in_transaction(shell: Shell) -> bool:
    session = shell.context.open_session
    return session is not None and session.in_transaction


def _turn(shell: Shell, store: Store, text: str) -> bool:
    """Run one input and report on it; return whether the shell has to be left."""
    context = shell.context
    started = perf_counter()
    ok = False
    try:
        supervise(lambda: _work(shell, text), _Stopper(shell), context.settings.timeout, None)
        ok = True
    except AbandonedError:
        context.abandoned = True
        return True
    except DeadlineError as error:
        context.narrator.error(error)
    except CancelledError:
        state = " · transaction open" if _in_transaction(shell) else ""
        context.narrator.say(f"cancelled after {seconds(perf_counter() - started)}{state}")
    except GrizzlyError as error:
        context.narrator.error(error, context.source)
    except Exception as error:  # noqa: BLE001  # a fault of ours must not cost the user the shell
        context.narrator.internal(error)
    if text.strip():
        session = context.open_session
        lake, version = (str(session.path), session.version) if session else (None, None)
        store.outcome(lake, version, (perf_counter() - started) * 1000, ok=ok)
    return False


def _work(shell: Shell, text: str) -> int:
    session = shell.context.open_session
    before = (session, session.version if session else None)
    shell.execute(text)
    session = shell.context.open_session
    if session is not None and (before != (session, session.version) or session.in_transaction):
        shell.refresh()
    return OK


class _Stopper:
    """What Ctrl-C does while a statement runs: stop it, say so, and at last leave it behind."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    def __call__(self, presses: int) -> None:
        narrator = self.shell.context.narrator
        if presses > 2:
            narrator.say("left behind; what was not committed is rolled back")
            raise AbandonedError
        self.shell.context.interrupt()
        if presses == 2:
            narrator.say("still stopping; Ctrl-C again leaves")
