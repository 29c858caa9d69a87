"""Results as grids: ``box`` with lines for terminals, ``table`` with none.

Layer: ``grizzly_cli.render``. Invariant: a grid without ``head`` shows every row, one without
``width`` shows every character; what is cut is marked in place and counted.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grizzly_cli.render.cells import Text, is_number, is_rigid
from grizzly_cli.render.target import Capped, Rows, Shown, Target

if TYPE_CHECKING:
    from typing import Any

    from grizzly_cli.render.cells import Column

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LEAST = 8
_KIND = 16
_RIGID_TEXT = {"hugeint", "uhugeint", "uuid", "time with time zone"}  # exact, so carried as text
_DIM, _BOLD, _END = "\x1b[2m", "\x1b[1m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Lines:
    """The characters a grid is drawn with."""

    top: str
    rule: str
    bottom: str
    bar: str
    null: str
    more: str
    cut: str


_UNICODE = Lines("┌─┬┐", "├─┼┤", "└─┴┘", "│", "∅", "⋮", "…")
_ASCII = Lines("+-++", "+-++", "+-++", "|", "NULL", ":", "~")


def width_of(text: str) -> int:
    """Return how many terminal columns the text fills."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth  # noqa: PLC0415  # only results beyond ASCII pay for the tables

    return max(wcswidth(text), 0)


def visible(text: str) -> str:
    """Return the text with control and direction characters spelled out, so none is obeyed."""
    if text.isprintable():
        return text
    return _CONTROL.sub(lambda m: _NAMED.get(m[0]) or f"\\u{ord(m[0]):04x}", text)


def clip(text: str, width: int, mark: str) -> str:
    """Return the text cut to a width, ending in the mark if anything was lost."""
    if width_of(text) <= width:
        return text
    room = width - len(mark)
    if text.isascii():
        return text[:room] + mark
    kept = ""
    for char in text:
        if width_of(kept + char) > room:
            break
        kept += char
    return kept + mark


def pad(text: str, width: int, *, right: bool) -> str:
    """Return the text filled with blanks to a width."""
    if text.isascii():
        return text.rjust(width) if right else text.ljust(width)
    blanks = " " * (width - width_of(text))
    return blanks + text if right else text + blanks


@dataclass(slots=True)
class Col:
    """One column of a grid while it is laid out."""

    name: str
    kind: str
    right: bool
    cells: Column
    rigid: bool = False
    width: int = 0
    full: int = 0
    least: int = 0

    def measure(self, null: str) -> None:
        """Set the width that shows every cell whole, and the least that the column may be given."""
        texts = [t for t in self.cells if t is not None]
        if "".join(texts).isascii():
            widest = max(map(len, texts), default=0)
        else:
            widest = max(map(width_of, texts), default=0)
        null_width = len(null) if len(texts) < len(self.cells) else 0
        kind_width = min(len(self.kind), _KIND)
        self.full = self.width = max(width_of(self.name), kind_width, widest, null_width, 1)
        self.least = max(widest, null_width, 1) if self.rigid else min(self.full, _LEAST)


def write(rows: Rows, capped: Capped, target: Target) -> Shown:
    """Draw a result."""
    head, tail, middle = _rows_to_show(capped, target.head)
    lines = _UNICODE if target.unicode else _ASCII
    columns = _columns(rows, head + tail)
    for column in columns:
        column.measure(lines.null)
    kept, dropped = _fit(columns, target, lines.cut)
    cut = _clip_all(kept, lines.cut)
    split = sum(batch.num_rows for batch in head) if middle else None
    shown = Shown(
        shown=sum(batch.num_rows for batch in head + tail),
        shown_columns=len(columns) - dropped,
        cut_cells=cut,
    )
    painter = _Painter(kept, lines, color=target.color, framed=target.format == "box")
    target.sink.write(painter.draw(split).encode("utf-8", "replace"))
    return shown


def _rows_to_show(capped: Capped, most: int | None) -> tuple[list[Any], list[Any], bool]:
    """Read everything; keep the first and last rows, and whether any between were let go."""
    if most is None:
        return list(capped), [], False
    half = most // 2
    head: list[Any] = []
    tail: deque[Any] = deque()
    have = held = 0
    for batch in capped:
        part = batch
        if have < half:
            first = part.slice(0, half - have)
            head.append(first)
            have += first.num_rows
            part = part.slice(first.num_rows)
        if part.num_rows:
            tail.append(part)
            held += part.num_rows
        while tail and held - tail[0].num_rows >= half:
            held -= tail.popleft().num_rows
    extra = held - half
    if extra > 0:
        tail[0] = tail[0].slice(extra)
    return head, list(tail), capped.seen > have + min(held, half)


def _columns(rows: Rows, batches: list[Any]) -> list[Col]:
    text = Text()
    columns = []
    for i, (name, kind) in enumerate(zip(rows.columns, rows.types, strict=True)):
        cells: Column = []
        for batch in batches:
            cells += text.column(batch.column(i), kind)
        joined = "".join([t for t in cells if t is not None])
        if not joined.isprintable():
            cells = [None if t is None else visible(t) for t in cells]
        arrow = rows.schema.field(i).type
        shown_kind = visible(kind).lower()
        rigid = is_rigid(arrow) or shown_kind in _RIGID_TEXT
        columns.append(Col(visible(name), shown_kind, is_number(arrow), cells, rigid))
    return columns


