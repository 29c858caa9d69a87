"""What every test stands on: no state of the user's own, and the golden scripts as tests."""

from __future__ import annotations

import contextlib
import difflib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.golden import runner
from tests.stranger import stranger

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "tests" / "golden" / "engine"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--golden-update", action="store_true", help="rewrite what the golden scripts recorded"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Point every place a user keeps things at an empty folder, for child processes too."""
    stack = contextlib.ExitStack()
    stack.enter_context(stranger())
    config.add_cleanup(stack.close)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix == ".gold" and file_path.parent == SCRIPTS:
        return ScriptFile.from_parent(parent, path=file_path)
    return None


class DriftError(Exception):
    """A script prints something else than it did when it was recorded."""

    def __init__(self, before: str, after: str) -> None:
        diff = difflib.unified_diff(
            before.splitlines(), after.splitlines(), "recorded", "now", lineterm=""
        )
        super().__init__("\n".join(diff))


class ScriptFile(pytest.File):
    """A golden script on disk."""

    def collect(self) -> Iterator[pytest.Item]:
        yield ScriptItem.from_parent(self, name=self.path.stem)


class ScriptItem(pytest.Item):
    """A golden script as one test: what it prints now is what it printed then."""

    def runtest(self) -> None:
        before = self.path.read_text(encoding="utf-8")
        with (
            tempfile.TemporaryDirectory(prefix="grizzly-golden-") as folder,
            contextlib.closing(runner.Players(Path(folder))) as players,
        ):
            after = runner.render(runner.replay(runner.blocks(before), players))
        if self.config.getoption("--golden-update"):
            self.path.write_text(after, encoding="utf-8")
        elif after != before:
            raise DriftError(before, after)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
        if isinstance(excinfo.value, DriftError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"golden: {self.name}"
