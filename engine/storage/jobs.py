"""A scan's work: stripes grouped into jobs, and jobs run ahead of whoever takes their results.

Layer: ``engine.storage``. Invariant: results come in the order of the jobs; none runs on once nobody asks.
"""

from __future__ import annotations

import itertools
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from engine.storage.units import Unit

BATCH_ROWS = 122_880
_SMALL_ROWS = 16_384
"""Stripes below this are joined with their neighbours, so that many small files cost little."""
_JOINED_ROWS = 65_536
_AMONG_ROWS = 491_520
"""A job picks its rows from among at most so many: rows spread over a table are picked side by side."""
_THREADS = 2
_AHEAD = 3


def jobs_of(units: Iterable[Unit]) -> Iterator[list[Unit]]:
    """Group neighbouring stripes of which little counts; a big one is a job of its own."""
    group: list[Unit] = []
    size = among = 0
    for unit in units:
        big = unit.live >= _SMALL_ROWS
        full = size + unit.live > _JOINED_ROWS or among + unit.rows > _AMONG_ROWS
        if group and (big or full):
            yield group
            group, size, among = [], 0, 0
        if big:
            yield [unit]
            continue
        group.append(unit)
        size += unit.live
        among += unit.rows
    if group:
        yield group


def joined(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Return batches as one."""
    return parts[0] if len(parts) == 1 else pa.concat_batches(parts)


def sizes(rows: int) -> Iterator[int]:
    """Yield the sizes of the batches that so many rows make."""
    for at in range(0, rows, BATCH_ROWS):
        yield min(BATCH_ROWS, rows - at)


def ahead(run: Callable[[list[Unit]], Any], jobs: Sequence[list[Unit]]) -> Iterator[Any]:
    """Run jobs in threads of their own and yield results in order; stop cleanly when abandoned."""
    if len(jobs) < 2:
        yield from map(run, jobs)
        return
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="scan")
    try:
        waiting = iter(jobs)
        running: deque[Future[Any]] = deque(
            pool.submit(run, job) for job in itertools.islice(waiting, _AHEAD)
        )
        while running:
            done = running.popleft().result()
            running.extend(pool.submit(run, job) for job in itertools.islice(waiting, 1))
            yield done
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
