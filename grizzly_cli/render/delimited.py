"""Results as csv, markdown, json and jsonl: one text line a row, streamed by batch.

Layer: ``grizzly_cli.render``. Invariant: every row that was read is written; in csv a null is an
empty field and an empty string is ``""``.
"""

from __future__ import annotations

import re
from json.encoder import encode_basestring as quote_json
from typing import TYPE_CHECKING

from grizzly_cli.render.cells import Json, Text, is_number
from grizzly_cli.render.target import Capped, Rows, Shown, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from grizzly_cli.render.cells import Column

_SPECIAL = re.compile(r'[",\r\n]')
_CHUNK = 10_000


def write(rows: Rows, capped: Capped, target: Target) -> Shown:
    """Write a result in one of the line formats."""
    return _WRITERS[target.format](rows, capped, target)


def _columns(batch: Any, cells: Text, types: list[str]) -> list[Column]:
    return [cells.column(array, kind) for array, kind in zip(batch.columns, types, strict=True)]


def _pieces(capped: Capped) -> Iterator[Any]:
    """Cut batches so that the text of one piece stays small."""
    for batch in capped:
        for start in range(0, batch.num_rows, _CHUNK):
            yield batch.slice(start, _CHUNK)


def _csv_field(text: str | None) -> str:
    if text is None:
        return ""
    if not text or _SPECIAL.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _write_csv(rows: Rows, capped: Capped, target: Target) -> Shown:
    target.sink.write((",".join(map(_csv_field, rows.columns)) + "\n").encode())
    cells = Text()
    for piece in _pieces(capped):
        columns = [[_csv_field(t) for t in c] for c in _columns(piece, cells, rows.types)]
        lines = map(",".join, zip(*columns, strict=True))
        target.sink.write(("\n".join(lines) + "\n").encode("utf-8", "surrogatepass"))
    return Shown(shown=capped.seen, shown_columns=len(rows.columns))


def _markdown_field(text: str | None) -> str:
    if text is None:
        return ""
    return re.sub(r"\r?\n", "<br>", text.replace("\\", "\\\\").replace("|", "\\|"))


def _write_markdown(rows: Rows, capped: Capped, target: Target) -> Shown:
    head = "| " + " | ".join(map(_markdown_field, rows.columns)) + " |\n"
    rule = "|" + "|".join("---:" if is_number(f.type) else "---" for f in rows.schema) + "|\n"
    target.sink.write((head + rule).encode())
    cells = Text()
    for piece in _pieces(capped):
        columns = [[_markdown_field(t) for t in c] for c in _columns(piece, cells, rows.types)]
        lines = (f"| {' | '.join(row)} |\n" for row in zip(*columns, strict=True))
        target.sink.write("".join(lines).encode())
    return Shown(shown=capped.seen, shown_columns=len(rows.columns))


def _objects(rows: Rows, capped: Capped, cells: Json) -> Iterator[list[str]]:
    names = [f"{quote_json(name)}:" for name in rows.columns]
    for piece in _pieces(capped):
        columns = [
            [name + ("null" if t is None else t) for t in column]
            for name, column in zip(names, _columns(piece, cells, rows.types), strict=True)
        ]
        yield ["{" + ",".join(row) + "}" for row in zip(*columns, strict=True)]


def _write_json(rows: Rows, capped: Capped, target: Target) -> Shown:
    cells = Json()
    target.sink.write(b"[")
    between = ""
    for objects in _objects(rows, capped, cells):
        target.sink.write((between + ",".join(objects)).encode())
        between = ","
    target.sink.write(b"]\n")
    return _counted(rows, capped, cells)


def _write_jsonl(rows: Rows, capped: Capped, target: Target) -> Shown:
    cells = Json()
    for objects in _objects(rows, capped, cells):
        target.sink.write(("\n".join(objects) + "\n").encode())
    return _counted(rows, capped, cells)


def _counted(rows: Rows, capped: Capped, cells: Json) -> Shown:
    columns = len(rows.columns)
    return Shown(shown=capped.seen, shown_columns=columns, nonfinite=cells.nonfinite)


_WRITERS: dict[str, Callable[[Rows, Capped, Target], Shown]] = {
    "csv": _write_csv,
    "markdown": _write_markdown,
    "json": _write_json,
    "jsonl": _write_jsonl,
}
