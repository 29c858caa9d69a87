"""Where data goes: standard output or a file, in the form that was asked for or that fits.

Layer: ``grizzly_cli.context``. Invariant: a file named by ``-o`` is whole or untouched.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from engine.errors import IoError, UsageError
from grizzly_cli.diagnostics import count, seconds, wants_color
from grizzly_cli.options import BINARY_FORMATS

if TYPE_CHECKING:
    from grizzly_cli.diagnostics import Narrator
    from grizzly_cli.options import Settings
    from grizzly_cli.render import Rows, Shown

SUFFIXES = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".md": "markdown",
    ".txt": "table",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".parquet": "parquet",
    ".orc": "orc",
}
HEAD_ROWS = 40
_AROUND = 8  # a grid's frame and header, the mark of its cut, its footer, and the prompt
_LEAST_ROWS = 4


class Output:
    """The data side of one invocation."""

    def __init__(self, settings: Settings, narrator: Narrator) -> None:
        """Open nothing yet."""
        self.settings = settings
        self.narrator = narrator
        self.written = 0
        self.rows = 0
        self.timed = True
        self._file: BinaryIO | None = None
        self._partial: Path | None = None

    @property
    def to_terminal(self) -> bool:
        """Return whether a person sees the data as it is written."""
        return self.settings.out_path is None and sys.stdout.isatty()

    @property
    def format(self) -> str:
        """Return the form of the data: as asked, else by the file's suffix, else what fits."""
        if self.settings.format:
            return self.settings.format
        path = self.settings.out_path
        if path is not None:
            return SUFFIXES.get(Path(path).suffix.lower(), "csv")
        return "box" if self.to_terminal else "csv"

    def sink(self) -> BinaryIO:
        """Return the stream to write data to."""
        path = self.settings.out_path
        if path is None:
            return sys.stdout.buffer
        if self._file is None:
            try:
                self._file = self._open(Path(path))
            except OSError as error:
                raise IoError(
                    f"cannot write '{path}': {error.strerror}", subject=str(path)
                ) from error
        return self._file

    def _open(self, path: Path) -> BinaryIO:
        if path.exists() and not path.is_file():
            return path.open("wb")
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        return self._partial.open("wb")

    def show(self, rows: Rows) -> Shown:
        """Write one result, and say what of it was left out."""
        from grizzly_cli.render import Target, write  # noqa: PLC0415  # with the engine, not before

        form = self.format
        if form in BINARY_FORMATS:
            self._check_binary(form)
        terminal = self.to_terminal
        size = shutil.get_terminal_size()
        target = Target(
            self.sink(),
            form,
            limit=self.settings.limit,
            head=_rows_in(size.lines) if terminal else None,
            width=size.columns if terminal else None,
            color=terminal and wants_color(self.settings.color, sys.stdout),
            unicode=(sys.stdout.encoding or "").lower().startswith("utf"),
        )
        shown = write(rows, target)
        self.written += 1
        self.rows += shown.rows
        if terminal:
            sys.stdout.buffer.flush()
        self._tell(shown)
        return shown

    def _check_binary(self, form: str) -> None:
        if self.to_terminal:
            raise UsageError(
                f"{form} is not for a terminal", hint=f"add -o FILE.{form}, or pipe it on"
            )
        if self.written:
            raise UsageError(
                f"{form} holds one result, and there are more", hint="run one query at a time"
            )

    def _tell(self, shown: Shown) -> None:
        if shown.limited:
            self.narrator.note(f"note: --limit {shown.rows} left rows out")
        if shown.nonfinite:
            what = count(shown.nonfinite, "number")
            self.narrator.note(f"note: {what} that JSON cannot hold (NaN, infinity) became null")

    def lasted(self, duration: float) -> str:
        """Return a duration to be shown, or nothing if times are not wanted."""
        return seconds(duration) if self.timed else ""

    def footer(self, shown: Shown, duration: float, at: str) -> None:
        """Say below a grid on a terminal what it shows."""
        if not self.to_terminal or self.format not in {"box", "table"}:
            return
        hidden = shown.columns - shown.shown_columns
        self.narrator.footer(
            [
                count(shown.rows, "row"),
                f"{shown.shown} shown" if shown.shown < shown.rows else "",
                f"{hidden} of {count(shown.columns, 'column')} hidden" if hidden else "",
                f"{count(shown.cut_cells, 'cell')} cut" if shown.cut_cells else "",
                self.lasted(duration),
                at,
            ]
        )

    def raw(self, data: bytes) -> None:
        """Write bytes that are not a result, such as a proof."""
        self.sink().write(data)
        if self.to_terminal:
            sys.stdout.buffer.flush()

    def finish(self) -> None:
        """Flush, and give a finished file its name.

        Raises: BrokenPipeError when the reader went away; IoError when the file cannot be placed.
        """
        if self._file is None:
            sys.stdout.flush()
            return
        try:
            self._file.close()
            if self._partial is not None and self.settings.out_path is not None:
                self._partial.replace(self.settings.out_path)
        except OSError as error:
            raise IoError(f"cannot write '{self.settings.out}': {error.strerror}") from error
        self._file = self._partial = None

    def abandon(self) -> None:
        """Leave no half-written file behind."""
        if self._file is not None:
            self._file.close()
        if self._partial is not None:
            self._partial.unlink(missing_ok=True)
        self._file = self._partial = None


def _rows_in(lines: int) -> int:
    """Return how many rows of a grid fit into a terminal with its header still in sight."""
    return max(min(HEAD_ROWS, (lines - _AROUND) // 2 * 2), _LEAST_ROWS)
