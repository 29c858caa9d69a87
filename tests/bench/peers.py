"""One engine at a time, the same work: create a table, upsert, append single rows, look keys up.

    python tests/bench/peers.py ENGINE FOLDER ROWS      prints medians as JSON. Units: milliseconds.

Each runs in a process of its own, so that the peers may need other versions of what we need.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

ONES, GETS, UPSERTS = 60, 40, 5
SQL_COLUMNS = "id BIGINT{key}, a INTEGER, b BIGINT, c DOUBLE, d VARCHAR, e VARCHAR, f DATE, g BOOLEAN, h TIMESTAMP"


def table(ids: Any) -> pa.Table:
    """Nine columns of mixed types that follow from the ids."""
    ids = np.asarray(ids, dtype=np.int64)
    names = np.char.add("name ", (ids % 100_003).astype(str))
    groups = np.char.add("group ", (ids % 17).astype(str))
    return pa.table(
        {
            "id": ids,
            "a": (ids * 7919 % 1000).astype(np.int32),
            "b": ids * 3,
            "c": (ids % 10_007) / 7.0,
            "d": pa.array(names.tolist(), pa.string()),
            "e": pa.array(groups.tolist(), pa.string()),
            "f": pa.array((ids % 1000).astype(np.int32)).cast(pa.date32()),
            "g": pa.array(ids % 2 == 0),
            "h": pa.array(ids * 1_000_000).cast(pa.timestamp("us")),
        }
    )


def timed(actions: list[Callable[[], object]]) -> float:
    took = []
    for action in actions:
        began = time.perf_counter()
        action()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def measure(engine: Any, rows: int) -> dict[str, float]:
    whole = table(np.arange(rows))
    found = {"create": timed([lambda: engine.create(whole)])}
    for size in (1_000, 10_000):
        step = rows // size
        # Half of the keys are there, half are new.
        deltas = [table(np.arange(size) * step * 2 + k) for k in range(UPSERTS + 1)]
        engine.upsert(deltas[0])
        found[f"upsert {size}"] = timed([lambda d=d: engine.upsert(d) for d in deltas[1:]])
    singles = [table([rows * 4 + i]) for i in range(ONES)]
    found["append 1 row"] = timed([lambda one=one: engine.append(one) for one in singles])
    keys = np.random.default_rng(7).integers(0, rows, GETS).tolist()
    for key in keys[:5]:
        assert engine.get(key) == key
    found["get by key"] = timed([lambda key=key: engine.get(key) for key in keys])
    return found


class Grizzly:
    def __init__(self, folder: Path) -> None:
        import grizzly
        from engine.session import create_lake

        create_lake(folder)
        self.db = grizzly.connect(folder)
        self.db.execute(f"CREATE TABLE t ({SQL_COLUMNS.format(key=' PRIMARY KEY')})")

    def create(self, rows: pa.Table) -> None:
        self.db.append("t", rows)

    def upsert(self, rows: pa.Table) -> None:
        self.db.upsert("t", rows)

    def append(self, rows: pa.Table) -> None:
        self.db.append("t", rows)

    def get(self, key: int) -> int:
        found = self.db.execute("SELECT * FROM t WHERE id = ?", [key]).fetchone()
        assert found is not None
        return int(found[0])


class Delta:
    def __init__(self, folder: Path) -> None:
        self.path = str(folder)

    def create(self, rows: pa.Table) -> None:
        from deltalake import DeltaTable, write_deltalake

        write_deltalake(self.path, rows)
        self.table = DeltaTable(self.path)

    def upsert(self, rows: pa.Table) -> None:
        merge = self.table.merge(rows, "t.id = s.id", source_alias="s", target_alias="t")
        merge.when_matched_update_all().when_not_matched_insert_all().execute()

    def append(self, rows: pa.Table) -> None:
        from deltalake import write_deltalake

        write_deltalake(self.table, rows, mode="append")

    def get(self, key: int) -> int:
        from deltalake import QueryBuilder

        found = (
            QueryBuilder().register("t", self.table).execute(f"SELECT * FROM t WHERE id = {key}")
        )
        return int(pa.table(found.read_all())["id"][0].as_py())


class Lance:
    def __init__(self, folder: Path) -> None:
        self.path = str(folder)

    def create(self, rows: pa.Table) -> None:
        import lance

        self.data = lance.write_dataset(rows, self.path)

    def upsert(self, rows: pa.Table) -> None:
        if not self.data.describe_indices():
            self.data.create_scalar_index("id", "BTREE")
        merge = self.data.merge_insert("id")
        merge.when_matched_update_all().when_not_matched_insert_all().execute(rows)

    def append(self, rows: pa.Table) -> None:
        self.data.insert(rows)

    def get(self, key: int) -> int:
        return int(self.data.to_table(filter=f"id = {key}")["id"][0].as_py())


class Iceberg:
    def __init__(self, folder: Path) -> None:
        from pyiceberg.catalog.sql import SqlCatalog

        folder.mkdir(parents=True)
        uri = f"sqlite:///{folder}/catalog.db"
        self.catalog = SqlCatalog("bench", uri=uri, warehouse=f"file://{folder}")
        self.catalog.create_namespace("n")

    def create(self, rows: pa.Table) -> None:
        self.table = self.catalog.create_table("n.t", schema=rows.schema)
        self.table.append(rows)

    def upsert(self, rows: pa.Table) -> None:
        self.table.upsert(rows, join_cols=["id"])

    def append(self, rows: pa.Table) -> None:
        self.table.append(rows)

    def get(self, key: int) -> int:
        return int(self.table.scan(row_filter=f"id = {key}").to_arrow()["id"][0].as_py())


class DuckLake:
    def __init__(self, folder: Path) -> None:
        import duckdb

        folder.mkdir(parents=True)
        self.db = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        package = importlib.util.find_spec("duckdb_extension_ducklake")
        assert package is not None
        assert package.origin is not None
        (extension,) = Path(package.origin).parent.rglob("*.duckdb_extension")
        self.db.execute(f"LOAD '{extension}'")
        self.db.execute(
            f"ATTACH 'ducklake:{folder}/catalog.db' AS lake (DATA_PATH '{folder}/data')"
        )
        self.db.execute(f"USE lake; CREATE TABLE t ({SQL_COLUMNS.format(key='')})")

    def create(self, rows: pa.Table) -> None:
        self._insert(rows)

    def upsert(self, rows: pa.Table) -> None:
        self.db.register("given", rows)
        self.db.execute(
            "MERGE INTO t USING given s ON t.id = s.id WHEN MATCHED THEN UPDATE SET a = s.a, b = s.b, "
            "c = s.c, d = s.d, e = s.e, f = s.f, g = s.g, h = s.h WHEN NOT MATCHED THEN INSERT"
        )

    def append(self, rows: pa.Table) -> None:
        self._insert(rows)

    def get(self, key: int) -> int:
        return int(self.db.execute("SELECT * FROM t WHERE id = ?", [key]).fetchall()[0][0])

    def _insert(self, rows: pa.Table) -> None:
        self.db.register("given", rows)
        self.db.execute("INSERT INTO t SELECT * FROM given")


ENGINES = {
    "grizzly": Grizzly,
    "delta-rs": Delta,
    "lance": Lance,
    "pyiceberg": Iceberg,
    "ducklake": DuckLake,
}


def sync_cost(folder: Path) -> float:
    """Return the median of one append of 1,000 bytes and its fdatasync. Units: milliseconds."""
    with (folder / "sync").open("ab", 0) as file:

        def append() -> None:
            file.write(bytes(1000))
            os.fdatasync(file.fileno())

        return timed([append] * 50)


def main() -> None:
    name, folder, rows = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    before = sync_cost(folder)
    engine = ENGINES[name](folder / f"{name}-{time.perf_counter_ns()}")
    print(json.dumps({**measure(engine, rows), "append+fdatasync": before}))


if __name__ == "__main__":
    main()
