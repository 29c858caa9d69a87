"""What the README shows: the commands it tells a reader to type, and what it says they print.

A fenced block marked ``console`` holds ``$ command`` lines (``> `` continues one) and what each
printed; one marked ``python`` holds ``>>> `` lines as the interpreter would show them. Both run.
Blocks with any other mark are for the eye alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PROMPTS = {"console": ("$", ">"), "python": (">>>", "...")}
_FENCE = re.compile(r"^```(?P<mark>console|python)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_MASKS = (
    (re.compile(r"\+[0-9a-f]{8}\+[\w+/=]+"), "+<key>"),
    (re.compile(r"\b([0-9a-f]{2}/)?[0-9a-f]{7,}(…|\.\.\.)?"), "<hex>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?(\+\d\d(:\d\d)?|Z)?"), "<time>"),
    (re.compile(r"\b\d[\d.,  ]*( ?)(µs|ms|s|min)\b"), "<duration>"),
    (re.compile(r"\b\d[\d.,  ]* bytes\b"), "<bytes>"),
    (re.compile(r"(?<=,)\d{5,}(?=,)"), "<bytes>"),
    (re.compile(r"[─━-]{3,}"), "<rule>"),
    (re.compile(r"[ \t]+"), " "),
)


@dataclass(frozen=True)
class Step:
    """One thing to type, where it stands in the text, and what the text says it prints."""

    mark: str
    source: str
    shown: str
    start: int
    end: int

    @property
    def typed(self) -> str:
        """The command as it is read, prompts included."""
        first, rest = _PROMPTS[self.mark]
        head, *tail = self.source.splitlines()
        return "\n".join([f"{first} {head}", *(f"{rest} {line}".rstrip() for line in tail)])


def _typed(mark: str, body: str, at: int) -> Iterator[Step]:
    first, rest = map(re.escape, _PROMPTS[mark])
    shape = rf"^{first} (?P<typed>.*\n(?:{rest}(?: .*)?\n)*)(?P<shown>(?:(?!{first} ).*\n)*)"
    for found in re.finditer(shape, body, re.MULTILINE):
        source = re.sub(rf"^{rest} ?", "", found["typed"], flags=re.MULTILINE).rstrip("\n")
        start, end = found.span()
        yield Step(mark, source, found["shown"].rstrip("\n"), at + start, at + end)


def steps(text: str) -> list[Step]:
    """Find everything that a reader is told to type, in order."""
    found: list[Step] = []
    for block in _FENCE.finditer(text):
        found += _typed(block["mark"], block["body"], block.start("body"))
    return found


def mask(text: str) -> str:
    """Replace what two runs may print differently: digests, times and sizes, and padding."""
    for pattern, name in _MASKS:
        text = pattern.sub(name, text)
    return "\n".join(line.strip() for line in text.splitlines())


def rewrite(text: str, printed: Iterable[tuple[Step, str]]) -> str:
    """Put what was printed in place of what was shown, where the two truly differ."""
    parts, last = [], 0
    for step, now in printed:
        if mask(step.shown) != mask(now):
            parts += [text[last : step.start], step.typed, "\n", now + "\n" if now else ""]
            last = step.end
    return "".join([*parts, text[last:]])
