"""Type text, in any of DuckDB's spellings, to a ``DataType``.

Layer: ``engine.datatypes``. Invariant: ``parse_type(t.text).text == t.text``.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, NoReturn

from engine.datatypes.types import (
    SCALARS,
    DataType,
    array_of,
    decimal,
    enum,
    list_of,
    map_of,
    struct_of,
)
from engine.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

_ALIASES = {
    "BOOLEAN": "BOOL LOGICAL",
    "TINYINT": "INT1",
    "SMALLINT": "INT2 INT16 SHORT",
    "INTEGER": "INT INT4 INT32 SIGNED INTEGRAL",
    "BIGINT": "INT8 INT64 LONG OID",
    "HUGEINT": "INT128",
    "UTINYINT": "UINT8",
    "USMALLINT": "UINT16",
    "UINTEGER": "UINT32",
    "UBIGINT": "UINT64",
    "UHUGEINT": "UINT128",
    "FLOAT": "FLOAT4 REAL",
    "DOUBLE": "FLOAT8",
    "VARCHAR": "CHAR BPCHAR NVARCHAR TEXT STRING CHARACTER",
    "BLOB": "BYTEA BINARY VARBINARY",
    "BIT": "BITSTRING",
    "UUID": "GUID",
    "TIME WITH TIME ZONE": "TIMETZ",
    "TIMESTAMP": "DATETIME TIMESTAMP_US",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ",
    "DECIMAL": "NUMERIC DEC",
    "STRUCT": "ROW",
}
_CANONICAL = {alias: name for name, line in _ALIASES.items() for alias in line.split()}
_REFUSED = frozenset(
    {"UNION", "BIGNUM", "VARINT", "VARIANT", "GEOMETRY", "NULL", "TUPLE", "TYPE", "ANY", "LIST"}
)
_SIZED = frozenset({"VARCHAR", "FLOAT"})
"""Types that take a number and ignore it, as DuckDB does."""
_PRECISION = ("TIMESTAMP_S", *["TIMESTAMP_MS"] * 3, *["TIMESTAMP"] * 3, *["TIMESTAMP_NS"] * 3)
_MAX_DEPTH = 64
_MAX_ARRAY = 100_000
_TOKEN = re.compile(
    r"""\s*(?:(?P<name>[^\W\d]\w*)|(?P<quoted>"(?:[^"]|"")+")|(?P<text>'(?:[^']|'')*')"""
    r"""|(?P<number>\d+)|(?P<mark>[()\[\],]))""",
)
_Token = tuple[str, str]
_END: _Token = ("end", "")


_interned: dict[str, DataType] = {}
"""Types with parameters, by every spelling met; as good as constants, and few."""
_INTERNED_LIMIT = 4096


def parse_type(text: str) -> DataType:
    """Return the type that a text names; the same object for the same text.

    Raises: UnsupportedError, naming the type, when values of it cannot be stored exactly, when it
    does not exist, or when the text is malformed.
    """
    found = SCALARS.get(text) or _interned.get(text)
    if found is not None:
        return found
    parser = _Parser(text)
    result = parser.type()
    parser.end()
    if len(_interned) < _INTERNED_LIMIT:
        _interned[text] = result
    return result


