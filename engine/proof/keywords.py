"""Keys of rows in a proof: their texts, their values, and the words that key indexes hold.

Layer: ``engine.proof``. Invariant: one key has one text and one word.
Format: grizzly-proof(5); grizzly-lake(5) for key indexes.
"""

from __future__ import annotations

import datetime
import hashlib
import math
import re
import struct
from typing import TYPE_CHECKING, Any, Final

from engine.proof import fields
from engine.proof.canonical import parse
from engine.proof.errors import ProofError
from engine.proof.values import PER_SECOND, Decimal, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MASK: Final = 2**64 - 1
_SIGN: Final = 1 << 63
_ODD: Final = 0x9E3779B97F4A7C15
_PRIME: Final = 0x100000001B3
_BLOCK: Final = 4096
_ENTRY: Final = 12
_WHOLE: Final = re.compile(r"U?(TINY|SMALL|BIG)INT|U?INTEGER|UTINYINT", re.ASCII)
_INTS: Final = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
_INTEGERS: Final = {*_INTS, "UBIGINT", "HUGEINT", "UHUGEINT"}
_UNITS: Final = {("DATE", "TIMESTAMP"): 86_400 * 10**6, ("TIME", "TIME_NS"): 1000}
_ALIKE: Final = {("FLOAT", "DOUBLE"), ("UUID", "VARCHAR"), ("JSON", "VARCHAR")}
"""Types whose values become the other's and are spelled the same."""
_DECIMAL: Final = re.compile(r"DECIMAL\(\d{1,2},(\d{1,2})\)", re.ASCII)
_NUMBER: Final = re.compile(r"(-?)(\d+)(?:\.(\d+))?", re.ASCII)
_EPOCH: Final = datetime.datetime(1970, 1, 1)  # noqa: DTZ001 - moments are shown without a zone


def value_of(text: str, kind: str) -> Any:
    """Return the value of a type that a text stands for, however it is spelled.

    Raises: ProofError, when it stands for none.
    """
    decimal = _DECIMAL.fullmatch(kind)
    try:
        if kind == "DATE":
            return (datetime.date.fromisoformat(text) - _EPOCH.date()).days
        if kind in PER_SECOND:
            return _ticks(text, PER_SECOND[kind], day=kind in {"TIME", "TIME_NS"})
        if decimal is not None:
            return _decimal(text, int(decimal[1]))
        read = int if _WHOLE.fullmatch(kind) else _READERS.get(kind, str)
        return read(text)
    except (ValueError, KeyError) as error:
        raise ProofError(f"{text!r} is not a value of {kind}") from error


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "BLOB": bytes.fromhex,
    "BOOLEAN": lambda text: {"true": True, "false": False}[text],
    "DOUBLE": float,
    "FLOAT": float,
}


def _ticks(text: str, per_second: int, *, day: bool) -> int:
    whole, _, digits = text.partition(".")
    size = len(str(per_second)) - 1
    if len(digits) > size or not (digits.isascii() and (digits or "0").isdigit()):
        raise ValueError(text)
    if day:
        clock = datetime.time.fromisoformat(whole)
        moment = datetime.datetime.combine(_EPOCH.date(), clock)
    else:
        moment = datetime.datetime.fromisoformat(whole)
    if moment.tzinfo is not None:
        raise ValueError(text)
    seconds = (moment - _EPOCH) // datetime.timedelta(seconds=1)
    return seconds * per_second + int(digits.ljust(size, "0") or "0")


def _decimal(text: str, scale: int) -> Decimal:
    match = _NUMBER.fullmatch(text)
    digits = (match[3] or "") if match else ""
    if match is None or len(digits.rstrip("0")) > scale:
        raise ValueError(text)
    unscaled = int(match[2] + digits[:scale].ljust(scale, "0"))
    return Decimal(-unscaled if match[1] else unscaled, scale)


def family(kind: str) -> str:
    """Return what a key index calls a type: types of one family have the same words."""
    return "int" if kind in _INTS else kind


def _widened(value: Any, held: str, kind: str) -> Any:
    """Return a value of the type ``held`` as the type ``kind`` that its column has by now.

    Raises: ProofError, when a column cannot have come from the one to the other.
    """
    if held == kind:
        return value
    if (held, kind) in _UNITS and isinstance(value, int):
        return value * _UNITS[held, kind]
    if held in _INTEGERS and _DECIMAL.fullmatch(kind):
        return Decimal(int(value), 0)
    if held in _INTEGERS and kind in {"FLOAT", "DOUBLE"}:
        return float(value)
    if (held in _INTEGERS and kind in _INTEGERS) or (held, kind) in _ALIKE:
        return value
    if _DECIMAL.fullmatch(held) and _DECIMAL.fullmatch(kind):
        return value
    raise ProofError(f"a file holds {held} where the key is {kind}")


