"""A real lakehouse packed: the same bytes every time, one moment, readable in place."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from pathlib import Path

import pytest

from engine.archive import ArchiveStore, pack, unpack, verify_archive
from engine.catalog import FileEntry, Ref
from engine.clock import SystemClock
from engine.errors import CorruptError, LakeError, ReadOnlyError, UsageError
from engine.objectstore import LocalStore
from engine.timeline import Proposal, Timeline, load_or_create
from engine.timeline.proving import Prover
from tests.unit.archive.lakes import contents

PAYLOAD = bytes(range(256)) * 40
DIGEST = hashlib.sha256(PAYLOAD).hexdigest()


def proposal(number: int) -> Proposal:
    changes = {f"w/{number % 40}": f'{{"n":{number},"object":"{DIGEST}"}}'.encode()}
    return Proposal("insert", changes, objects=[f"inlined {number}".encode()])


def opened(lake: Path) -> Timeline:
    store = LocalStore(lake / ".grizzly")
    signer = load_or_create(lake.parent / "key")
    if store.size("FORMAT") is None:
        return Timeline.create(store, clock=SystemClock(), signer=signer)
    return Timeline.open(store, clock=SystemClock(), signer=signer)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    timeline = opened(folder)
    timeline.put_object(PAYLOAD)
    for number in range(5):
        timeline.commit(lambda _head, _seq, number=number: proposal(number))
    return folder


@pytest.fixture(scope="module")
def long_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lakehouse with a packed segment."""
    folder = tmp_path_factory.mktemp("long") / "shop"
    timeline = opened(folder)
    timeline.put_object(PAYLOAD)
    for number in range(270):
        timeline.commit(lambda _head, _seq, number=number: proposal(number))
    timeline.compact()
    return folder


def test_packing_twice_gives_the_same_bytes(long_lake: Path, tmp_path: Path) -> None:
    one = pack(long_lake, tmp_path / "one.gobi")
    two = pack(long_lake / ".grizzly", tmp_path / "two.gobi")
    data = (tmp_path / "one.gobi").read_bytes()
    assert data == (tmp_path / "two.gobi").read_bytes()
    assert one.sha256 == two.sha256 == hashlib.sha256(data).hexdigest()
    assert one.bytes == len(data)
    assert one.members == len(contents(long_lake))
    assert pack(long_lake, tmp_path / "one.gobi") == one
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.gobi", "two.gobi"]


def test_an_unpacked_lakehouse_is_the_same_and_packs_to_the_same_bytes(
    long_lake: Path, tmp_path: Path
) -> None:
    packed = pack(long_lake, tmp_path / "a.gobi")
    unpacked = unpack(tmp_path / "a.gobi", tmp_path / "copy")
    assert contents(tmp_path / "copy") == contents(long_lake)
    assert (unpacked.sha256, unpacked.bytes, unpacked.members, unpacked.checkpoint) == (
        packed.sha256,
        packed.bytes,
        packed.members,
        packed.checkpoint,
    )
    assert pack(tmp_path / "copy", tmp_path / "b.gobi").sha256 == packed.sha256


def test_an_archive_is_read_in_place(long_lake: Path, tmp_path: Path) -> None:
    pack(long_lake, tmp_path / "a.gobi")
    there = Timeline.open(LocalStore(long_lake / ".grizzly"), clock=SystemClock())
    here = Timeline.open(ArchiveStore(tmp_path / "a.gobi"), clock=SystemClock())
    assert here.head.root == there.head.root
    assert here.head.seq == 270
    assert here.checkpoint == there.checkpoint
    assert dict(here.state_at(100).items("")) == dict(there.state_at(100).items(""))
    assert here.object(DIGEST, None) == PAYLOAD
    assert here.source(DIGEST, None).read(256, 256) == bytes(range(256))
    assert Prover(here).commit(7) == Prover(there).commit(7)
    with pytest.raises(ReadOnlyError):
        here.commit(lambda _head, _seq: proposal(0))


def test_a_whole_archive_verifies(long_lake: Path, tmp_path: Path) -> None:
    pack(long_lake, tmp_path / "a.gobi")
    findings = list(verify_archive(tmp_path / "a.gobi"))
    assert all(finding.ok for finding in findings), [f for f in findings if not f.ok]
    assert {"gobi.json", "FORMAT", "log/checkpoint"} <= {f.subject for f in findings}
    with zipfile.ZipFile(tmp_path / "a.gobi") as archive:
        assert archive.testzip() is None


