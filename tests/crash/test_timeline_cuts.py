"""An append interrupted at any byte, and a lake interrupted between any two writes."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from engine.errors import CorruptError, DurabilityError, IoError, LakeError
from engine.objectstore import LocalStore, layout
from engine.timeline import Timeline, checkpoint, log
from tests.unit.timeline import lakes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@pytest.fixture(scope="module")
def nearly_full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lake") / "shop"
    lakes.make(path, 254)
    return path


class PowerCut(BaseException):
    """The machine stops: nothing that was to follow happens."""


class FailingStore(LocalStore):
    """A store that stops, or refuses, at the n-th write."""

    def __init__(self, root: Path, *, after: int, torn: int | None = None) -> None:
        super().__init__(root)
        self.left = after
        self.torn = torn

    def _step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise PowerCut

    def put_many(self, files: Iterable[tuple[str, bytes | memoryview]]) -> None:
        # Every prefix of the files may be there when the power goes.
        for path, data in files:
            self._step()
            super().put_many([(path, data)])

    def replace(self, path: str, data: bytes) -> None:
        self._step()
        super().replace(path, data)

    def patch(self, path: str, data: bytes, at: int) -> None:
        self._step()
        super().patch(path, data, at)

    def append(self, path: str, data: bytes, at: int) -> None:
        if self.left == 0 and self.torn is not None:
            super().append(path, data[: self.torn], at)
        self._step()
        super().append(path, data, at)

    def truncate(self, path: str, size: int) -> None:
        self._step()
        super().truncate(path, size)

    def remove(self, path: str) -> None:
        self._step()
        super().remove(path)


def open_with(store: LocalStore) -> Timeline:
    return Timeline.open(store, clock=lakes.TickingClock(), signer=lakes.SIGNER)


def wal(path: Path, index: int = 0) -> Path:
    return path / layout.segment(index)


def last_places(path: Path, count: int) -> list[int]:
    """Return where the last groups begin, and the end."""
    groups = log.scan(LocalStore(path), 0, None).groups[-count:]
    return [*(group.start for group in groups), groups[-1].end]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.timeline.timeline.Thread", lakes.AtOnce)


def test_every_cut_of_an_unacknowledged_append_goes_back(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop", 4)
    promise, head = timeline.checkpoint, timeline.head
    lakes.fill(timeline, 1)
    data = wal(tmp_path / "shop").read_bytes()
    start, end = last_places(tmp_path / "shop", 1)
    (tmp_path / "shop" / layout.CHECKPOINT).write_text(promise, encoding="utf-8")
    for cut in range(start, end):
        wal(tmp_path / "shop").write_bytes(data[:cut])
        reader = lakes.reopen(tmp_path / "shop", writable=False)
        assert (reader.head.seq, reader.head.root) == (4, head.root)
        assert wal(tmp_path / "shop").stat().st_size == cut, "only a writer truncates"
        if cut % 97 == 0:
            writer = lakes.reopen(tmp_path / "shop")
            assert writer.commit(lakes.proposal).seq == 5
            assert [commit.seq for commit in lakes.reopen(tmp_path / "shop").commits()] == [
                *range(6)
            ]
            (tmp_path / "shop" / layout.CHECKPOINT).write_text(promise, encoding="utf-8")
    wal(tmp_path / "shop").write_bytes(data)
    assert lakes.reopen(tmp_path / "shop").head.seq == 5


def test_every_cut_of_an_acknowledged_commit_is_damage(tmp_path: Path) -> None:
    lakes.make(tmp_path / "shop", 4)
    data = wal(tmp_path / "shop").read_bytes()
    start = last_places(tmp_path / "shop", 1)[0]
    for cut in {*range(start, len(data), 9), start + 1, len(data) - 1}:
        wal(tmp_path / "shop").write_bytes(data[:cut])
        with pytest.raises(CorruptError) as caught:
            lakes.reopen(tmp_path / "shop")
        assert caught.value.subject == layout.segment(0)
        assert wal(tmp_path / "shop").stat().st_size == cut


@pytest.mark.parametrize("garbage", [b"\0", b"\0" * 5000, b"GZG1" * 300, b"\xff" * 70])
def test_garbage_after_the_last_commit_is_a_torn_append(tmp_path: Path, garbage: bytes) -> None:
    lakes.make(tmp_path / "shop", 3)
    with wal(tmp_path / "shop").open("ab") as file:
        file.write(garbage)
    timeline = lakes.reopen(tmp_path / "shop")
    assert timeline.head.seq == 3
    lakes.fill(timeline, 2)
    assert [commit.seq for commit in lakes.reopen(tmp_path / "shop").commits()] == [*range(6)]


def test_an_object_with_an_old_record_inside_may_be_torn(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop", 3)
    old, promise = wal(tmp_path / "shop").read_bytes(), timeline.checkpoint
    timeline.commit(
        lambda head, seq: lakes.Proposal("insert", {}, [old + lakes.proposal(head, seq).objects[0]])
    )
    data = wal(tmp_path / "shop").read_bytes()
    (tmp_path / "shop" / layout.CHECKPOINT).write_text(promise, encoding="utf-8")
    wal(tmp_path / "shop").write_bytes(data[:-1])
    assert lakes.reopen(tmp_path / "shop").head.seq == 3


def test_an_object_with_a_longer_log_of_another_lake_inside_may_be_torn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(lakes.TickingClock, "token", lambda _: "fedcba9876543210" * 2)
        lakes.make(tmp_path / "other", 9)
    foreign = wal(tmp_path / "other").read_bytes()
    timeline = lakes.make(tmp_path / "shop", 3)
    promise, before = timeline.checkpoint, wal(tmp_path / "shop").stat().st_size
    timeline.commit(lambda _head, _seq: lakes.Proposal("insert", {}, [foreign + b"and more"]))
    data = wal(tmp_path / "shop").read_bytes()
    (tmp_path / "shop" / layout.CHECKPOINT).write_text(promise, encoding="utf-8")
    wal(tmp_path / "shop").write_bytes(data[:-1])
    reopened = lakes.reopen(tmp_path / "shop")
    assert reopened.head.seq == 3
    lakes.fill(reopened, 1)
    assert before < wal(tmp_path / "shop").stat().st_size < len(data)
    assert [commit.seq for commit in lakes.reopen(tmp_path / "shop").commits()] == [*range(5)]


def test_a_later_intact_commit_makes_it_damage(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop", 2)
    promise = timeline.checkpoint
    lakes.fill(timeline, 2)
    data = bytearray(wal(tmp_path / "shop").read_bytes())
    (tmp_path / "shop" / layout.CHECKPOINT).write_text(promise, encoding="utf-8")
    third, fourth, _ = last_places(tmp_path / "shop", 2)
    for place in range(third, fourth, 5):
        data[place] ^= 0x41
        wal(tmp_path / "shop").write_bytes(data)
        with pytest.raises(CorruptError) as caught:
            # A record's objects are verified when they are read.
            lakes.reopen(tmp_path / "shop").object(lakes.digest(lakes.blob(3)), 3)
        assert caught.value.subject in {layout.segment(0), "commit 3"}, place
        data[place] ^= 0x41


def test_an_older_checkpoint_is_a_power_cuts_trace(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop", 2)
    old = timeline.checkpoint
    lakes.fill(timeline, 300)
    file = tmp_path / "shop" / layout.CHECKPOINT
    for text in (old, ""):
        file.write_text(text, encoding="utf-8")
        assert lakes.reopen(tmp_path / "shop", writable=False).head.seq == 302
    writer = lakes.reopen(tmp_path / "shop")
    lakes.fill(writer, 1)
    assert checkpoint.read(LocalStore(tmp_path / "shop"))[0].decode() == writer.checkpoint


def test_a_torn_checkpoint_never_shuts_a_lake(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop")
    file = tmp_path / "shop" / layout.CHECKPOINT
    checkpoint.write(LocalStore(tmp_path / "shop"), timeline.head.note, 3)
    data = file.read_bytes()
    for torn in (data[:100].ljust(512, b"x") + data[512:], data[:600].ljust(1024, b"x")):
        file.write_bytes(torn)
        assert lakes.reopen(tmp_path / "shop").head.seq == 0


def test_a_missing_checkpoint_is_damage(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop")
    file = tmp_path / "shop" / layout.CHECKPOINT
    file.unlink()
    assert lakes.reopen(tmp_path / "shop").head.seq == 0
    lakes.fill(timeline, 1)
    file.unlink()
    with pytest.raises(CorruptError) as caught:
        lakes.reopen(tmp_path / "shop")
    assert caught.value.subject == layout.CHECKPOINT


@pytest.mark.parametrize("path", [layout.FORMAT, layout.pack(0, 0), layout.segment(1)])
def test_a_missing_file_is_named(tmp_path: Path, path: str) -> None:
    lakes.make(tmp_path / "shop", 300).compact()
    (tmp_path / "shop" / path).unlink()
    with pytest.raises(CorruptError) as caught:
        lakes.answers(tmp_path / "shop")
    assert caught.value.subject in {path, layout.segment(0)}


def test_what_a_pack_replaced_may_still_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.timeline.compact.WIDTHS", (2, 4))
    timeline = lakes.make(tmp_path / "shop", 200)
    lakes.fill(timeline, 100)
    timeline.compact()
    shutil.copytree(tmp_path / "shop" / layout.LOG, tmp_path / "log")
    lakes.fill(timeline, 256)
    timeline.compact()
    good = lakes.answers(tmp_path / "shop")
    assert (tmp_path / "shop" / layout.pack(0, 1)).exists()
    assert not (tmp_path / "shop" / layout.pack(0, 0)).exists()
    for file in (tmp_path / "log").iterdir():
        if file.name != "checkpoint":
            shutil.copy(file, tmp_path / "shop" / layout.LOG)
    assert lakes.answers(tmp_path / "shop") == good
    timeline = lakes.reopen(tmp_path / "shop")
    timeline.compact()
    assert not (tmp_path / "shop" / layout.pack(0, 0)).exists()
    assert lakes.answers(tmp_path / "shop") == good


@pytest.mark.usefixtures("at_once")
def test_a_power_cut_at_any_write_of_a_seal(nearly_full: Path, tmp_path: Path) -> None:
    written = 0
    while True:
        path = tmp_path / f"cut{written}"
        shutil.copytree(nearly_full, path)
        timeline = open_with(FailingStore(path, after=written))
        acknowledged = 254
        try:
            for _ in range(4):
                acknowledged = timeline.commit(lakes.proposal).seq
        except PowerCut:
            pass
        else:
            break
        reopened = lakes.reopen(path)
        assert acknowledged <= reopened.head.seq <= acknowledged + 1
        lakes.fill(reopened, 5)
        if written % 3 == 0:
            assert [finding for finding in reopened.verify() if not finding.ok] == [], written
        shutil.rmtree(path)
        written += 1
    assert written > 8


@pytest.mark.parametrize("torn", [0, 1, 50, 300])
def test_a_power_cut_in_the_first_append_of_a_segment(
    nearly_full: Path, tmp_path: Path, torn: int
) -> None:
    shutil.copytree(nearly_full, tmp_path / "shop")
    lakes.fill(lakes.reopen(tmp_path / "shop"), 1)
    timeline = open_with(FailingStore(tmp_path / "shop", after=0, torn=torn))
    with pytest.raises(PowerCut):
        timeline.commit(lakes.proposal)
    assert wal(tmp_path / "shop", 1).stat().st_size == torn
    assert lakes.reopen(tmp_path / "shop", writable=False).state_at(255).count == 257
    timeline = lakes.reopen(tmp_path / "shop")
    assert timeline.head.seq == 255
    lakes.fill(timeline, 2)
    assert lakes.reopen(tmp_path / "shop").head.seq == 257
    assert all(finding.ok for finding in timeline.verify())


def test_a_power_cut_while_a_lake_is_made(tmp_path: Path) -> None:
    for written in range(10):
        path = tmp_path / f"cut{written}"
        store = FailingStore(path, after=written)
        try:
            Timeline.create(store, clock=lakes.TickingClock(), signer=lakes.SIGNER)
        except PowerCut:
            with pytest.raises((LakeError, CorruptError)):
                lakes.reopen(path)
            lakes.make(path, 1)
        assert lakes.reopen(path).head.seq in {0, 1}


def test_making_a_lake_never_removes_one(tmp_path: Path) -> None:
    lakes.make(tmp_path / "shop", 3)
    (tmp_path / "shop" / layout.FORMAT).unlink()
    before = {file: file.read_bytes() for file in lakes.files(tmp_path)}
    with pytest.raises(CorruptError, match="FORMAT"):
        lakes.make(tmp_path / "shop")
    assert {file: file.read_bytes() for file in lakes.files(tmp_path)} == before


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timeline = lakes.make(tmp_path / "shop", 2)
    before = wal(tmp_path / "shop").read_bytes()
    plain = os.pwrite
    for room in (0, 1, 100, 300):
        left = [room]

        def short(fd: int, data: memoryview, at: int, left: list[int] = left) -> int:
            if not left[0]:
                raise OSError(28, "No space left on device")
            written = plain(fd, data[: left[0]], at)
            left[0] -= written
            return written

        monkeypatch.setattr(os, "pwrite", short)
        with pytest.raises(IoError, match="No space left"):
            timeline.commit(lakes.proposal)
        monkeypatch.setattr(os, "pwrite", plain)
        assert wal(tmp_path / "shop").read_bytes() == before
        assert not list((tmp_path / "shop" / layout.TMP).iterdir())
    lakes.fill(timeline, 1)
    assert lakes.reopen(tmp_path / "shop").head.seq == 3


def test_a_disk_that_fills_after_the_commit_does_not_undo_it(
    nearly_full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(nearly_full, tmp_path / "shop")
    timeline = lakes.reopen(tmp_path / "shop")

    def refuse(*_: object) -> None:
        raise IoError("No space left on device")

    for name in ("replace", "put_many", "put"):
        monkeypatch.setattr(LocalStore, name, refuse)
    assert timeline.commit(lakes.proposal).seq == 255
    assert timeline.commit(lakes.proposal).seq == 256
    monkeypatch.undo()
    lakes.fill(timeline, 1)
    timeline.compact()
    assert lakes.reopen(tmp_path / "shop").head.seq == 257
    assert all(finding.ok for finding in timeline.verify())


def test_a_failed_sync_ends_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timeline = lakes.make(tmp_path / "shop", 2)

    def fail(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(DurabilityError):
        timeline.commit(lakes.proposal)
    monkeypatch.undo()
    with pytest.raises(DurabilityError):
        timeline.commit(lakes.proposal)
    assert timeline.head.seq == 2
    assert lakes.reopen(tmp_path / "shop").commit(lakes.proposal).seq == 3