class _Parser:
    """Recursive descent over the tokens of one type text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._tokens()
        self.at = 0
        self.depth = 0

    def type(self) -> DataType:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise UnsupportedError(f"a type nested more than {_MAX_DEPTH} levels deep")
        result = self._suffixes(self._base())
        self.depth -= 1
        return result

    def end(self) -> None:
        if self._peek() != _END:
            self._fail(f"unexpected {self._peek()[1]}")

    def _tokens(self) -> list[_Token]:
        out: list[_Token] = []
        at, text = 0, self.text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                self._fail(f"unexpected {text[at:].strip()[:10]}")
            out.append((match.lastgroup, match.group(match.lastgroup)))
            at = match.end()
        return out

    def _peek(self, ahead: int = 0) -> _Token:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else _END

    def _next(self) -> _Token:
        token = self._peek()
        self.at += 1
        return token

    def _take(self, *words: str) -> bool:
        """Consume these words or marks if they are what comes next."""
        if any(self._peek(i)[1].upper() != word for i, word in enumerate(words)):
            return False
        self.at += len(words)
        return True

    def _expect(self, mark: str) -> None:
        if not self._take(mark):
            self._fail(f"expected {mark}")

    def _base(self) -> DataType:
        name = self._type_name()
        if name in _REFUSED:
            raise UnsupportedError(
                f"values of type {name} cannot be stored",
                hint="store them as VARCHAR, STRUCT or JSON",
            )
        special = _SPECIAL.get(name)
        if special is not None:
            return special(self)
        if name == "TIMESTAMP":
            name = self._timestamp()
        elif name in _SIZED and self._take("("):
            self._number()
            self._expect(")")
        return SCALARS[name]

    def _type_name(self) -> str:
        kind, word = self._next()
        if kind not in {"name", "quoted"}:
            self._fail("expected the name of a type")
        word = _unquote(word).upper()
        name = _CANONICAL.get(word, word)
        if name == "DOUBLE":
            self._take("PRECISION")
        elif word == "CHARACTER":
            self._take("VARYING")
        elif name == "TIME":
            name = self._zone(name)
        if name not in SCALARS and name not in _REFUSED and name not in _SPECIAL:
            self._unknown(word)
        return name

    def _zone(self, name: str) -> str:
        if self._take("WITH", "TIME", "ZONE"):
            return f"{name} WITH TIME ZONE"
        self._take("WITHOUT", "TIME", "ZONE")
        return name

    def _timestamp(self) -> str:
        if not self._take("("):
            return self._zone("TIMESTAMP")
        digits = self._number()
        self._expect(")")
        if digits >= len(_PRECISION):
            self._fail("TIMESTAMP takes a precision from 0 to 9")
        name = self._zone(_PRECISION[digits])
        if name not in SCALARS:
            self._fail("a precision with a time zone")
        return name

    def _number(self) -> int:
        kind, digits = self._next()
        if kind != "number" or len(digits) > 9:
            self._fail("expected a number")
        return int(digits)

    def _decimal(self) -> DataType:
        width, scale = 18, 3
        if self._take("("):
            width, scale = self._number(), 0
            if self._take(","):
                scale = self._number()
            self._expect(")")
        if not 1 <= width <= 38:
            self._fail("DECIMAL takes 1 to 38 digits")
        if scale > width:
            self._fail("the scale of a DECIMAL cannot exceed its width")
        return decimal(width, scale)

    def _struct(self) -> DataType:
        self._expect("(")
        names: list[str] = []
        children: list[DataType] = []
        while True:
            kind, word = self._next()
            if kind not in {"name", "quoted"}:
                self._fail("expected the name of a field")
            names.append(_unquote(word))
            children.append(self.type())
            if not self._take(","):
                break
        self._expect(")")
        if len({n.lower() for n in names}) != len(names):
            self._fail("two fields have the same name")
        return struct_of(names, children)

    def _map(self) -> DataType:
        self._expect("(")
        key = self.type()
        self._expect(",")
        value = self.type()
        self._expect(")")
        return map_of(key, value)

    def _enum(self) -> DataType:
        self._expect("(")
        values: list[str] = []
        while True:
            kind, word = self._next()
            if kind != "text":
                self._fail("expected a value in single quotes")
            values.append(word[1:-1].replace("''", "'"))
            if not self._take(","):
                break
        self._expect(")")
        if len(set(values)) != len(values):
            self._fail("two values are the same")
        return enum(values)

    def _suffixes(self, base: DataType) -> DataType:
        for _ in range(_MAX_DEPTH - self.depth + 1):
            array = self._take("ARRAY")
            if not self._take("["):
                if not array:
                    return base
                base = list_of(base)
            elif self._take("]"):
                base = list_of(base)
            else:
                size = self._number()
                self._expect("]")
                if not 1 <= size <= _MAX_ARRAY:
                    self._fail(f"an array has 1 to {_MAX_ARRAY} elements")
                base = array_of(base, size)
        raise UnsupportedError(f"a type nested more than {_MAX_DEPTH} levels deep")

    def _unknown(self, word: str) -> NoReturn:
        near = difflib.get_close_matches(word, [*SCALARS, *_CANONICAL, *_SPECIAL], 1)
        hint = f"did you mean {near[0]}?" if near else None
        raise UnsupportedError(f"there is no type {word}", hint=hint, subject=word)

    def _fail(self, why: str) -> NoReturn:
        raise UnsupportedError(f"cannot read the type {self.text.strip()!r}: {why}")


def _unquote(word: str) -> str:
    return word[1:-1].replace('""', '"') if word.startswith('"') else word


_SPECIAL: dict[str, Callable[[_Parser], DataType]] = {
    "DECIMAL": _Parser._decimal,  # noqa: SLF001 (the table of the class's own productions)
    "STRUCT": _Parser._struct,  # noqa: SLF001 (as above)
    "MAP": _Parser._map,  # noqa: SLF001 (as above)
    "ENUM": _Parser._enum,  # noqa: SLF001 (as above)
}
