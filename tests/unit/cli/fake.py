"""A session without an engine: it records what it is asked and answers from a list."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from engine.errors import CancelledError, GrizzlyError
from engine.session import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class FakeResult:
    tag: str = "SELECT"
    kind: str = "rows"
    data: pa.Table | None = None
    types: list[str] = field(default_factory=list)
    count: int | None = None
    version: int | None = None
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.data is not None and not self.types:
            self.types = [str(kind).upper() for kind in self.data.schema.types]

    @property
    def columns(self) -> list[str]:
        return self.data.column_names if self.data is not None else []

    @property
    def schema(self) -> Any:
        return self.data.schema if self.data is not None else pa.schema([])

    def batches(self) -> Iterator[Any]:
        if self.data is not None:
            yield from self.data.to_batches()


@dataclass
class FakeTable:
    schema: str
    name: str
    kind: str
    columns: list[tuple[str, str]]


class FakeSession:
    """Answers each text by the first rule that finds itself in it; blocks on SLEEP."""

    name = "shop"
    path = Path("shop")
    transaction_failed = False

    def __init__(self, answer: Callable[[str], FakeResult | None]) -> None:
        self.answer = answer
        self.asked: list[tuple[str, object]] = []
        self.version = 3
        self.in_transaction = False
        self.read_only = False
        self.as_of: str | None = None
        self.branch: str | None = None
        self.closed = False
        self.keys = [(0, "grizzly+first")]
        self.stopped = threading.Event()
        self.on_sleep: Callable[[], object] = lambda: None

    def run(self, text: str, params: object = None) -> Iterator[FakeResult]:
        self.asked.append((text, params))
        if text.startswith("BEGIN"):
            self.in_transaction = True
        if text.startswith(("COMMIT", "ROLLBACK")):
            self.in_transaction = False
        if "SLEEP" in text:
            self.on_sleep()
            if not self.stopped.wait(20):
                raise AssertionError("nobody stopped it")
            self.stopped.clear()
            raise CancelledError("the statement was stopped")
        result = self.answer(text)
        if isinstance(result, GrizzlyError):
            raise result
        if result is not None:
            yield result

    def interrupt(self) -> None:
        self.stopped.set()

    def tables(self) -> list[FakeTable]:
        return [
            FakeTable("main", "orders", "table", [("id", "INTEGER"), ("qty", "INTEGER")]),
            FakeTable("main", "odd name", "table", [("x", "VARCHAR")]),
            FakeTable("stage", "raw", "view", [("line", "VARCHAR")]),
        ]

    def functions(self) -> list[str]:
        return ["count", "coalesce"]

    def snapshots(self) -> list[str]:
        return ["monday"]

    def signers(self) -> list[tuple[int, str]]:
        return self.keys

    def verify(self, **ways: object) -> Iterator[Finding]:
        del ways
        yield Finding("log", ok=True, detail="")

    def close(self) -> None:
        self.closed = True