def same(value: Any, held: str, text: str, kind: str) -> bool:
    """Return whether a value that a file holds, of type ``held``, is the key that a text stands for.

    Raises: ProofError, when the file's type and the key's cannot be compared.
    """
    if value is None:
        return False
    value = _widened(value, held, kind)
    wanted: object = value_of(text, kind)
    if isinstance(value, Decimal) and isinstance(wanted, Decimal):
        scale = max(value.scale, wanted.scale)
        ours, theirs = (v.unscaled * 10 ** (scale - v.scale) for v in (value, wanted))
        return bool(ours == theirs)
    if isinstance(value, float) and isinstance(wanted, float):
        return bool(value == wanted or (math.isnan(value) and math.isnan(wanted)))
    return bool(value == wanted) or shown(value, kind) == text


def word(key: Sequence[str], kinds: Sequence[str]) -> int:
    """Return the word of 64 bits that a key index has for a key."""
    values = [value_of(text, kind) for text, kind in zip(key, kinds, strict=True)]
    if len(values) == 1 and isinstance(values[0], int):
        return _whole(values[0], kinds[0])
    total = 0
    for value, kind in zip(values, kinds, strict=True):
        total = _mixed(total * _ODD + _hashed(value, kind) & _MASK)
    return total


def _whole(value: int, kind: str) -> int:
    return value & _MASK if kind == "UBIGINT" else (value & _MASK) ^ _SIGN


def _hashed(value: Any, kind: str) -> int:
    if isinstance(value, int):
        return _mixed(_whole(value, kind))
    if isinstance(value, float):
        bits = struct.pack("<d", math.nan if math.isnan(value) else value + 0.0)
        return _mixed(int.from_bytes(bits, "little") & _MASK)
    if isinstance(value, Decimal):
        number = value.unscaled & (1 << 128) - 1
        return _mixed(number & _MASK ^ _mixed(number >> 64))
    data = value if isinstance(value, bytes) else str(value).encode("utf-8")
    total, power = 0, 1
    for byte in data:
        power = power * _PRIME & _MASK
        total += (byte + 1) * power
    return _mixed(total + len(data) * _ODD & _MASK)


def _mixed(value: int) -> int:
    """Spread every bit over the word. Source: splitmix64's finalizer."""
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _MASK
    return value ^ value >> 31


class KeyIndex:
    """The header of a data file's key index: which blocks may hold a word."""

    def __init__(self, header: str) -> None:
        """Take a header of which the caller compares the digest.

        Raises: ProofError.
        """
        names = ("blocks", "columns", "first", "last", "rows", "v")
        found = fields.record(parse(header.encode("utf-8")), names)
        if found["v"] != "grizzly-keys/1":
            raise ProofError("the key index is of another version")
        try:
            digests = bytes.fromhex(fields.text(found["blocks"]))
            first = bytes.fromhex(fields.text(found["first"]))
            self._last = int(fields.text(found["last"]), 16)
            self.columns = [(fields.number(i), fields.text(f)) for i, f in found["columns"]]
        except (ValueError, TypeError) as error:
            raise ProofError("the key index is malformed") from error
        self.rows = fields.number(found["rows"])
        count = -(-self.rows // _BLOCK)
        if not count or len(digests) != 32 * count or len(first) != 8 * count:
            raise ProofError("the key index is malformed")
        self._digests = [digests[32 * n : 32 * n + 32] for n in range(count)]
        self._first = list(struct.unpack(f">{count}Q", first))

    def places(self, wanted: int) -> list[int]:
        """Return the blocks that would hold a word."""
        after = [*self._first[1:], self._last]
        return [
            n
            for n, (low, high) in enumerate(zip(self._first, after, strict=True))
            if low <= wanted <= high
        ]

    def extent(self, place: int) -> tuple[int, int]:
        """Return where a block begins in the body, and its bytes."""
        rows = min(_BLOCK, self.rows - place * _BLOCK)
        return place * _BLOCK * _ENTRY, rows * _ENTRY

    def find(self, wanted: int, blocks: Sequence[bytes]) -> set[int]:
        """Return the positions of the rows with a word, from the blocks that would hold it.

        Raises: ProofError, when these are not those blocks.
        """
        places = self.places(wanted)
        if len(blocks) != len(places):
            raise ProofError("the key index is not shown where the key would be")
        found: set[int] = set()
        for place, block in zip(places, blocks, strict=True):
            if hashlib.sha256(block).digest() != self._digests[place]:
                raise ProofError("a block of the key index is another one")
            rows = len(block) // _ENTRY
            if rows * _ENTRY != self.extent(place)[1]:
                raise ProofError("a block of the key index has another length")
            words = struct.unpack_from(f"<{rows}Q", block)
            at = struct.unpack_from(f"<{rows}I", block, 8 * rows)
            found |= {at[n] for n, held in enumerate(words) if held == wanted}
        return found
