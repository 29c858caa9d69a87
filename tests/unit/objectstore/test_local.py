"""The local store: whole files, appends, the lock, errors."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from engine.errors import IoError, LakeError, ReadOnlyError
from engine.objectstore import LocalStore, layout

if TYPE_CHECKING:
    from pathlib import Path


def test_whole_files(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("objects/ab/one", b"1")
    store.put_many([("objects/ab/two", memoryview(b"22")), ("state/x", b"")])
    store.replace("log/checkpoint", b"old")
    store.replace("log/checkpoint", b"new")
    assert store.read("objects/ab/two") == b"22"
    assert store.read("log/checkpoint") == b"new"
    assert store.read("state/x") == b""
    assert (store.size("objects/ab/two"), store.size("objects/none"), store.size("x/y")) == (
        2,
        None,
        None,
    )
    assert list(store.list("objects")) == ["objects/ab/one", "objects/ab/two"]
    assert list(store.list("nowhere")) == []
    store.remove("state/x")
    store.remove("state/x")
    assert store.size("state/x") is None
    assert not list((tmp_path / layout.TMP).iterdir())


def test_put_mends_what_differs(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("a", b"good")
    before = store.stamp("a")
    store.put("a", b"good")
    assert store.stamp("a") == before
    (tmp_path / "a").write_bytes(b"goof")
    store.put("a", b"good")
    assert store.read("a") == b"good"


def test_parts(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("a", bytes(range(100)))
    assert store.read("a", 90) == bytes(range(90, 100))
    assert store.read("a", 10, 5) == bytes(range(10, 15))
    assert store.read("a", 95, 50) == bytes(range(95, 100))
    assert store.read("a", 200, 5) == b""
    source = store.source("a")
    assert (source.name, source.size, source.read(3, 2)) == ("a", 100, b"\x03\x04")
    with pytest.raises(IoError, match="missing"):
        _ = store.source("missing").size


def test_appends_go_to_the_known_end(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.append("log/a", b"one", 0)
    store.append("log/a", b"two", 3)
    for wrong in (0, 5, 7):
        with pytest.raises(IoError, match="were expected"):
            store.append("log/a", b"x", wrong)
    assert store.read("log/a") == b"onetwo"
    store.truncate("log/a", 4)
    assert store.read("log/a") == b"onet"


def test_refusals_are_errors_of_ours(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    for refused in (
        lambda: store.read("missing"),
        lambda: store.put("file/below", b""),
        lambda: store.append("file/below", b"x", 0),
        lambda: store.truncate("missing", 0),
        lambda: store.sync("missing"),
    ):
        with pytest.raises(IoError) as caught:
            refused()
        assert caught.value.subject


def test_a_store_for_reading_writes_nothing(tmp_path: Path) -> None:
    LocalStore(tmp_path).put("a", b"1")
    store = LocalStore(tmp_path, writable=False)
    for refused in (
        lambda: store.put("a", b"2"),
        lambda: store.replace("a", b"2"),
        lambda: store.append("a", b"2", 1),
        lambda: store.truncate("a", 0),
        lambda: store.remove("a"),
        lambda: store.lock(1).__enter__(),
    ):
        with pytest.raises(ReadOnlyError):
            refused()
    assert store.read("a") == b"1"


def test_the_lock_excludes_threads_and_processes(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with store.lock(1):
        with pytest.raises(LakeError), LocalStore(tmp_path).lock(0.01):
            pass
        program = (
            "import sys; from engine.objectstore import LocalStore; "
            "from engine.errors import LakeError\n"
            "try:\n    LocalStore(sys.argv[1]).lock(0.01).__enter__()\n"
            "except LakeError: sys.exit(7)"
        )
        done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
        assert done.returncode == 7
    waited = threading.Thread(target=lambda: store.lock(5).__enter__())
    with store.lock(1):
        waited.start()
    waited.join(5)
    assert not waited.is_alive()


def test_the_lock_is_let_go_by_an_error(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with pytest.raises(ValueError, match="mine"), store.lock(1):
        raise ValueError("mine")
    with store.lock(0.01):
        assert (tmp_path / layout.LOCK).exists()


def test_paths_of_the_log_are_read_back() -> None:
    assert layout.parse_segment(layout.segment(70)) == 70
    assert layout.parse_pack(layout.pack(16, 31)) == (16, 31)


@pytest.mark.parametrize("path", ["log/1.wal", "log/00000001.idx", "log/00000001.pack", "x"])
def test_other_spellings_are_nothing_of_the_log(path: str) -> None:
    assert layout.parse_segment(path) is None
    assert layout.parse_pack(path) is None
