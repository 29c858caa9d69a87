"""Results as Arrow, Parquet and ORC files.

Layer: ``grizzly_cli.render``. Invariant: the engine writes the bytes; nothing is encoded here.
"""

from __future__ import annotations

import pyarrow as pa

from engine.session import write_file
from grizzly_cli.render.target import Capped, Rows, Shown, Target


def write(rows: Rows, capped: Capped, target: Target) -> Shown:
    """Write a whole result as one file."""
    table = pa.Table.from_batches(list(capped), schema=rows.schema)
    write_file(table, target.sink, target.format)
    return Shown(shown=capped.seen, shown_columns=len(rows.columns))