def _fit(columns: list[Col], target: Target, mark: str) -> tuple[list[Col], int]:
    """Narrow columns, then drop the middle ones, until a row fits; say how many were dropped."""
    around, between = (4, 3) if target.format == "box" else (0, 2)
    width = target.width

    def total(cols: list[Col]) -> int:
        return sum(c.width for c in cols) + between * max(len(cols) - 1, 0) + around

    if width is None or total(columns) <= width:
        return columns, 0
    if _cap(columns, width - (total(columns) - sum(c.width for c in columns))):
        return columns, 0
    gap = Col(mark, "", right=False, cells=[mark] * len(columns[0].cells), width=1)
    half = (len(columns) + 1) // 2
    left, right = columns[:half], columns[half:]
    while total([*left, gap, *right]) > width and len(left) + len(right) > 1:
        if len(right) >= len(left):
            right = right[1:]
        else:
            left = left[:-1]
    kept = left + right
    if len(kept) == len(columns):  # a single column, too wide by itself
        gaps, kept[0].least = [], 1
    else:
        gaps = [gap]
    grid = [*left, *gaps, *right]
    room = width - (total(grid) - sum(c.width for c in kept))
    if not _cap(kept, room):
        kept[0].width = max(room, 1)
    return grid, len(columns) - len(kept)


def _cap(columns: list[Col], spare: int) -> bool:
    """Lower the widest columns to one common width, none below its least; say if they fit."""

    def widths(cap: int) -> list[int]:
        return [max(c.least, min(c.full, cap)) for c in columns]

    cap = max(min(max(c.full for c in columns), spare), _LEAST)
    while cap > _LEAST and sum(widths(cap)) > spare:
        cap -= 1
    for column, width in zip(columns, widths(cap), strict=True):
        column.width = width
    return sum(c.width for c in columns) <= spare


def _clip_all(columns: list[Col], mark: str) -> int:
    cut = 0
    for column in columns:
        width = column.width
        for i, text in enumerate(column.cells):
            if text is not None and len(text) * 2 > width and width_of(text) > width:
                column.cells[i] = clip(text, width, mark)
                cut += 1
        column.name = clip(column.name, width, mark)
        column.kind = clip(column.kind, width, mark)
    return cut


class _Painter:
    """Columns of known width to one text."""

    def __init__(self, columns: list[Col], lines: Lines, *, color: bool, framed: bool) -> None:
        self.columns = columns
        self.lines = lines
        self.color = color
        self.bar = f" {lines.bar} " if framed else "  "
        self.left = f"{lines.bar} " if framed else ""
        self.right = f" {lines.bar}" if framed else ""
        self.framed = framed

    def draw(self, split: int | None) -> str:
        """Return the grid; ``split`` is the row before which rows were left out."""
        out = [self._rule(self.lines.top)] if self.framed else []
        out.append(self._row([c.name for c in self.columns], _BOLD))
        out.append(self._row([c.kind for c in self.columns], _DIM))
        out.append(self._rule(self.lines.rule) if self.framed else self._dashes())
        body = self._body()
        if split is not None:
            more = self._row([self.lines.more for _ in self.columns], _DIM)
            body = [*body[:split], more, *body[split:]]
        out += body
        if self.framed:
            out.append(self._rule(self.lines.bottom))
        if not self.framed:
            out = [line.rstrip() for line in out]
        return "\n".join(out) + "\n"

    def _body(self) -> list[str]:
        padded = [self._cells(column) for column in self.columns]
        bar, left, right = self.bar, self.left, self.right
        return [f"{left}{bar.join(row)}{right}" for row in zip(*padded, strict=True)]

    def _cells(self, column: Col) -> list[str]:
        width, right = column.width, column.right
        null = pad(self.lines.null, width, right=right)
        if self.color:
            null = f"{_DIM}{null}{_END}"
        if "".join([t for t in column.cells if t is not None]).isascii():
            if right:
                return [null if t is None else t.rjust(width) for t in column.cells]
            return [null if t is None else t.ljust(width) for t in column.cells]
        return [null if t is None else pad(t, width, right=right) for t in column.cells]

    def _row(self, texts: list[str], style: str) -> str:
        cells = [pad(t, c.width, right=c.right) for t, c in zip(texts, self.columns, strict=True)]
        if self.color:
            cells = [f"{style}{cell}{_END}" for cell in cells]
        return self.left + self.bar.join(cells) + self.right

    def _rule(self, chars: str) -> str:
        start, dash, cross, end = tuple(chars)
        return start + cross.join(dash * (c.width + 2) for c in self.columns) + end

    def _dashes(self) -> str:
        dash = self.lines.rule[1]
        return "  ".join(dash * c.width for c in self.columns)
