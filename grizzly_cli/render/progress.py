"""A bar that says how far long work is, how fast it goes and when it will be done.

Layer: ``grizzly_cli.render``; the only door to ``rich``. Invariant: it is drawn on standard error,
for a person only, and is gone when the work is done.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def bar(label: str, *, color: bool) -> Iterator[Callable[[int, int], None]]:
    """Yield what is to be told the bytes done and the bytes in all, as often as one likes."""
    from rich.console import Console  # noqa: PLC0415  # only a person at a terminal pays for it
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(file=sys.stderr, no_color=not color, highlight=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
