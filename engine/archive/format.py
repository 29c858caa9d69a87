"""The bytes of a ``.gobi`` archive: a ZIP64 file that is a pure function of its manifest and members.

Layer: ``engine.archive``, below its siblings. Invariant: of all the bytes that are not a member's
own, not one is free. The first member, ``gobi.json``, lists names, sizes and digests, and from it
alone every header, every padding byte and the central directory are computed; a file whose frame
differs in one bit is refused. Absolute paths, duplicates, overlaps, compressed members, links and
wrong sizes are therefore not cases to think of: they cannot be written down.

    offset 0   local header of gobi.json, padded so that its data starts on a 64-byte boundary
               gobi.json: canonical JSON {"checkpoint","magic":"GODI","members","version":1},
               members: [{"crc32","name","sha256","size"}] in strictly ascending order of name
               a differential archive adds "base": {"root","size"}, and its version is 2;
               one of a single table adds "table": id, and its version is 3
    then       for each member a local header, padded likewise, and its bytes, stored
    then       central directory, ZIP64 end record and locator, end record, whose comment is
               "gobi.json sha256 <hex>"

All headers carry ZIP64 sizes, mode 0644 and the time 1980-01-01 00:00, always.

Page: ``man/gobi.5``. Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3; the padding field
0xD935 is the one Android's zipalign writes.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from engine.errors import ArchiveError
from engine.objectstore import layout
from engine.proof.canonical import canonical, parse
from engine.proof.errors import ProofError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAGIC: Final = "GODI"
WHOLE: Final = 1
DIFFERENTIAL: Final = 2
EXCERPT: Final = 3
"""The versions of the format: a whole lakehouse, what is new in one, and one table of it."""
PROOF: Final = "proof/table.json"
"""The member of an excerpt that proves its table."""
MANIFEST: Final = "gobi.json"
ALIGNMENT: Final = 64
MANIFEST_LIMIT: Final = 1 << 28
"""Longest ``gobi.json`` that is read: a bound on memory, about 1.5 million members."""

_LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")
_LOCAL_ZIP64: Final = struct.Struct("<HHQQ")
_CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")
_CENTRAL_ZIP64: Final = struct.Struct("<HHQQQ")
_END64: Final = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR: Final = struct.Struct("<4sIQI")
_END: Final = struct.Struct("<4sHHHHIIH")
_NEEDS: Final = 45
_MADE_BY: Final = 0x0300 | _NEEDS
_DATE: Final = (1 << 5) | 1
_MODE: Final = 0o100644 << 16
_PADDING: Final = 0xD935
_FILL32: Final = 0xFFFFFFFF
_FILL16: Final = 0xFFFF
_COMMENT_BYTES: Final = len(f"{MANIFEST} sha256 ") + 64
FIRST_HEADER_BYTES: Final = 128
"""Length of the header of ``gobi.json``: where its data starts."""

_TABLE: Final = re.compile(r"[0-9a-z]{1,32}", re.ASCII)
_OWN_FIELDS: Final = {WHOLE: set[str](), DIFFERENTIAL: {"base"}, EXCERPT: {"table"}}
_NAME: Final = re.compile(
    r"FORMAT|(?:log|objects|proof|state|tile)(?:/[0-9a-z][0-9a-z._-]{0,99}){1,12}", re.ASCII
)
_HEX: Final = frozenset("0123456789abcdef")
_SIZE_LIMIT: Final = 1 << 60


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the lakehouse, as the manifest lists it; digests are lower-case hexadecimal."""

    name: str
    size: int
    crc32: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a member lies in the archive. Units: bytes from the archive's start."""

    member: Member
    header: int
    data: int


@dataclass(frozen=True, slots=True)
class Base:
    """The log that a differential archive continues: how many commits it had, and their root."""

    size: int
    root: str


