"""Results as Arrow, Parquet and ORC files.

Layer: ``grizzly_cli.render``. Invariant: the engine writes the bytes; nothing is encoded here.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pyarrow as pa

from engine.session import write_file
from grizzly_cli.render.target import Capped, Rows, Shown, Target


def write(rows: Rows, capped: Capped, target: Target) -> Shown:
    """Write a whole result as one file, by way of a temporary one: these formats need to seek."""
    table = pa.Table.from_batches(list(capped), schema=rows.schema)
    with tempfile.TemporaryDirectory(prefix="grizzly-") as folder:
        path = Path(folder) / f"result.{target.format}"
        write_file(table, str(path), target.format)
        with path.open("rb") as source:
            shutil.copyfileobj(source, target.sink)
    return Shown(shown=capped.seen, shown_columns=len(rows.columns))
