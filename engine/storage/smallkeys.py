"""The keys of a table's many small files in one map.

Layer: ``engine.storage``. Invariant: files are known by their digests, so a file that left the table is
never found again: whoever asks names the files that count.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from engine.storage.keyindex import Run

_SPARE = 64
"""So many more files than count may stay known before they are forgotten."""


class SmallKeys:
    """A map from words to places, kept abreast of the files that are asked about.

    Threads may share it.
    """

    def __init__(self) -> None:
        """Know no file."""
        self._places: dict[int, tuple[tuple[str, int], ...]] = {}
        self._known: set[str] = set()
        self._lock = threading.RLock()

    def find(
        self,
        words: Sequence[int],
        files: Mapping[str, Sequence[int]],
        load: Callable[[str], Run],
    ) -> Iterable[tuple[int, int, int]]:
        """Yield which words are in ``files``: the word's index, the file's number, the position.

        Shape: ``files`` gives the numbers of each digest; ``load`` its keys.
        Cost: the keys of files that were never seen before, then one look for each word.
        """
        with self._lock:
            self._follow(files, load)
            found = [self._places.get(word, ()) for word in words]
        for index, places in enumerate(found):
            for digest, position in places:
                for number in files.get(digest, ()):
                    yield index, number, position

    def learn(self, digest: str, run: Run) -> None:
        """Take in the keys of a file, once."""
        with self._lock:
            if digest in self._known:
                return
            for word, row in zip(run.words.tolist(), run.rows.tolist(), strict=True):
                self._places[word] = (*self._places.get(word, ()), (digest, row))
            self._known.add(digest)

    def _follow(self, files: Mapping[str, Sequence[int]], load: Callable[[str], Run]) -> None:
        if len(self._known) > 2 * len(files) + _SPARE:
            self._known &= files.keys()
            left = {
                word: tuple(place for place in places if place[0] in self._known)
                for word, places in self._places.items()
            }
            self._places = {word: places for word, places in left.items() if places}
        for digest in files:
            if digest not in self._known:
                self.learn(digest, load(digest))