def test_damage_is_found_and_named(lake: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.gobi"
    pack(lake, path)
    honest = path.read_bytes()
    for name in zipfile.ZipFile(path).namelist()[1:]:
        place = ArchiveStore(path).place(name)
        damaged = bytearray(honest)
        damaged[place.data + place.member.size // 2] ^= 4
        path.write_bytes(damaged)
        wrong = [f.subject for f in verify_archive(path) if not f.ok]
        assert wrong == [name]
        path.write_bytes(honest)
    path.write_bytes(honest[:-1])
    assert [f.ok for f in verify_archive(path)] == [False]


def test_a_forged_history_in_a_sound_archive_is_found(lake: Path, tmp_path: Path) -> None:
    wal = lake / ".grizzly" / "log" / "00000000.wal"
    honest = wal.read_bytes()
    pack(lake, tmp_path / "honest.gobi")
    wal.write_bytes(honest[:300] + bytes([honest[300] ^ 1]) + honest[301:])
    with pytest.raises(CorruptError) as caught:
        pack(lake, tmp_path / "a.gobi")
    assert "00000000.wal" in str(caught.value.subject)
    assert not (tmp_path / "a.gobi").exists()


def test_a_damaged_object_is_not_packed(lake: Path, tmp_path: Path) -> None:
    path = lake / ".grizzly" / "objects" / DIGEST[:2] / DIGEST
    path.write_bytes(b"x" + PAYLOAD[1:])
    with pytest.raises(CorruptError) as caught:
        pack(lake, tmp_path / "a.gobi")
    assert caught.value.subject == f"objects/{DIGEST[:2]}/{DIGEST}"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["key", "shop"]


def test_a_missing_object_is_named(lake: Path, tmp_path: Path) -> None:
    data, marks = Ref(opened(lake).put_object(b"rows")), Ref(DIGEST)
    entry = FileEntry(rid=1, rows=1, size=4, codec="orc", data=data, marks=marks)
    opened(lake).commit(lambda _h, _s: Proposal("insert", {"f/00000001/01": entry.encode()}))
    pack(lake, tmp_path / "a.gobi")
    (lake / ".grizzly" / "objects" / data.digest[:2] / data.digest).unlink()
    with pytest.raises(CorruptError, match="missing") as caught:
        pack(lake, tmp_path / "a.gobi")
    assert caught.value.subject == f"objects/{data.digest[:2]}/{data.digest}"


def test_what_a_crash_left_is_not_packed(lake: Path, tmp_path: Path) -> None:
    clean = pack(lake, tmp_path / "clean.gobi")
    folder = lake / ".grizzly"
    with (folder / "log" / "00000000.wal").open("ab") as wal:
        wal.write(b"half a record")
    (folder / "log" / "checkpoint").write_bytes(b"")
    opened(lake).put_object(b"rows of a transaction that never committed")
    (folder / "tmp").mkdir(exist_ok=True)
    (folder / "tmp" / "1-1").write_bytes(b"half a file")
    assert pack(lake, tmp_path / "again.gobi").sha256 == clean.sha256


def test_a_moment_is_packed_while_a_writer_goes_on(lake: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    writer = opened(lake)

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            named = writer.put_object(b"object %d" % number).encode()
            writer.commit(lambda _h, _s, named=named: Proposal("insert", {"w/1": named}))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(6):
            path = tmp_path / f"{number}.gobi"
            pack(lake, path)
            assert all(finding.ok for finding in verify_archive(path))
    finally:
        stop.set()
        thread.join()
    assert writer.head.seq > 5


def test_a_folder_without_a_lakehouse_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(LakeError):
            pack(path, tmp_path / "a.gobi")
    assert list(tmp_path.iterdir()) == []


def test_nothing_but_an_older_archive_is_overwritten(lake: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("dear friend")
    for out in (letter, tmp_path, lake / ".grizzly" / "a.gobi"):
        with pytest.raises(UsageError):
            pack(lake, out)
    assert letter.read_text() == "dear friend"


def test_progress_reaches_the_end(lake: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    pack(lake, tmp_path / "a.gobi", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] == sum(map(len, contents(lake).values()))
