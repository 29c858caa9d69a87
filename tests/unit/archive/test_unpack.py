"""Whatever is done to an archive, the target folder is complete or absent."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zipfile
from pathlib import Path

import pytest

from engine.archive.reader import ArchiveReader
from engine.archive.store import ArchiveStore
from engine.archive.unpack import unpack
from engine.errors import ArchiveError, CorruptError, IoError, ReadOnlyError, UsageError
from tests.unit.archive import forge


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "small.gobi"
    path.write_bytes(forge.small())
    return path


def refused(archive: Path, target: Path) -> ArchiveError | CorruptError:
    before = sorted(target.parent.iterdir())
    with pytest.raises((ArchiveError, CorruptError)) as caught:
        unpack(archive, target)
    assert caught.value.subject
    assert sorted(target.parent.iterdir()) == before
    return caught.value


def test_every_file_comes_back(archive: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = unpack(archive, tmp_path / "copy", progress=lambda *at: seen.append(at))
    root = tmp_path / "copy" / ".grizzly"
    found = {str(p.relative_to(root)): p for p in root.rglob("*") if p.is_file()}
    assert {name: path.read_bytes() for name, path in found.items()} == forge.FILES
    assert {stat.S_IMODE(path.stat().st_mode) & 0o111 for path in found.values()} == {0}
    assert report.sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert report.members == len(forge.FILES)
    assert report.bytes == archive.stat().st_size
    assert seen[-1] == (sum(map(len, forge.FILES.values())),) * 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy", "small.gobi"]


def test_an_empty_folder_is_a_fine_target(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "copy"
    target.mkdir()
    monkeypatch.chdir(target)
    before = target.stat().st_ino
    unpack(archive, Path())
    assert [p.name for p in target.iterdir()] == [".grizzly"]
    assert (Path() / ".grizzly" / "FORMAT").is_file()
    assert target.stat().st_ino == before


def test_a_used_target_is_left_alone(archive: Path, tmp_path: Path) -> None:
    used = tmp_path / "used"
    used.mkdir()
    (used / "mine").write_text("precious")
    link = tmp_path / "link"
    link.symlink_to(used)
    for target in (used, archive, link, tmp_path / "nowhere" / "copy"):
        with pytest.raises(UsageError):
            unpack(archive, target)
    assert [p.name for p in used.iterdir()] == ["mine"]


STEPS = [5, pytest.param(1, marks=pytest.mark.slow)]
"""From one place in an archive to the next that is harmed: some places, or all."""


@pytest.mark.parametrize("step", STEPS)
def test_flipped_bytes_are_refused(
    step: int, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _fd: None)
    honest = archive.read_bytes()
    target = tmp_path / "copy"
    for at in range(0, len(honest), step):
        damaged = bytearray(honest)
        damaged[at] ^= 1 << (at % 8)
        archive.write_bytes(damaged)
        refused(archive, target)


@pytest.mark.parametrize("step", STEPS)
def test_truncations_are_refused(step: int, archive: Path, tmp_path: Path) -> None:
    honest = archive.read_bytes()
    target = tmp_path / "copy"
    for length in [*range(0, len(honest), step), len(honest) - 1]:
        archive.write_bytes(honest[:length])
        refused(archive, target)


@pytest.mark.parametrize("extra", [b"\0", b"PK\5\6" + bytes(18), forge.small()])
def test_bytes_before_or_behind_are_refused(extra: bytes, archive: Path, tmp_path: Path) -> None:
    honest = archive.read_bytes()
    for bytes_ in (extra + honest, honest + extra):
        archive.write_bytes(bytes_)
        refused(archive, tmp_path / "copy")


def test_a_flipped_bit_is_blamed_on_its_member(archive: Path, tmp_path: Path) -> None:
    manifest = forge.manifest_of(forge.FILES)
    for place in manifest.places[1:]:
        if place.member.size:
            damaged = bytearray(forge.small())
            damaged[place.data] ^= 1
            archive.write_bytes(damaged)
            error = refused(archive, tmp_path / "copy")
            assert isinstance(error, CorruptError)
            assert error.subject == place.member.name


def other_zip(compression: int, names: list[str], link: str | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("gobi.json", forge.manifest_of(forge.FILES).text)
        for name in names:
            archive.writestr(name, forge.FILES.get(name, b"x" * 1000))
        if link is not None:
            info = zipfile.ZipInfo(link)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


HOSTILE = {
    "another writer's": other_zip(zipfile.ZIP_STORED, sorted(forge.FILES)),
    "compressed": other_zip(zipfile.ZIP_DEFLATED, sorted(forge.FILES)),
    "a bomb": other_zip(zipfile.ZIP_DEFLATED, ["objects/00/bomb"]),
    "traversal": other_zip(zipfile.ZIP_STORED, ["../../escaped"]),
    "absolute": other_zip(zipfile.ZIP_STORED, ["/tmp/escaped"]),
    "a link": other_zip(zipfile.ZIP_STORED, [], link="objects"),
    "empty": b"",
    "text": b"not an archive at all\n" * 20,
    "another zip": b"PK\3\4" + bytes(500),
    "prototype": b"GODI" + bytes(500),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_other_zip_files_are_refused(data: bytes, archive: Path, tmp_path: Path) -> None:
    archive.write_bytes(data)
    refused(archive, tmp_path / "copy")


def test_members_that_overlap_or_lie_about_their_size_are_refused(
    archive: Path, tmp_path: Path
) -> None:
    for size in (0, 1, 199, 201, 1 << 40):
        text = forge.forged_manifest(lambda d, size=size: d["members"][1].update(size=size))
        manifest = forge.gobi.parse_manifest(text)
        bodies = {**forge.FILES, "log/00000000.wal": bytes(200)}
        archive.write_bytes(forge.assemble(manifest, bodies))
        refused(archive, tmp_path / "copy")


def test_a_wrong_checksum_in_an_otherwise_right_archive_is_refused(
    archive: Path, tmp_path: Path
) -> None:
    for field, value in (("crc32", "00000000"), ("sha256", "0" * 64)):
        text = forge.forged_manifest(
            lambda d, field=field, value=value: d["members"][1].update({field: value})
        )
        archive.write_bytes(forge.assemble(forge.gobi.parse_manifest(text), forge.FILES))
        assert refused(archive, tmp_path / "copy").subject == "log/00000000.wal"


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in (fifo, tmp_path):
        with pytest.raises(ArchiveError):
            ArchiveReader(path)
    with pytest.raises(IoError):
        ArchiveReader(tmp_path / "absent")


def test_a_disk_that_fills_leaves_nothing(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(IoError, match="No space left"):
        unpack(archive, tmp_path / "copy")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.gobi"]


def test_the_store_reads_members_under_their_own_names(archive: Path) -> None:
    store = ArchiveStore(archive)
    assert list(store.list("log")) == ["log/00000000.wal", "log/checkpoint"]
    assert list(store.list("objects")) == [forge.OBJECT_NAME]
    assert list(store.list("objec")) == []
    for name, data in forge.FILES.items():
        source = store.source(name)
        assert store.size(name) == source.size == len(data)
        assert store.read(name) == data
        assert store.read(name, 3, 5) == source.read(3, 5) == data[3:8]
        assert source.read(max(0, len(data) - 2), 100) == data[-2:]
        assert source.stamp == store.stamp(name) is not None
    assert store.size("log/none") is store.stamp("log/none") is None
    for missing in (lambda: store.read("log/none"), lambda: store.source("log/none").size):
        with pytest.raises(IoError):
            missing()
    store.close()


def test_the_store_is_never_written(archive: Path) -> None:
    store = ArchiveStore(archive)
    assert not store.writable
    attempts = [
        lambda: store.put("log/x", b""),
        lambda: store.put_many([("log/x", b"")]),
        lambda: store.replace("log/x", b""),
        lambda: store.append("log/x", b"", 0),
        lambda: store.sync("FORMAT"),
        lambda: store.truncate("FORMAT", 0),
        lambda: store.remove("FORMAT"),
        lambda: store.lock(1),
    ]
    for attempt in attempts:
        with pytest.raises(ReadOnlyError):
            attempt()
    assert archive.read_bytes() == forge.small()


def test_a_member_damaged_while_open_is_noticed(archive: Path) -> None:
    store = ArchiveStore(archive)
    name = "log/00000000.wal"
    assert store.read(name) == forge.FILES[name]
    place = store.place(name)
    with archive.open("r+b") as file:
        file.seek(place.data + 7)
        file.write(b"\xee")
    os.utime(archive, ns=(1, 1))
    with pytest.raises(CorruptError) as caught:
        store.read(name)
    assert caught.value.subject == name
    assert store.read("FORMAT") == forge.FILES["FORMAT"]
