"""Programs that write to a lakehouse while a test does something terrible to them.

Run as `python -m tests.crash.writers ROLE LAKE …`; every acknowledged commit is one line on
standard output, written before the next statement starts.
"""

from __future__ import annotations

import os
import random
import resource
import select
import signal
import sys
import time
from contextlib import closing
from pathlib import Path

from engine.errors import ConflictError, GrizzlyError, IntegrityError
from engine.session import Session, connect

BULK = 1500
"""Rows of a commit that is too large to ride in the log."""


def run(session: Session, sql: str) -> list[dict[str, object]]:
    """Run every statement of a text and return the last one's rows."""
    rows: list[dict[str, object]] = []
    for result in session.run(sql):
        rows = result.table().to_pylist() if result.kind == "rows" else []
    return rows


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def one_commit(session: Session, number: int) -> None:
    """Commit number ``number`` to three tables at once, so that a torn commit would show."""
    bulk = (
        f"INSERT INTO bulk SELECT {number}, i FROM range({BULK}) r(i);" if number % 9 == 4 else ""
    )
    run(
        session,
        f"BEGIN; INSERT INTO log VALUES ({number}, 'entry {number}');"
        f"{bulk} UPSERT INTO latest VALUES ({number % 7}, {number}); COMMIT;",
    )


def stream(lake: Path, first: int) -> None:
    with closing(connect(lake)) as session:
        say("ready")
        number = first
        while True:
            one_commit(session, number)
            say(str(number))
            number += 1


def acknowledged(pipe: int, seconds: float) -> bytes:
    """Return what comes through a pipe within a time."""
    end = time.monotonic() + seconds
    found = b""
    while (left := end - time.monotonic()) > 0:
        if select.select([pipe], [], [], left)[0]:
            found += os.read(pipe, 1 << 16)
    return found


def victims(lake: Path) -> None:
    """Fork a streaming writer for each line read; kill it, and report its acks.

    A line is the first number to commit, a delay, and whether it counts from the fork (`start`) or
    from when the lakehouse is open (`ready`), however busy the machine is.
    Forking from a process that has imported everything makes a round cost a kill, not a start.
    """
    for line in sys.stdin:
        first, delay, since = line.split()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writing, 1)
            os.close(reading)
            try:
                stream(lake, int(first))
            finally:
                os._exit(70)
        os.close(writing)
        acks = os.read(reading, 1 << 16) if since == "ready" else b""
        acks += acknowledged(reading, float(delay))
        os.kill(child, signal.SIGKILL)
        with os.fdopen(reading, "rb") as pipe:
            acks += pipe.read()
        _, status = os.waitpid(child, 0)
        numbers = [line for line in acks.decode().split() if line != "ready"]
        say(" ".join([str(os.waitstatus_to_exitcode(status)), *numbers]))


def count(lake: Path, times: int, keys: int) -> None:
    """Add one to each of ``keys`` counters in turn, by upserts that read what they replace."""
    with closing(connect(lake)) as session:
        for number in range(times):
            key = number % keys
            while True:
                try:
                    run(
                        session,
                        f"UPSERT INTO counter SELECT {key}, "
                        f"coalesce((SELECT n FROM counter WHERE id = {key}), 0) + 1",
                    )
                except ConflictError:
                    say("conflict")
                    continue
                break
            say(str(number))


def transfer(lake: Path, times: int, seed: int) -> None:
    """Move money between accounts of two tables, in transactions that are tried until they hold."""
    dice = random.Random(seed)
    with closing(connect(lake)) as session:
        for number in range(times):
            amount = dice.randint(1, 9)
            source, target = dice.sample(("savings", "checking"), 2)
            one, other = dice.randrange(4), dice.randrange(4)
            while True:
                try:
                    run(
                        session,
                        f"BEGIN; UPDATE {source} SET n = n - {amount} WHERE id = {one};"
                        f"UPDATE {target} SET n = n + {amount} WHERE id = {other}; COMMIT",
                    )
                except ConflictError:
                    if session.in_transaction:
                        run(session, "ROLLBACK")
                    say("conflict")
                    continue
                break
            say(str(number))


