"""What was typed, kept in a file of its own, private to its user.

Layer: ``grizzly_cli.repl``. Invariant: a history that cannot be kept never stops the shell; text
with a leading blank, or that mentions a password or a secret, is not kept.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from prompt_toolkit.history import History
from typing_extensions import override

from engine import config
from engine.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from grizzly_cli.diagnostics import Narrator

_TABLE = """
CREATE TABLE IF NOT EXISTS history(
  id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, sql TEXT NOT NULL,
  db TEXT, version INTEGER, ms REAL, ok INTEGER)
"""
_SECRET = re.compile(r"\b(password|secret|token)\b", re.IGNORECASE)
_LOADED = 10_000


class Store:
    """The history's file; in memory where there can be none."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use a connection to a database with the history's table."""
        self._db = connection
        self._newest: int | None = None

    @classmethod
    def open(cls, narrator: Narrator, path: Path | None = None) -> Store:
        """Open the user's history; say once if it cannot be kept."""
        try:
            file = path or config.state_dir() / "history.db"
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file.touch(mode=0o600)
            file.chmod(0o600)
            return cls._on(str(file))
        except (OSError, RuntimeError, sqlite3.Error) as error:
            narrator.warn(f"the history of this session is not kept: {error}")
            return cls._on(":memory:")

    @classmethod
    def _on(cls, database: str) -> Store:
        connection = sqlite3.connect(
            database, timeout=1, isolation_level=None, check_same_thread=False
        )
        connection.execute(_TABLE)
        return cls(connection)

    def add(self, text: str) -> None:
        """Keep a text, unless it asks not to be kept."""
        self._newest = None
        if text[:1].isspace() or _SECRET.search(text):
            return
        try:
            with closing(
                self._db.execute(
                    "INSERT INTO history(ts, sql) VALUES (?, ?)", (SystemClock().now_us(), text)
                )
            ) as cursor:
                self._newest = cursor.lastrowid
        except sqlite3.Error:
            self._newest = None

    def outcome(self, db: str | None, version: int | None, ms: float, *, ok: bool) -> None:
        """Note what came of the newest text."""
        if self._newest is None:
            return
        try:
            self._db.execute(
                "UPDATE history SET db=?, version=?, ms=?, ok=? WHERE id=?",
                (db, version, ms, ok, self._newest),
            )
        except sqlite3.Error:
            self._newest = None

    def newest(self) -> Iterable[str]:
        """Return the texts, newest first, each once."""
        try:
            rows = self._db.execute(
                "SELECT sql FROM history GROUP BY sql ORDER BY max(id) DESC LIMIT ?", (_LOADED,)
            ).fetchall()
        except sqlite3.Error:
            return []
        return [row[0] for row in rows]

    def search(self, pattern: str, most: int) -> list[str]:
        """Return the newest texts that contain a pattern, oldest of them first."""
        found = [text for text in self.newest() if pattern.lower() in text.lower()]
        return found[:most][::-1]


class Remembered(History):
    """The history as the prompt wants it."""

    def __init__(self, store: Store) -> None:
        """Read and write a store."""
        super().__init__()
        self.store = store

    @override
    def load_history_strings(self) -> Iterable[str]:
        return self.store.newest()

    @override
    def store_string(self, string: str) -> None:
        self.store.add(string)
