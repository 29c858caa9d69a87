"""The changes of 19,000 updated rows among 1,000,000, of one engine.

    python tests/bench/change_peers.py ENGINE FOLDER      prints JSON: events, and medians. Units: ms.

``spread`` rows lie all over the table, ``together`` in one place. Nothing is opted into beforehand but in
Delta, which has no changes otherwise: its writers keep them in files of their own.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from peers import Delta, DuckLake, Grizzly, table, timed

ROWS, UPDATED = 1_000_000, 19_000
WHICH = {"spread": np.arange(UPDATED) * (ROWS // UPDATED), "together": 300_000 + np.arange(UPDATED)}


def changed(ids: Any, by: int) -> pa.Table:
    """Rows of these ids with another number in two columns."""
    rows = table(ids)
    rows = rows.set_column(1, "a", pc.add(rows["a"], pa.scalar(by, pa.int32())))
    return rows.set_column(2, "b", pc.add(rows["b"], by))


class OurChanges(Grizzly):
    def version(self) -> int:
        return int(self.db.execute("SELECT max(version) FROM grizzly.timeline").fetchone()[0])

    def changes(self, since: int, *, net: bool = False) -> int:
        kind = "NET " if net else ""
        sql = f"CHANGES {kind}FROM t SINCE VERSION {since} UNTIL VERSION {since + 1}"
        return int(self.db.execute(sql).arrow().num_rows)


class DeltaChanges(Delta):
    """Its changes are files that every write wrote beside the data, because it was told to."""

    def create(self, rows: pa.Table) -> None:
        from deltalake import DeltaTable, write_deltalake

        write_deltalake(self.path, rows, configuration={"delta.enableChangeDataFeed": "true"})
        self.table = DeltaTable(self.path)

    def version(self) -> int:
        return int(self.table.version())

    def changes(self, since: int) -> int:
        found = self.table.load_cdf(starting_version=since + 1, ending_version=since + 1)
        return int(pa.table(found.read_all()).num_rows)


class DuckLakeChanges(DuckLake):
    def version(self) -> int:
        return int(self.db.execute("SELECT max(snapshot_id) FROM lake.snapshots()").fetchone()[0])

    def changes(self, since: int) -> int:
        sql = f"FROM lake.table_changes('t', {since + 1}, {since + 1})"
        found = self.db.execute(sql).fetch_arrow_table()
        return int(found.num_rows)


ENGINES = {"grizzly": OurChanges, "delta-rs": DeltaChanges, "ducklake": DuckLakeChanges}


def measure(engine: Any) -> dict[str, float]:
    engine.create(table(np.arange(ROWS)))
    found: dict[str, float] = {}
    for by, (name, ids) in enumerate(WHICH.items(), start=1):
        since = engine.version()
        engine.upsert(changed(ids, by))
        found[f"events {name}"] = engine.changes(since)
        found[name] = timed([lambda v=since: engine.changes(v)] * 15)
        if isinstance(engine, OurChanges):
            found[f"{name}, net"] = timed([lambda v=since: engine.changes(v, net=True)] * 15)
    return found


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    print(json.dumps(measure(ENGINES[name](folder / f"{name}-{time.time_ns()}"))))


if __name__ == "__main__":
    main()