def overlap(lake: Path, times: int, seed: int, width: int, keys: int) -> None:
    """Upsert and insert ranges of keys that others write at the same time; say each range and winner."""
    dice = random.Random(seed)
    with closing(connect(lake)) as session:
        for number in range(times):
            first = dice.randrange(keys - width)
            given = f"range({first}, {first + width}) r(i)"
            run(
                session,
                "UPSERT INTO counter SELECT i, coalesce(n, 0) + 1 "
                f"FROM {given} LEFT JOIN counter ON id = i",
            )
            (won,) = run(
                session,
                f"BEGIN; SELECT count(*) AS won FROM owner WHERE id = {first}",
            )
            run(session, "COMMIT")
            if not won["won"]:
                try:
                    run(session, f"INSERT INTO owner VALUES ({first}, {seed * times + number})")
                    say(f"won {first} {seed * times + number}")
                except IntegrityError:
                    pass
            say(f"added {first}")


def own(lake: Path, times: int, me: int, writers: int) -> None:
    """Change rows that nobody else changes, in transactions of several statements."""
    with closing(connect(lake)) as session:
        for number in range(times):
            mine = me + writers * (number % 50)
            fresh = 1_000_000 * (me + 1) + number
            try:
                run(
                    session,
                    f"BEGIN; UPDATE t SET n = n + 1 WHERE id = {mine};"
                    f"INSERT INTO t VALUES ({fresh}, 0); UPSERT INTO t VALUES ({fresh}, 1);"
                    f"DELETE FROM t WHERE id = {fresh - 3}; COMMIT",
                )
            except ConflictError as error:
                if session.in_transaction:
                    run(session, "ROLLBACK")
                say(f"conflict: {error.message}")
                continue
            say(str(number))


def compactor(lake: Path, seconds: int) -> None:
    """Compact all the time, in statements and in transactions, until there was something to do."""
    done = "SELECT count(*) AS c FROM grizzly.timeline WHERE op = 'compact'"
    end = time.monotonic() + seconds
    with closing(connect(lake)) as session:
        number = 0
        while time.monotonic() < end or run(session, done) == [{"c": 0}]:
            try:
                run(session, "COMPACT t" if number % 2 else "BEGIN; COMPACT t; COMMIT")
            except ConflictError as error:
                say(f"conflict: {error.message}")
            number += 1
        say(str(number))


def numbered(lake: Path, first: int) -> None:
    """Add numbered rows, each at most once, starting over from the number given."""
    with closing(connect(lake)) as session:
        say("ready")
        number = first
        while True:
            run(
                session,
                f"BEGIN IDEMPOTENT ('numbered', {number});"
                f"INSERT INTO log VALUES ({number}, 'once'); COMMIT",
            )
            say(str(number))
            number += 1


def limited(lake: Path, limit: int) -> None:
    """Write ever more under a limit on the size of any file, then go on with little."""
    with closing(connect(lake)) as session:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        for number in range(100):
            try:
                run(
                    session,
                    f"INSERT INTO log SELECT {number}, repeat(md5(i::TEXT), 9) "
                    f"FROM range({2000 * number}) r(i)",
                )
            except GrizzlyError as error:
                say(f"error {type(error).__name__} {error.subject}")
                break
            say(str(number))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        run(session, "INSERT INTO log VALUES (-1, 'after')")
        say("-1")


if __name__ == "__main__":
    role, where, *rest = sys.argv[1:]
    {
        "stream": stream,
        "victims": victims,
        "count": count,
        "transfer": transfer,
        "limited": limited,
        "overlap": overlap,
        "own": own,
        "compactor": compactor,
        "numbered": numbered,
    }[role](Path(where), *map(int, rest))
