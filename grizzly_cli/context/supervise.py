"""Work in a thread of its own, so that Ctrl-C and deadlines reach it while native code runs.

Layer: ``grizzly_cli.context``. Invariant: the caller gets the work's own result or error, or knows
that it was stopped; never both.
"""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENCE = 3.0


class AbandonedError(Exception):
    """The work did not stop when it was asked to, and was left behind; ``late``: at its deadline."""

    def __init__(self, *, late: bool = False) -> None:
        super().__init__()
        self.late = late


@dataclass(slots=True)
class Work:
    """A job, running or done."""

    job: Callable[[], int]
    code: int = 0
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def start(self) -> Work:
        """Start the job; it never keeps the program alive."""
        threading.Thread(target=self._run, name="statement", daemon=True).start()
        return self

    def _run(self) -> None:
        try:
            self.code = self.job()
        except BaseException as error:  # noqa: BLE001  # handed over whole to the waiting thread
            self.error = error
        finally:
            self.done.set()

    def result(self) -> int:
        """Return what the job returned, or raise what it raised."""
        if self.error is not None:
            raise self.error
        return self.code


def supervise(
    job: Callable[[], int],
    stop: Callable[[int], None],
    timeout: float | None = None,
    patience: float | None = _PATIENCE,
) -> tuple[int, bool]:
    """Run a job; ask it to stop at each Ctrl-C and at the deadline. Return its result, and if late.

    ``stop`` is told how often Ctrl-C was pressed, 0 at the deadline; it may raise AbandonedError.
    ``patience`` is how long the job may take to stop, None for ever.

    Raises: what the job raises; AbandonedError when it did not stop.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    work = Work(job).start()
    presses, late, limit = 0, False, timeout
    while True:
        try:
            done = work.done.wait(limit)
        except KeyboardInterrupt:
            presses += 1
            limit = patience
            stop(presses)
            continue
        if done:
            return _result_of(work, late=late)
        if presses or late:
            raise AbandonedError(late=late)
        late, limit = True, patience
        stop(0)


def _result_of(work: Work, *, late: bool) -> tuple[int, bool]:
    try:
        return work.result(), False
    except CancelledError:
        if late:
            return 0, True
        raise
