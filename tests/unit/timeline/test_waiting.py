"""Who leads waits for those who come back, and for nobody else."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from engine.timeline import Proposal
from engine.timeline.waiting import Ticket, Waiting
from tests.unit.timeline import lakes

if TYPE_CHECKING:
    from pathlib import Path

LONG = 20.0


def ticket() -> Ticket:
    return Ticket(lambda _head, _seq: Proposal("nothing", {}))


def lead(waiting: Waiting, others: int) -> list[threading.Thread]:
    """Lead a group of which ``others`` wait, as threads would; then answer and leave."""
    mine = ticket()
    assert waiting.join(mine, LONG) == LONG
    threads = [threading.Thread(target=waiting.join, args=(ticket(), LONG)) for _ in range(others)]
    for thread in threads:
        thread.start()
    while len(waiting._tickets) <= others:
        time.sleep(0.001)
    for each in waiting.take(99):
        each.answer()
    waiting.leave(mine)
    return threads


def test_one_that_commits_alone_never_waits() -> None:
    waiting = Waiting()
    for _ in range(3):
        mine = ticket()
        assert waiting.join(mine, LONG) == LONG
        begun = time.monotonic()
        waiting.gather(LONG)
        assert time.monotonic() - begun < LONG / 2
        assert waiting.take(99) == [mine]
        mine.answer()
        waiting.leave(mine)


def test_the_leader_waits_until_as_many_are_back() -> None:
    waiting = Waiting()
    for thread in lead(waiting, 3):
        thread.join()
    mine, late = ticket(), [ticket() for _ in range(3)]
    assert waiting.join(mine, LONG) == LONG
    threads = [threading.Thread(target=waiting.join, args=(each, LONG)) for each in late]
    for thread in threads:
        thread.start()
    waiting.gather(LONG)
    assert set(waiting.take(99)) == {mine, *late}
    for each in late:
        each.answer()
    for thread in threads:
        thread.join()


def test_those_who_do_not_come_back_are_waited_for_once() -> None:
    waiting = Waiting()
    for thread in lead(waiting, 3):
        thread.join()
    mine = ticket()
    assert waiting.join(mine, LONG) == LONG
    waiting.gather(0.01)
    assert waiting.take(99) == [mine]
    mine.answer()
    waiting.leave(mine)
    assert waiting.join(ticket(), LONG) == LONG
    begun = time.monotonic()
    waiting.gather(LONG)
    assert time.monotonic() - begun < LONG / 2


def test_threads_that_come_back_share_groups(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path)
    threads = [threading.Thread(target=lakes.fill, args=(timeline, 20)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert timeline.head.seq == 160
    assert [commit.seq for commit in timeline.commits()] == list(range(161))
    assert len(timeline.seals(0)) < 100


class InterruptedLock:
    """A lock whose owner is interrupted while it waits, just after somebody let it go on."""

    def __init__(self, lock: threading.Lock) -> None:
        self.lock = lock
        self.release = lock.release
        self.waited = threading.Event()
        self.go = threading.Event()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if not blocking or timeout == 0:
            return self.lock.acquire(blocking)
        self.waited.set()
        self.go.wait()
        raise KeyboardInterrupt


def test_one_interrupted_while_it_waits_leaves_no_ticket_that_nobody_leads() -> None:
    waiting = Waiting()
    first, second, third = ticket(), ticket(), ticket()
    assert waiting.join(first, LONG) == LONG
    gate = InterruptedLock(second.gate)
    second.gate = gate  # type: ignore[assignment]

    def wait_interrupted() -> None:
        with pytest.raises(KeyboardInterrupt):
            waiting.join(second, LONG)
        waiting.leave(second)

    led: list[float | None] = []
    threads = [threading.Thread(target=wait_interrupted)]
    threads[0].start()
    gate.waited.wait()
    threads.append(threading.Thread(target=lambda: led.append(waiting.join(third, LONG))))
    threads[1].start()
    while len(waiting._tickets) < 3:
        time.sleep(0.001)
    waiting.leave(first)
    assert second.leads
    gate.go.set()
    for thread in threads:
        thread.join()
    assert led[0] is not None
    assert waiting.take(99) == [third]


def test_one_interrupted_before_its_turn_is_withdrawn() -> None:
    waiting = Waiting()
    first, second = ticket(), ticket()
    assert waiting.join(first, LONG) == LONG
    gate = InterruptedLock(second.gate)
    gate.go.set()
    second.gate = gate  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        waiting.join(second, LONG)
    waiting.leave(second)
    assert waiting.take(99) == [first]
    waiting.leave(first)
    assert waiting.join(ticket(), LONG) == LONG


def test_a_leader_interrupted_while_it_gathers_disturbs_nobody() -> None:
    waiting = Waiting()
    for thread in lead(waiting, 3):
        thread.join()
    mine = ticket()
    assert waiting.join(mine, LONG) == LONG
    enough = waiting._enough
    broken = InterruptedLock(enough)
    waiting._enough = broken  # type: ignore[assignment]
    broken.go.set()
    with pytest.raises(KeyboardInterrupt):
        waiting.gather(LONG)
    waiting.leave(mine)
    waiting._enough = enough
    assert (waiting._wanted, enough.locked()) == (0, True)
    for thread in lead(waiting, 4):
        thread.join()
