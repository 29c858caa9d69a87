"""Proofs in a user's words: of tables by their names, at moments by theirs.

Layer: ``session``. Invariant: a proof is about what was committed; nothing pending is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalog import Catalog
from engine.errors import BindError, UsageError
from engine.session import moments
from engine.session.proving.cosigned import Cosigned, newest
from engine.session.proving.rowproofs import Rows
from engine.timeline.proving import Prover
from grammar import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.catalog import Table
    from engine.clock import Clock
    from engine.timeline import Timeline


class Proofs:
    """Makes the bundles that ``engine.proof`` checks, each against the newest checkpoint."""

    def __init__(self, timeline: Timeline, clock: Clock, schema: Callable[[], str]) -> None:
        """Prove what is on a timeline; ``schema`` answers where bare names of tables are looked up."""
        self._timeline = timeline
        self._clock = clock
        self._schema = schema
        self._cosigned: Cosigned | None = None

    def cosigned(self) -> Proofs:
        """Return what proves against the newest checkpoint that witnesses cosigned.

        Raises: UsageError when none is known.
        """
        found = Proofs(self._timeline, self._clock, self._schema)
        found._cosigned = newest(self._timeline)
        if found._cosigned is None:
            raise UsageError(
                "no cosigned checkpoint of this lakehouse is known",
                hint="`grizzly witness ask` gets one",
            )
        return found

    def _prover(self) -> Prover:
        held = self._cosigned
        return Prover(self._timeline, None if held is None else (held.note, held.witnesses))

    def commit(self, version: int) -> bytes:
        """Return a proof that a commit is in the log.

        Cost: about a millisecond, whatever the length of history.
        Raises: UsageError when there is no such version.
        """
        self._known(version)
        return self._prover().commit(version)

    def consistency(self, old: int, new: int | None = None) -> bytes:
        """Return a proof that the log of ``old`` commits begins that of ``new``, and of all.

        Raises: UsageError when the log never had such a size.
        """
        prover = self._prover()
        sizes = sorted({old} if new is None else {old, new})
        if new is not None and new < old:
            raise UsageError(f"the log of {old} commits cannot begin one of {new}")
        if not 0 < sizes[0] <= sizes[-1] <= prover.size:
            raise UsageError(f"the log has had 1 to {prover.size} commits")
        return prover.consistency(sizes)

    def state(self, keys: list[str], at: str | None = None) -> bytes:
        """Return a proof of what some keys of the state map hold, or that they are not there.

        Raises: UsageError when ``at`` names no moment.
        """
        if not keys or not all(key.isascii() and key.isprintable() and key for key in keys):
            raise UsageError("a key of the state is ASCII text")
        return self._prover().state(self._moment(at), keys)

    def table(self, name: str, at: str | None = None) -> bytes:
        """Return a proof that certain files, and no others, are a table.

        Cost: by the number of its files.
        Raises: BindError when there is no such table, UsageError when ``at`` names no moment.
        """
        version = self._moment(at)
        return self._prover().table(version, self._table(name, version).id)

    def changes(self, name: str, since: str, until: str | None = None) -> bytes:
        """Return a proof of all that changed in a table between two moments, file by file.

        Cost: by the differences, and the number of files.
        Raises: BindError when there is no such table, UsageError for moments that are none.
        """
        first, last = self._moment(since), self._moment(until)
        if first >= last:
            raise UsageError(f"version {first} is not before version {last}")
        table = self._table(name, last, first)
        return self._prover().changes(first, last, table.id)

    def row(self, name: str, key: Sequence[str], at: str | None = None) -> bytes:
        """Return a proof of the row of a table that has a primary key.

        ``key`` is one text for each column of the key.

        Cost: decodes the file that holds the row.
        Raises: BindError when there is no such table, UsageError when there is no such row.
        """
        version = self._moment(at)
        table = self._table(name, version)
        rows = Rows(self._timeline, table, version)
        found = rows.find(rows.key(key))
        if found is None:
            raise UsageError(
                f"{table.qualified} has no row with the key ({', '.join(key)}) at version {version}",
                hint="prove --absent proves that",
            )
        body = {"at": found.at, "file": found.evidence, "row": found.row}
        return self._prover().row(version, table.id, found.entry.state_key(table.id), body)

    def absent(self, name: str, key: Sequence[str], at: str | None = None) -> bytes:
        """Return a proof that no row of a table has a primary key.

        Cost: a block of the index of each file that has one; other files are shown whole.
        Raises: BindError when there is no such table, UsageError when there is such a row.
        """
        version = self._moment(at)
        table = self._table(name, version)
        rows = Rows(self._timeline, table, version)
        wanted = rows.key(key)
        body = {"files": rows.absence(wanted), "key": wanted}
        return self._prover().absent(version, table.id, body)

    def _known(self, version: int) -> None:
        last = self._prover().size - 1
        if not 0 <= version <= last:
            raise UsageError(f"there is no version {version}; the newest is {last}")

    def _moment(self, moment: str | None) -> int:
        head = self._timeline.refresh()
        if moment is None:
            return head.seq if self._cosigned is None else self._cosigned.size - 1
        version = moments.resolve(moment, self._timeline, self._clock.now_us())
        self._known(version)
        return version

    def _table(self, name: str, *versions: int) -> Table:
        """Return the table of a name at the first of some versions that has one."""
        schema, _, bare = name.rpartition(".")
        for version in versions:
            catalog = Catalog(self._timeline.state_at(version))
            found = catalog.table(schema or self._schema(), bare)
            if found is not None:
                return found
        names = [
            table.qualified for table in Catalog(self._timeline.state_at(versions[0])).tables()
        ]
        best = suggest(name, names)
        raise BindError(
            f"there is no table '{name}' at version {versions[0]}",
            hint=f"did you mean {best}?" if best else None,
        )
