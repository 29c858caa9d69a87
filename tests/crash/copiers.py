"""A program that copies a lakehouse while a test stops it: `python -m tests.crash.copiers SRC DEST`.

Each line read is `step N`, to die at the Nth sync or rename, or `wait SECONDS`, to be killed then.
The answer is the exit status. Forking from a process that has imported everything makes a round
cost a death, not a start.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from engine.archive import back_up


def mortal(last: int) -> None:
    """Let this process die, as if by `kill -9`, at its ``last``th sync or rename."""
    left = last

    def counting(call):
        def counted(*args, **kwargs):
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return counted

    os.fsync = counting(os.fsync)
    os.replace = counting(os.replace)
    Path.replace = counting(Path.replace)


def main(source: Path, target: Path) -> None:
    for line in sys.stdin:
        kind, number = line.split()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                if kind == "step":
                    mortal(int(number))
                back_up(source, target)
                status = 0
            finally:
                os._exit(status)
        if kind == "wait":
            time.sleep(float(number))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
