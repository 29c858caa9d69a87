from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

import engine.session
from grizzly_cli.__main__ import run
from tests.unit.cli.fake import FakeResult, FakeSession

if TYPE_CHECKING:
    from collections.abc import Callable

OPENED = {"read_only": False, "as_of": None, "branch": None, "guarded": True}
"""How a session is opened when nothing else is asked for."""


def answer(text: str) -> Any:
    if "UPSERT" in text:
        return FakeResult("UPSERT", "done", count=2, version=2)
    if "CREATE" in text or text.startswith(("BEGIN", "COMMIT", "DROP", "COPY", "RESTORE")):
        return FakeResult(text.split(maxsplit=1)[0], "done", version=4)
    return FakeResult(data=pa.table({"id": [1, 2], "name": ["a", None]}))


class Grizzly:
    """The program, run in this process against a fake session."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        self.session = FakeSession(answer)
        self.opened: list[tuple[Any, dict[str, Any]]] = []
        self._capsys = capsys
        self._patch = monkeypatch
        monkeypatch.setattr(
            engine.session, "find_lake", lambda explicit=None: explicit, raising=False
        )
        monkeypatch.setattr(engine.session, "connect", self._connect, raising=False)

    def _connect(self, path: Any, **options: Any) -> FakeSession:
        self.opened.append((path, options))
        self.session.as_of = options["as_of"]
        self.session.branch = options["branch"]
        return self.session

    def answers(self, reply: Callable[[str], Any]) -> None:
        self.session.answer = reply

    def __call__(self, *argv: str, stdin: str | None = None) -> tuple[int, str, str]:
        if stdin is not None:
            text = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
            self._patch.setattr(sys, "stdin", text)
        code = run(list(argv))
        out, err = self._capsys.readouterr()
        return code, out, err

    @property
    def asked(self) -> list[str]:
        return [text for text, _ in self.session.asked]


@pytest.fixture
def grizzly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Grizzly:
    monkeypatch.setenv("NO_COLOR", "1")
    return Grizzly(monkeypatch, capsys)
