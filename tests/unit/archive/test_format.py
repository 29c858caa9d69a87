"""The frame is a function of the manifest, and other people's zip readers agree with it."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine.archive import format as gobi
from engine.errors import ArchiveError
from tests.unit.archive import forge


def test_a_zip_reader_lists_and_reads_every_member() -> None:
    with zipfile.ZipFile(io.BytesIO(forge.small())) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == [gobi.MANIFEST, *sorted(forge.FILES)]
        for name, data in forge.FILES.items():
            info = archive.getinfo(name)
            assert archive.read(name) == data
            assert info.compress_type == zipfile.ZIP_STORED
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert info.external_attr >> 16 == 0o100644
        assert archive.comment.decode().startswith("gobi.json sha256 ")


def test_info_zip_finds_nothing_wrong(tmp_path: Path) -> None:
    path = tmp_path / "a.gobi"
    path.write_bytes(forge.small())
    try:
        done = subprocess.run(["unzip", "-t", path], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no unzip here")
    assert done.returncode == 0, done.stdout + done.stderr


def test_members_start_on_64_bytes() -> None:
    for length in range(1, 150):
        files = {**forge.FILES, "log/" + "a" * (length % 90 + 1): b"x" * length}
        manifest = forge.manifest_of(files)
        assert [p.data % gobi.ALIGNMENT for p in manifest.places] == [0] * len(manifest.places)
        assert all(len(gobi.local_header(p)) == p.data - p.header for p in manifest.places)
        assert len(forge.assemble(manifest, files)) == manifest.size


def test_a_manifest_survives_its_own_text() -> None:
    manifest = forge.manifest_of(forge.FILES)
    again = gobi.parse_manifest(manifest.text)
    assert again == manifest
    assert again.directory == manifest.directory


def test_sizes_beyond_32_bits_stand_in_the_zip64_fields() -> None:
    files = dict(forge.FILES)
    honest = forge.manifest_of(files)
    members = tuple(
        gobi.Member(m.name, 5 << 32, m.crc32, m.sha256) if m.name == "log/00000000.wal" else m
        for m in honest.members
    )
    manifest = gobi.Manifest(honest.checkpoint, members)
    assert manifest.size > 5 << 32
    assert struct.pack("<QQ", 5 << 32, 5 << 32) in manifest.directory
    assert gobi.parse_manifest(manifest.text).places == manifest.places


def rename(name: str) -> Any:
    return lambda document: document["members"][0].update(name=name)


HOSTILE_NAMES = [
    "../FORMAT",
    "/etc/passwd",
    "log/../../x",
    "log/..",
    "log//x",
    "log/",
    "objects",
    "log\\x",
    "C:\\x",
    "log/.hidden",
    "log/x\u0000y",
    "log/ü",
    "log/X",
    "lock",
    "tmp/x",
    "gobi.json",
    "elsewhere/x",
    "",
    "log/" + "a" * 101,
    "log/" + "/".join("a" * 20),
    "log/a\n",
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_names_that_no_lakehouse_has_are_refused(name: str) -> None:
    with pytest.raises(ArchiveError):
        gobi.check_names([name])
    with pytest.raises(ArchiveError):
        gobi.parse_manifest(forge.forged_manifest(rename(name)))


def swap(document: dict[str, Any]) -> None:
    members = document["members"]
    members[0], members[1] = members[1], members[0]


LIES = {
    "magic": lambda d: d.update(magic="GODX"),
    "newer version": lambda d: d.update(version=3),
    "no base": lambda d: d.update(version=2),
    "version true": lambda d: d.update(version=True),
    "no version": lambda d: d.pop("version"),
    "unknown field": lambda d: d.update(extra=1),
    "checkpoint kind": lambda d: d.update(checkpoint=7),
    "other checkpoint": lambda d: d.update(checkpoint="another\n"),
    "members kind": lambda d: d.update(members={}),
    "member kind": lambda d: d["members"].append("x"),
    "member field": lambda d: d["members"][0].update(mode=0o777),
    "twice": lambda d: d["members"].insert(0, d["members"][0]),
    "order": swap,
    "no format": lambda d: d["members"].pop(0),
    "negative size": lambda d: d["members"][1].update(size=-1),
    "float size": lambda d: d["members"][1].update(size=200.0),
    "true size": lambda d: d["members"][1].update(size=True),
    "huge size": lambda d: d["members"][1].update(size=1 << 61),
    "short digest": lambda d: d["members"][1].update(sha256="ab"),
    "upper digest": lambda d: d["members"][1].update(crc32="ABCDEF01"),
    "file and folder": lambda d: (
        d["members"].insert(1, {**d["members"][1], "name": "log/00000000.wa", "sha256": "0" * 64})
        or d["members"].insert(2, {**d["members"][1], "name": "log/00000000.wa/b"})
    ),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_manifest_that_lies_is_refused(lie: Any) -> None:
    with pytest.raises(ArchiveError):
        gobi.parse_manifest(forge.forged_manifest(lie))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b"9" * 10_000,
        json.dumps(json.loads(forge.manifest_of(forge.FILES).text)).encode(),
        forge.manifest_of(forge.FILES).text.replace(b'"magic"', b'"magic":"GODI","magic"'),
    ],
)
def test_a_manifest_in_another_spelling_is_refused(text: bytes) -> None:
    with pytest.raises(ArchiveError):
        gobi.parse_manifest(text)


def test_a_manifest_longer_than_the_limit_is_not_read() -> None:
    head = bytearray(forge.small()[: gobi.FIRST_HEADER_BYTES])
    at = head.index(b"gobi.json") + len(b"gobi.json") + 4
    head[at : at + 8] = struct.pack("<Q", gobi.MANIFEST_LIMIT + 1)
    with pytest.raises(ArchiveError):
        gobi.manifest_size(bytes(head))


def test_an_archive_of_the_prototype_is_named_as_such() -> None:
    with pytest.raises(ArchiveError, match="prototype"):
        gobi.manifest_size(b"GODI\1\0\0\0" + bytes(120))
