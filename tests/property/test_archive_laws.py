"""unpack∘pack is the identity, and no other bytes than those of an archive are one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from engine.archive.reader import ArchiveReader
from engine.errors import ArchiveError, CorruptError
from tests.unit.archive import forge

PARTS = st.text("abcdef0123456789._-", min_size=1, max_size=12).filter(lambda s: s[0] not in "._-")
NAMES = st.builds(
    lambda root, parts: "/".join([root, *parts]),
    st.sampled_from(["log", "tile", "state", "objects"]),
    st.lists(PARTS, min_size=1, max_size=3),
).filter(lambda name: not name.startswith("log/checkpoint"))
FILES = st.dictionaries(NAMES, st.binary(max_size=300), max_size=6)
EDITS = st.tuples(st.integers(0, 10_000), st.integers(0, 40), st.binary(max_size=40))


def whole(files: dict[str, bytes]) -> dict[str, bytes]:
    folders = {name[:at] for name in files for at in range(len(name)) if name[at] == "/"}
    kept = {name: data for name, data in files.items() if name not in folders}
    return {**kept, "FORMAT": b"f\n", "log/checkpoint": "— c\n".encode()}


def contents(path: Path) -> dict[str, bytes]:
    reader = ArchiveReader(path)
    try:
        return {
            place.member.name: b"".join(reader.chunks(place)) for place in reader.places.values()
        }
    finally:
        reader.close()


@settings(deadline=None, max_examples=60)
@given(FILES)
def test_what_goes_in_comes_out(files: dict[str, bytes]) -> None:
    files = whole(files)
    manifest = forge.manifest_of(files)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.gobi"
        path.write_bytes(forge.assemble(manifest, files))
        found = contents(path)
    assert found.pop("gobi.json") == manifest.text
    assert found == files


@settings(deadline=None, max_examples=150)
@given(EDITS)
def test_any_edit_is_refused(edit: tuple[int, int, bytes]) -> None:
    honest = forge.small()
    at, length, replacement = edit
    at %= len(honest)
    edited = honest[:at] + replacement + honest[at + length :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.gobi"
        path.write_bytes(edited)
        if edited == honest:
            assert contents(path)
        else:
            with pytest.raises((ArchiveError, CorruptError)):
                contents(path)
