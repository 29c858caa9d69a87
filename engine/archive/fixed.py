"""A store that nobody writes to.

Layer: ``engine.archive``, below its siblings. Invariant: every method that would write refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from engine.errors import ReadOnlyError
from engine.objectstore import layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager


class FixedStore:
    """The writing half of a store that has none; ``name`` is what to call it."""

    name: str
    writable = False
    refusal = "is only read"
    way_out: str | None = None

    def _refuse(self) -> NoReturn:
        raise ReadOnlyError(f"{self.name} {self.refusal}", subject=self.name, hint=self.way_out)

    def changed(self, path: str) -> int | None:  # noqa: ARG002 - the protocol's
        """Return None: nothing here is ever written to."""
        return None

    def put(self, path: str, data: bytes | memoryview) -> None:  # noqa: ARG002 - the protocol's
        """Refuse. Raises: ReadOnlyError."""
        self._refuse()

    def put_many(self, files: Iterable[tuple[str, bytes | memoryview]]) -> None:  # noqa: ARG002 - the protocol's
        """Refuse. Raises: ReadOnlyError."""
        self._refuse()

    def put_stream(self, chunks: Iterable[bytes], name: Callable[[], str]) -> None:  # noqa: ARG002 - the protocol's
        """Refuse. Raises: ReadOnlyError."""
        self._refuse()

    def replace(self, path: str, data: bytes) -> None:  # noqa: ARG002 - the protocol's
        """Refuse. Raises: ReadOnlyError."""
        self._refuse()

    def patch(self, path: str, data: bytes, at: int) -> None:  # noqa: ARG002 - the protocol's
        """Refuse. Raises: ReadOnlyError."""
        self._refuse()

    def append(self, path: str, data: bytes, at: int) -> None:  # noqa: ARG002 - the protocol's
        """Refuse. Raises: ReadOnlyError."""
        self._refuse()

    def sync(self, path: str) -> None:  # noqa: ARG002 - the protocol's
        """Refuse. Raises: ReadOnlyError."""
        self._refuse()

    def truncate(self, path: str, size: int) -> None:  # noqa: ARG002 - the protocol's
        """Refuse. Raises: ReadOnlyError."""
        self._refuse()

    def remove(self, path: str) -> None:  # noqa: ARG002 - the protocol's
        """Refuse. Raises: ReadOnlyError."""
        self._refuse()

    def lock(self, timeout: float, name: str = layout.LOCK) -> AbstractContextManager[None]:  # noqa: ARG002 - the protocol's
        """Refuse. Raises: ReadOnlyError."""
        self._refuse()