@dataclass(frozen=True)
class Manifest:
    """What ``gobi.json`` says; without a base or a table the archive is whole."""

    checkpoint: str
    members: tuple[Member, ...]
    base: Base | None = None
    table: str | None = None

    @cached_property
    def text(self) -> bytes:
        """Return the canonical JSON bytes. Cost: linear in the members, once."""
        members = [
            {"crc32": m.crc32, "name": m.name, "sha256": m.sha256, "size": m.size}
            for m in self.members
        ]
        document: dict[str, object] = {
            "checkpoint": self.checkpoint,
            "magic": MAGIC,
            "members": members,
            "version": WHOLE,
        }
        if self.base is not None:
            document["base"] = {"root": self.base.root, "size": self.base.size}
            document["version"] = DIFFERENTIAL
        if self.table is not None:
            document["table"] = self.table
            document["version"] = EXCERPT
        return canonical(document)

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 of ``gobi.json``, which covers every byte of the archive."""
        return hashlib.sha256(self.text).hexdigest()

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Return every member's place, ``gobi.json`` first."""
        own = Member(MANIFEST, len(self.text), f"{zlib.crc32(self.text):08x}", self.digest)
        places = []
        offset = 0
        for member in (own, *self.members):
            data = offset + _header_bytes(member.name, offset)
            places.append(Place(member, offset, data))
            offset = data + member.size
        return tuple(places)

    @property
    def payload(self) -> int:
        """Return the members' bytes in all, headers not counted."""
        return sum(member.size for member in self.members)

    @cached_property
    def directory_offset(self) -> int:
        """Return where the members end and the central directory starts."""
        last = self.places[-1]
        return last.data + last.member.size

    @cached_property
    def directory(self) -> bytes:
        """Return everything behind the last member: central directory and end records."""
        entries = b"".join(_central(place) for place in self.places)
        return entries + _end(len(self.places), len(entries), self.directory_offset, self.digest)

    @property
    def size(self) -> int:
        """Return the length of the whole archive."""
        return self.directory_offset + len(self.directory)


def local_header(place: Place) -> bytes:
    """Return the bytes from ``place.header`` to ``place.data``."""
    member = place.member
    name = member.name.encode("ascii")
    zip64 = _LOCAL_ZIP64.pack(1, 16, member.size, member.size)
    padding = place.data - place.header - _LOCAL.size - len(name) - len(zip64)
    extra = zip64 + struct.pack("<HHH", _PADDING, padding - 4, ALIGNMENT) + bytes(padding - 6)
    crc = int(member.crc32, 16)
    return (
        _LOCAL.pack(b"PK\3\4", _NEEDS, 0, 0, 0, _DATE, crc, _FILL32, _FILL32, len(name), len(extra))
        + name
        + extra
    )


def manifest_size(head: bytes) -> int:
    """Return the length of ``gobi.json`` that the archive's first bytes announce.

    Raises: ArchiveError when these are not the first bytes of an archive.
    """
    if head.startswith(MAGIC.encode()):
        raise ArchiveError("this is an archive of the prototype, which is not readable here")
    if len(head) < FIRST_HEADER_BYTES:
        raise ArchiveError("not an archive, or cut short: its first header is incomplete")
    size = _LOCAL_ZIP64.unpack_from(head, _LOCAL.size + len(MANIFEST))[2]
    name = head[_LOCAL.size : _LOCAL.size + len(MANIFEST)]
    if head[:4] != b"PK\3\4" or name != MANIFEST.encode():
        raise ArchiveError(
            f"not an archive: it does not start with {MANIFEST}",
            hint="`grizzly pack` makes archives that end in .gobi.",
        )
    if size > MANIFEST_LIMIT:
        raise ArchiveError(f"{MANIFEST} claims {size} bytes", subject=MANIFEST)
    return int(size)


def parse_manifest(text: bytes) -> Manifest:
    """Read ``gobi.json``, which may have been written by anyone.

    Raises: ArchiveError unless it is the canonical manifest of an archive of this version.
    """
    try:
        document = parse(text)
    except ProofError as error:
        raise ArchiveError(f"{MANIFEST} is damaged: {error}", subject=MANIFEST) from error
    if not isinstance(document, dict) or document.get("magic") != MAGIC:
        raise ArchiveError(f"{MANIFEST} lacks the magic {MAGIC}", subject=MANIFEST)
    version = document.get("version")
    if type(version) is not int or not WHOLE <= version <= EXCERPT:
        raise ArchiveError(
            f"the archive has format version {version!r}, made by a newer grizzly",
            subject=MANIFEST,
            hint=f"This grizzly reads versions {WHOLE} to {EXCERPT}.",
        )
    checkpoint, rows = document.get("checkpoint"), document.get("members")
    fields = {"checkpoint", "magic", "members", "version"}
    if set(document) != fields | _OWN_FIELDS[version]:
        raise ArchiveError(f"{MANIFEST} has unknown or missing fields", subject=MANIFEST)
    if not isinstance(checkpoint, str) or not isinstance(rows, list):
        raise ArchiveError(f"{MANIFEST} has fields of the wrong kind", subject=MANIFEST)
    base = _base(document["base"]) if version == DIFFERENTIAL else None
    table = document.get("table")
    if version == EXCERPT and not (isinstance(table, str) and _TABLE.fullmatch(table)):
        raise ArchiveError("the table's identifier is malformed", subject=MANIFEST)
    manifest = Manifest(checkpoint, tuple(_member(row) for row in rows), base, table)
    check_names([member.name for member in manifest.members])
    _check_essentials(manifest)
    return manifest


