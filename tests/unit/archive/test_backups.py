"""A backup continues one history, copies what is new, and gives it back whole."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from engine.archive import back_up, pack, restore, runs
from engine.archive.landing import Landing
from engine.errors import (
    CancelledError,
    CorruptError,
    IoError,
    LakeError,
    UsageError,
    VerificationError,
)
from tests.unit.archive.lakes import contents, grow, opened


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    grow(tmp_path / "shop", 0, 12)
    return tmp_path / "shop"


def sound(lake: Path) -> bool:
    return all(finding.ok for finding in opened(lake).verify())


def test_a_backup_is_the_lakehouse(lake: Path, tmp_path: Path) -> None:
    report = back_up(lake, tmp_path / "copy")
    assert contents(tmp_path / "copy") == contents(lake)
    assert (report.since, report.commits) == (0, 13)
    assert report.bytes == sum(map(len, contents(lake).values()))
    assert sound(tmp_path / "copy")


def test_later_runs_copy_what_is_new(lake: Path, tmp_path: Path) -> None:
    back_up(lake, tmp_path / "copy")
    again = back_up(lake, tmp_path / "copy")
    assert (again.since, again.files, again.bytes) == (13, 0, 0)
    grow(lake, 12, 30)
    more = back_up(lake, tmp_path / "copy")
    assert (more.since, more.commits) == (13, 31)
    assert contents(tmp_path / "copy") == contents(lake)
    new = {name for name in contents(lake) if name.startswith("objects/")}
    assert 2 <= more.files < len(new) + 3
    assert [run.commits for run in runs(tmp_path / "copy")] == [13, 13, 31]


def test_backups_follow_over_sealed_segments(lake: Path, tmp_path: Path) -> None:
    for size in (250, 262):
        grow(lake, opened(lake).head.seq, size, every=50)
        back_up(lake, tmp_path / "copy")
        assert contents(tmp_path / "copy") == contents(lake)
    assert sound(tmp_path / "copy")
    report = restore(tmp_path / "copy", tmp_path / "again")
    assert contents(tmp_path / "again") == contents(lake)
    assert report.commits == opened(lake).head.seq + 1
    opened(tmp_path / "again").refresh()
    grow(tmp_path / "again", 262, 265)


def test_a_restored_lakehouse_packs_to_the_same_bytes(lake: Path, tmp_path: Path) -> None:
    first = pack(lake, tmp_path / "a.gobi")
    back_up(lake, tmp_path / "copy")
    restore(tmp_path / "copy", tmp_path / "one")
    restore(tmp_path / "a.gobi", tmp_path / "two")
    for name in ("one", "two", "copy"):
        assert pack(tmp_path / name, tmp_path / f"{name}.gobi").sha256 == first.sha256


def test_a_rolled_back_lakehouse_is_refused(lake: Path, tmp_path: Path) -> None:
    shutil.copytree(lake, tmp_path / "old")
    grow(lake, 12, 20)
    back_up(lake, tmp_path / "copy")
    before = contents(tmp_path / "copy")
    with pytest.raises(VerificationError, match="rolled back"):
        back_up(tmp_path / "old", tmp_path / "copy")
    assert contents(tmp_path / "copy") == before


def test_a_forked_lakehouse_is_refused(lake: Path, tmp_path: Path) -> None:
    shutil.copytree(lake, tmp_path / "fork")
    grow(lake, 12, 20)
    back_up(lake, tmp_path / "copy")
    before = contents(tmp_path / "copy")
    for size in (20, 40):
        grow(tmp_path / "fork", opened(tmp_path / "fork").head.seq, size, every=3)
        with pytest.raises(VerificationError, match="history"):
            back_up(tmp_path / "fork", tmp_path / "copy")
    assert contents(tmp_path / "copy") == before


def test_another_lakehouse_and_other_folders_are_refused(lake: Path, tmp_path: Path) -> None:
    back_up(lake, tmp_path / "copy")
    grow(tmp_path / "other", 0, 3)
    with pytest.raises(UsageError, match="another lakehouse"):
        back_up(tmp_path / "other", tmp_path / "copy")
    with pytest.raises(UsageError, match="not a backup"):
        back_up(lake, tmp_path / "other")
    with pytest.raises(UsageError, match="inside"):
        back_up(lake, lake / ".grizzly" / "copy")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("dear")
    with pytest.raises(UsageError, match="not empty"):
        back_up(lake, tmp_path / "mine")
    with pytest.raises(UsageError, match="not a folder"):
        back_up(lake, tmp_path / "key")
    with pytest.raises(UsageError, match="not a backup"):
        runs(lake)
    with pytest.raises(LakeError):
        back_up(lake, tmp_path / "no" / "where")
    with pytest.raises(LakeError):
        back_up(tmp_path / "nothing", tmp_path / "copy2")


def test_a_damaged_object_is_named_and_not_copied(lake: Path, tmp_path: Path) -> None:
    name = next(n for n in contents(lake) if n.startswith("objects/"))
    (lake / ".grizzly" / name).write_bytes(b"something else")
    with pytest.raises(CorruptError) as caught:
        back_up(lake, tmp_path / "copy")
    assert caught.value.subject == name
    assert name not in contents(tmp_path / "copy")
    with pytest.raises(CorruptError):
        restore(lake, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_missing_object_is_named_unless_the_backup_has_it(lake: Path, tmp_path: Path) -> None:
    name = next(n for n in contents(lake) if n.startswith("objects/"))
    back_up(lake, tmp_path / "copy")
    (lake / ".grizzly" / name).unlink()
    assert back_up(lake, tmp_path / "copy").files == 0
    with pytest.raises(CorruptError, match="missing") as caught:
        back_up(lake, tmp_path / "second")
    assert caught.value.subject == name


def test_an_object_damaged_inside_a_commit_is_found_before_anything_is_copied(
    lake: Path, tmp_path: Path
) -> None:
    grow(lake, 12, 270, every=1000)
    wal = lake / ".grizzly" / "log" / "00000000-00000000.pack"
    data = bytearray(wal.read_bytes())
    data[data.index(b"rows of commit 3 ")] ^= 1
    wal.write_bytes(data)
    with pytest.raises(CorruptError):
        back_up(lake, tmp_path / "copy")
    assert contents(tmp_path / "copy") == {}


def test_a_disk_that_lies_is_caught(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Landing.flush

    def flush(self: Landing) -> None:
        for staged in self._staged[:1]:
            staged.path.write_bytes(b"rot" + staged.path.read_bytes()[3:])
        real(self)

    monkeypatch.setattr(Landing, "flush", flush)
    with pytest.raises(CorruptError, match="not kept by the disk"):
        back_up(lake, tmp_path / "copy")
    monkeypatch.undo()
    back_up(lake, tmp_path / "copy")
    assert contents(tmp_path / "copy") == contents(lake)


@pytest.mark.parametrize("room", [1, 9])
def test_a_full_disk_leaves_the_backup_as_it_was(
    room: int, lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(lake, tmp_path / "copy")
    before = contents(tmp_path / "copy")
    grow(lake, 12, 60)
    real, calls = os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(IoError, match="No space left"):
        back_up(lake, tmp_path / "copy")
    with pytest.raises(IoError, match="No space left"):
        restore(lake, tmp_path / "again")
    monkeypatch.undo()
    assert not (tmp_path / "again").exists()
    after = contents(tmp_path / "copy")
    assert {n: after[n] for n in before} == before
    assert list((tmp_path / "copy" / ".grizzly" / "tmp").iterdir()) == []
    assert sound(tmp_path / "copy")
    back_up(lake, tmp_path / "copy")
    assert contents(tmp_path / "copy") == contents(lake)


def test_a_run_can_be_stopped_and_taken_up(lake: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done * 2 > total:
            raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        back_up(lake, tmp_path / "copy", progress=stop)
    seen: list[tuple[int, int]] = []
    back_up(lake, tmp_path / "copy", progress=lambda *at: seen.append(at))
    assert seen[-1][0] == seen[-1][1] > 0
    assert contents(tmp_path / "copy") == contents(lake)


def test_a_restore_refuses_a_used_folder(lake: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        restore(lake, tmp_path)
    with pytest.raises(LakeError):
        restore(tmp_path / "nothing", tmp_path / "again")
