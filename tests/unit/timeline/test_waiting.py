"""Who leads waits for those who come back, and for nobody else."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

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