def _check_essentials(manifest: Manifest) -> None:
    digests = {member.name: member.sha256 for member in manifest.members}
    if layout.FORMAT not in digests:
        raise ArchiveError("the archive holds no lakehouse", subject=layout.FORMAT)
    if manifest.table is not None and PROOF not in digests:
        raise ArchiveError("the archive does not prove its table", subject=PROOF)
    if digests.get(layout.CHECKPOINT) != hashlib.sha256(manifest.checkpoint.encode()).hexdigest():
        raise ArchiveError(
            f"{MANIFEST} and {layout.CHECKPOINT} name different states", subject=MANIFEST
        )


def check_names(names: Sequence[str]) -> None:
    """Refuse names that could leave the target folder, meet twice, or be file and folder at once.

    Raises: ArchiveError naming the member.
    """
    for name in names:
        if not _NAME.fullmatch(name):
            raise ArchiveError("a member has a name that no lakehouse has", subject=name)
    for before, after in pairwise(names):
        if before >= after:
            raise ArchiveError("members are out of order or listed twice", subject=after)
    known = set(names)
    for name in names:
        folder = next((f for f in _folders(name) if f in known), None)
        if folder is not None:
            raise ArchiveError("a member is both a file and a folder", subject=folder)


def _folders(name: str) -> Iterator[str]:
    at = name.find("/")
    while at >= 0:
        yield name[:at]
        at = name.find("/", at + 1)


def _header_bytes(name: str, offset: int) -> int:
    bare = _LOCAL.size + len(name) + _LOCAL_ZIP64.size + 6
    return bare + -(offset + bare) % ALIGNMENT


def _central(place: Place) -> bytes:
    member = place.member
    name = member.name.encode("ascii")
    extra = _CENTRAL_ZIP64.pack(1, 24, member.size, member.size, place.header)
    head = _CENTRAL.pack(
        b"PK\1\2",
        *(_MADE_BY, _NEEDS, 0, 0, 0, _DATE, int(member.crc32, 16), _FILL32, _FILL32),
        *(len(name), len(extra), 0, 0, 0, _MODE, _FILL32),
    )
    return head + name + extra


def _end(count: int, length: int, offset: int, digest: str) -> bytes:
    comment = f"{MANIFEST} sha256 {digest}".encode("ascii")
    end64 = _END64.pack(
        b"PK\6\6", _END64.size - 12, _MADE_BY, _NEEDS, 0, 0, count, count, length, offset
    )
    locator = _LOCATOR.pack(b"PK\6\7", 0, offset + length, 1)
    end = _END.pack(b"PK\5\6", 0, 0, _FILL16, _FILL16, _FILL32, _FILL32, _COMMENT_BYTES)
    return end64 + locator + end + comment


def _base(row: object) -> Base:
    if not isinstance(row, dict) or set(row) != {"root", "size"}:
        raise ArchiveError("the base has unknown or missing fields", subject=MANIFEST)
    if type(row["size"]) is not int or not 0 < row["size"] < _SIZE_LIMIT:
        raise ArchiveError("the base has an impossible size", subject=MANIFEST)
    if not _is_hex(row["root"], 64):
        raise ArchiveError("the base's root is malformed", subject=MANIFEST)
    return Base(row["size"], row["root"])


def _member(row: object) -> Member:
    if not isinstance(row, dict) or set(row) != {"crc32", "name", "sha256", "size"}:
        raise ArchiveError("a member's entry has unknown or missing fields", subject=MANIFEST)
    name, size, crc32, sha256 = row["name"], row["size"], row["crc32"], row["sha256"]
    if not isinstance(name, str):
        raise ArchiveError("a member's name is not text", subject=MANIFEST)
    if type(size) is not int or not 0 <= size < _SIZE_LIMIT:
        raise ArchiveError("a member's size is impossible", subject=name)
    if not _is_hex(crc32, 8) or not _is_hex(sha256, 64):
        raise ArchiveError("a member's digest is malformed", subject=name)
    return Member(name, size, crc32, sha256)


def _is_hex(text: object, length: int) -> bool:
    return isinstance(text, str) and len(text) == length and _HEX.issuperset(text)
