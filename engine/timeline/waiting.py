"""Commits of one process that wait for each other: one of them leads, and writes for all.

Layer: ``engine.timeline``. Invariant: every ticket is answered exactly once, and whenever some wait
one of them leads or is about to, even when a signal interrupts one. Each waits for a lock of its own, so an answer wakes one thread.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.timeline.model import Commit, Head, Proposal


class Ticket:
    """One commit that waits: how to build it, and what became of it."""

    __slots__ = ("build", "commit", "done", "error", "gate", "leads")

    def __init__(self, build: Callable[[Head, int], Proposal]) -> None:
        """Take what proposes the commit."""
        self.build = build
        self.commit: Commit | None = None
        self.error: BaseException | None = None
        self.done = self.leads = False
        self.gate = threading.Lock()
        self.gate.acquire()

    def answer(self, error: BaseException | None = None) -> None:
        """Say what became of the commit, once."""
        self.error = error
        self.done = True
        self.gate.release()


class Waiting:
    """The tickets of one process, first come first served."""

    def __init__(self) -> None:
        """Begin with none."""
        self._mutex = threading.Lock()
        self._tickets: list[Ticket] = []
        self._led = False
        self._before = 0
        self._wanted = 0
        self._enough = threading.Lock()
        self._enough.acquire()

    def join(self, ticket: Ticket, timeout: float) -> float | None:
        """Wait until the ticket is answered, or its turn to lead has come.

        Returns what is left of ``timeout`` to a leader, None to one that was answered. However it
        ends, ``leave`` has to follow.

        Units: seconds.
        Raises: TimeoutError.
        """
        with self._mutex:
            self._tickets.append(ticket)
            if not self._led:
                self._led = ticket.leads = True
                return timeout
            if self._wanted and len(self._tickets) >= self._wanted:
                self._wanted = 0
                self._enough.release()
        begun = time.monotonic()
        if not ticket.gate.acquire(timeout=timeout):
            with self._mutex:
                if ticket in self._tickets and not ticket.leads:
                    raise TimeoutError
            ticket.gate.acquire()
        return None if ticket.done else max(0.0, timeout - (time.monotonic() - begun))

    def gather(self, patience: float) -> None:
        """Let the leader wait until as many tickets are there as were taken together before.

        Threads that commit one after the other come back a moment after they were answered: who
        leads waits for them, no longer than what waiting for another sync would cost.

        Units: seconds.
        """
        try:
            with self._mutex:
                if len(self._tickets) >= self._before:
                    return
                self._wanted = self._before
            self._enough.acquire(timeout=patience)
        finally:
            with self._mutex:
                self._wanted = 0
                self._enough.acquire(blocking=False)

    def take(self, most: int) -> list[Ticket]:
        """Return the next tickets, which the leader has to answer."""
        with self._mutex:
            taken = self._tickets[:most]
            del self._tickets[:most]
            self._before = len(taken)
            return taken

    def leave(self, ticket: Ticket) -> None:
        """Wait no more: a ticket that nobody took is withdrawn; if it led, the next one does."""
        if ticket.done and not ticket.leads:
            return
        with self._mutex:
            if ticket in self._tickets:
                self._tickets.remove(ticket)
            if not ticket.leads:
                return
            ticket.leads = False
            if self._tickets:
                self._tickets[0].leads = True
                self._tickets[0].gate.release()
            else:
                self._led = False
