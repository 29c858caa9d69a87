"""Committing, following others, and asking about history."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from typing_extensions import override

from engine.errors import (
    CorruptError,
    LakeError,
    ReadOnlyError,
    UsageError,
)
from engine.objectstore import LocalStore, layout
from engine.proof import verify
from engine.proof.hashing import leaf_hash, root
from engine.proof.tree import verify_consistency, verify_inclusion
from engine.timeline import Head, Proposal, Signer, Timeline, load_or_create
from engine.timeline.proving import Prover
from tests.unit.timeline import lakes

LONG = 530
"""Commits of the long lake: two sealed segments and a part of a third."""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lake") / "shop"
    lakes.make(path, LONG)
    return path


def test_a_new_lake_has_its_first_commit(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop")
    assert timeline.head.seq == 0
    assert timeline.commit_at(0).op == "init"
    again = lakes.reopen(tmp_path / "shop")
    assert (again.head.root, again.db) == (timeline.head.root, timeline.db)
    assert again.head.state.root == timeline.head.state.root


def test_a_lake_is_made_once(tmp_path: Path) -> None:
    lakes.make(tmp_path / "shop")
    with pytest.raises(LakeError, match="already"):
        lakes.make(tmp_path / "shop")


def test_no_lake_here(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="not a lakehouse"):
        lakes.reopen(tmp_path)


def test_a_commit_reads_back(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop")
    seen: list[tuple[Head, int]] = []

    def build(head: Head, seq: int) -> Proposal:
        seen.append((head, seq))
        return Proposal(
            "CREATE TABLE",
            {"t/00000001": '{"name":"größe"}'.encode(), "s/old": None},
            [b"one", b"", b"one"],
            {"message": "naïve \N{SNOWMAN} \udcff"},
        )

    before = timeline.head
    commit = timeline.commit(build)
    assert seen == [(before, 1)]
    assert lakes.reopen(tmp_path / "shop").commit_at(1) == commit == timeline.commit_at(1)
    assert commit.changes == {"t/00000001": '{"name":"größe"}'.encode(), "s/old": None}
    assert commit.meta == {"message": "naïve \N{SNOWMAN} ?"}
    assert timeline.object(lakes.digest(b"one"), 1) == b"one"
    assert timeline.object(lakes.digest(b""), 1) == b""
    assert timeline.head.state.get("t/00000001") == commit.changes["t/00000001"]
    assert timeline.head.leaf_hash == commit.leaf_hash


def test_what_build_raises_leaves_nothing(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop", 2)
    before = {file: file.read_bytes() for file in lakes.files(tmp_path)}

    def build(_head: Head, _seq: int) -> Proposal:
        raise LookupError("no such table")

    with pytest.raises(LookupError):
        timeline.commit(build)
    assert {file: file.read_bytes() for file in lakes.files(tmp_path)} == before
    lakes.fill(timeline, 1)
    assert timeline.head.seq == 3


@pytest.mark.parametrize(
    "wrong",
    [
        Proposal("", {}),
        Proposal('a"b', {}),
        Proposal("insert", {"größe": b"1"}),
        Proposal("insert", {"": b"1"}),
        Proposal("insert", {"a": b"\xff"}),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path: Path, wrong: Proposal) -> None:
    timeline = lakes.make(tmp_path / "shop", 1)
    with pytest.raises(UsageError):
        timeline.commit(lambda _head, _seq: wrong)
    assert lakes.reopen(tmp_path / "shop").head.seq == 1


def test_time_only_moves_on(tmp_path: Path) -> None:
    clock = lakes.TickingClock(step=0)
    timeline = Timeline.create(LocalStore(tmp_path), clock=clock, signer=lakes.SIGNER)
    clock.now -= 10**9
    lakes.fill(timeline, 3)
    times = [commit.ts for commit in timeline.commits()]
    assert times == [times[0], times[0] + 1, times[0] + 2, times[0] + 3]


def test_reading_only(tmp_path: Path) -> None:
    lakes.make(tmp_path / "shop", 3)
    before = {file: file.read_bytes() for file in lakes.files(tmp_path)}
    reader = lakes.reopen(tmp_path / "shop", writable=False)
    lakes.answers(tmp_path / "shop")
    with pytest.raises(ReadOnlyError):
        reader.commit(lakes.proposal)
    with pytest.raises(ReadOnlyError):
        reader.put_object(b"data")
    assert {file: file.read_bytes() for file in lakes.files(tmp_path)} == before


def test_reading_loads_no_cryptography(tmp_path: Path) -> None:
    lakes.make(tmp_path / "shop", 3)
    program = (
        "import sys; from engine.timeline import Timeline;"
        "from engine.timeline.proving import Prover; from engine.objectstore import LocalStore;"
        "from engine.clock import SystemClock;"
        "t = Timeline.open(LocalStore(sys.argv[1]), clock=SystemClock()); Prover(t).commit(2);"
        "assert all(f.ok for f in t.verify()); print('cryptography' in sys.modules, t.head.seq)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "shop")],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.split() == ["False", "3"]


def test_handles_follow_each_other(tmp_path: Path) -> None:
    first = lakes.make(tmp_path / "shop")
    second = lakes.reopen(tmp_path / "shop")
    for number in range(1, 7):
        commit = (first, second)[number % 2].commit(lakes.proposal)
        assert commit.seq == number
    assert first.refresh().root == second.refresh().root
    assert first.refresh() is first.head


def test_a_handle_follows_across_segments(tmp_path: Path) -> None:
    first = lakes.make(tmp_path / "shop", 250)
    second, third = lakes.reopen(tmp_path / "shop"), lakes.reopen(tmp_path / "shop", writable=False)
    lakes.fill(first, 20)
    assert second.commit(lakes.proposal).seq == 271
    lakes.fill(first, 250)
    head = third.refresh()
    assert (head.seq, head.root) == (521, first.head.root)
    assert [commit.seq for commit in third.commits(200)] == list(range(201, 522))
    assert third.inclusion(3) == first.inclusion(3) == lakes.reopen(tmp_path / "shop").inclusion(3)
    assert lakes.reopen(tmp_path / "shop").head.state.root == first.head.state.root
    assert all(finding.ok for finding in first.verify())


def test_threads_share_a_handle(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop")
    mistakes: list[BaseException] = []
    done = threading.Event()

    def run(work: threading.Event | None) -> None:
        try:
            if work is None:
                lakes.fill(timeline, 25)
                return
            while not work.wait(0.002):
                head = timeline.refresh()
                assert timeline.state_at(head.seq // 2).count == head.seq // 2 + 2 - (head.seq < 2)
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            mistakes.append(error)

    writers = [threading.Thread(target=run, args=(None,)) for _ in range(4)]
    reader = threading.Thread(target=run, args=(done,))
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert mistakes == []
    assert timeline.head.seq == 100
    assert lakes.reopen(tmp_path / "shop").head.root == timeline.head.root


def test_a_forked_child_has_a_handle_of_its_own(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop", 2)
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                lakes.fill(timeline, 10)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    lakes.fill(timeline, 10)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert timeline.refresh().seq == 32
    assert all(finding.ok for finding in timeline.verify())


def test_a_fork_while_the_lock_is_held_does_not_keep_it(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop")
    children = []

    def build(head: Head, seq: int) -> Proposal:
        child = os.fork()
        if child == 0:
            sys.stdin.close()
            threading.Event().wait(2)
            os._exit(0)
        children.append(child)
        return lakes.proposal(head, seq)

    timeline.commit(build)
    other = lakes.reopen(tmp_path / "shop")
    assert other.commit(lakes.proposal, timeout=1).seq == 2
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_a_held_lock_is_reported(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop")
    other = LocalStore(tmp_path / "shop")
    with other.lock(1), pytest.raises(LakeError, match="another process") as caught:
        timeline.commit(lakes.proposal, timeout=0.05)
    assert caught.value.retryable
    assert timeline.commit(lakes.proposal).seq == 1


def test_long_history(long: Path) -> None:
    timeline = lakes.reopen(long, writable=False)
    commits = list(timeline.commits())
    hashes = [commit.leaf_hash for commit in commits]
    assert [commit.seq for commit in commits] == list(range(LONG + 1))
    assert root(hashes) == timeline.head.root
    for size in (1, 2, 255, 256, 257, 300, 511, 512, 513, LONG, LONG + 1):
        assert timeline.root_at(size) == root(hashes[:size])
        before, after = root(hashes[:size]), timeline.head.root
        verify_consistency(size, LONG + 1, before, after, timeline.consistency(size))
        for seq in {0, size // 2, size - 1}:
            path = timeline.inclusion(seq, size)
            verify_inclusion(seq, size, leaf_hash(commits[seq].leaf), path, before)


def test_state_of_the_past(long: Path) -> None:
    timeline = lakes.reopen(long, writable=False)
    for seq in (0, 1, 100, 255, 256, 400, 511, 512, LONG):
        state = timeline.state_at(seq)
        assert state.count == seq + 2 - (seq == 0)
        assert state.get("t/00000001") == (b'{"last":%d}' % seq if seq else None)
        assert len(list(state.items("f/00000001/"))) == seq


def test_commits_between(long: Path) -> None:
    timeline = lakes.reopen(long, writable=False)
    assert [commit.seq for commit in timeline.commits(253, 258)] == [254, 255, 256, 257, 258]
    assert [commit.seq for commit in timeline.commits(528)] == [529, 530]
    assert list(timeline.commits(LONG)) == []
    assert list(timeline.commits(5, 5)) == []


def test_the_commit_at_a_time(long: Path) -> None:
    timeline = lakes.reopen(long, writable=False)
    times = [commit.ts for commit in timeline.commits()]
    for seq in (0, 1, 254, 255, 256, 300, 511, 512, LONG):
        assert timeline.seq_at(times[seq]) == seq
        assert timeline.seq_at(times[seq] - 1) == seq - 1
    assert timeline.seq_at(times[-1] + 10**12) == LONG
    assert timeline.seq_at(0) == -1


@pytest.mark.parametrize("seq", [-1, LONG + 1, 10**9])
def test_a_commit_that_is_not_there(long: Path, seq: int) -> None:
    timeline = lakes.reopen(long, writable=False)
    prove = Prover(timeline).commit
    for ask in (timeline.state_at, timeline.commit_at, prove, timeline.inclusion):
        with pytest.raises(UsageError, match="there is no commit"):
            ask(seq)
    with pytest.raises(UsageError):
        timeline.consistency(seq + 2 if seq > 0 else 0)


def test_proofs_of_any_commit(long: Path) -> None:
    timeline = lakes.reopen(long, writable=False)
    for seq in (0, 255, 256, LONG):
        assert verify(Prover(timeline).commit(seq), timeline.vkey).leaf.seq == seq


def test_objects(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop", 2)
    data = os.urandom(100_000)
    name = timeline.put_object(memoryview(data))
    assert timeline.put_object(data) == name == lakes.digest(data)
    assert timeline.object(name, None) == data
    source = timeline.source(name, None)
    assert (source.size, source.read(10, 20), source.read(99_990, 50)) == (
        100_000,
        data[10:30],
        data[-10:],
    )
    path = tmp_path / "shop" / layout.data_object(name)
    stamp = source.stamp
    path.write_bytes(data[:-1] + b"x")
    assert source.stamp != stamp
    with pytest.raises(CorruptError) as caught:
        timeline.object(name, None)
    assert caught.value.subject == layout.data_object(name)
    assert timeline.put_object(data) == name
    assert timeline.object(name, None) == data
    path.unlink()
    for ask in (timeline.object, timeline.source):
        with pytest.raises(CorruptError, match="missing"):
            ask(name, None)


def test_inlined_objects(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop", 2)
    source = timeline.source(lakes.digest(lakes.blob(2)), 2)
    assert (source.size, source.read(0, 4)) == (len(lakes.blob(2)), b"rows")
    with pytest.raises(CorruptError, match="commit 1"):
        timeline.object(lakes.digest(lakes.blob(2)), 1)


def test_opening_costs_one_segment(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    plain = LocalStore.read

    def watched(self: LocalStore, path: str, offset: int = 0, length: int | None = None) -> bytes:
        read.append(path)
        return plain(self, path, offset, length)

    monkeypatch.setattr(LocalStore, "read", watched)
    lakes.reopen(long, writable=False)
    assert layout.segment(0) not in read
    assert len(read) < 16


def test_two_keys_may_write(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop", 1)
    other = load_or_create(tmp_path / "key")
    second = Timeline.open(LocalStore(tmp_path / "shop"), clock=lakes.TickingClock(), signer=other)
    second.commit(lakes.proposal)
    verify(Prover(second).commit(1), other.verifier_key(second.origin).text())
    first_key = timeline.vkey
    timeline.refresh()
    assert timeline.vkey == second.vkey != first_key
    lakes.fill(timeline, 1)
    assert timeline.vkey == first_key
    assert len(list(timeline.head.state.items("key/"))) == 2
    assert all(finding.ok for finding in timeline.verify())


class _Forger(Signer):
    """Names a key that it has not got."""

    def signature(self, message: bytes) -> bytes:
        return bytes(64) if b"\n2\n" in message else super().signature(message)


def test_what_nobody_signed_is_neither_read_nor_built_upon(tmp_path: Path) -> None:
    writer = lakes.make(tmp_path / "shop")
    reader = lakes.reopen(tmp_path / "shop", writable=False)
    store, clock = LocalStore(tmp_path / "shop"), lakes.TickingClock()
    forger = Timeline.open(store, clock=clock, signer=_Forger(bytes(range(32))))
    lakes.fill(forger, 1)
    for _ in range(2):
        with pytest.raises(CorruptError, match="signature is false"):
            reader.refresh()
        with pytest.raises(CorruptError, match="signature is false"):
            writer.commit(lakes.proposal)
        with pytest.raises(CorruptError, match="signature is false"):
            lakes.reopen(tmp_path / "shop")
    lakes.fill(forger, 1)
    assert reader.refresh().seq == 2, "it is the log's owner who signed, after all"


def test_a_log_that_was_exchanged_is_refused_each_time(tmp_path: Path) -> None:
    lakes.make(tmp_path / "shop", 10)
    shutil.copytree(tmp_path / "shop", tmp_path / "fork")
    lakes.fill(lakes.reopen(tmp_path / "shop"), 2)
    reader = lakes.reopen(tmp_path / "shop", writable=False)
    other = Timeline.open(
        LocalStore(tmp_path / "fork"), clock=lakes.TickingClock(9 << 50), signer=lakes.SIGNER
    )
    lakes.fill(other, 600)
    other.compact()
    shutil.rmtree(tmp_path / "shop")
    (tmp_path / "fork").rename(tmp_path / "shop")
    for _ in range(3):
        with pytest.raises(CorruptError):
            reader.refresh()


def test_a_reader_that_is_overtaken_sees_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = lakes.make(tmp_path / "shop", 250)
    reader = lakes.reopen(tmp_path / "shop", writable=False)
    lakes.fill(writer, 1)
    plain = reader.store.read

    def overtaken(path: str, offset: int = 0, length: int | None = None) -> bytes:
        data = plain(path, offset, length)
        if writer.head.seq < 260:
            lakes.fill(writer, 10)
        return data

    monkeypatch.setattr(reader.store, "read", overtaken)
    reader.refresh()
    assert reader.refresh().seq == writer.head.seq == 261


def test_the_key_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key"
    signer = load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create(path).verifier_key("a") == signer.verifier_key("a")
    assert [file.name for file in path.parent.iterdir()] == ["key"]
    path.chmod(0o644)
    with pytest.raises(UsageError, match="others may read"):
        load_or_create(path)
    path.chmod(0o600)
    path.write_text("ed25519 nonsense\n")
    with pytest.raises(CorruptError):
        load_or_create(path)


def test_a_newer_lake_is_refused(tmp_path: Path) -> None:
    from engine.proof.canonical import canonical

    lakes.make(tmp_path / "shop")
    file = tmp_path / "shop" / "FORMAT"
    for fields in ({"flags": ["x"], "version": 1}, {"flags": [], "version": 2}):
        line = canonical({**fields, "format": "grizzly-lakehouse", "id": "0" * 32}) + b"\n"
        file.write_bytes(line + f"sha256 {lakes.digest(line)}\n".encode())
        with pytest.raises(LakeError, match="newer"):
            lakes.reopen(tmp_path / "shop")


def test_the_format_file_is_the_documented_one(tmp_path: Path) -> None:
    lakes.make(tmp_path / "shop")
    first, second = (tmp_path / "shop" / "FORMAT").read_bytes().splitlines(keepends=True)
    assert first == (
        b'{"flags":[],"format":"grizzly-lakehouse","id":"0123456789abcdef0123456789abcdef",'
        b'"version":1}\n'
    )
    assert second == f"sha256 {lakes.digest(first)}\n".encode()


def test_commits_are_deterministic(tmp_path: Path) -> None:
    for name in "ab":
        lakes.make(tmp_path / name, 5)
    pairs = zip(lakes.files(tmp_path / "a"), lakes.files(tmp_path / "b"), strict=True)
    assert all(one.read_bytes() == two.read_bytes() for one, two in pairs)


def test_a_copied_lake_goes_on(long: Path, tmp_path: Path) -> None:
    shutil.copytree(long, tmp_path / "copy")
    timeline = lakes.reopen(tmp_path / "copy")
    assert timeline.commit(lakes.proposal).seq == LONG + 1
    verify_consistency(
        LONG + 1,
        LONG + 2,
        timeline.root_at(LONG + 1),
        timeline.head.root,
        timeline.consistency(LONG + 1),
    )


class _Counting(LocalStore):
    """A store that counts the bytes that are read from it."""

    count = 0

    @override
    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        data = super().read(path, offset, length)
        self.count += len(data)
        return data


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.97, 0.999])
def test_a_damaged_pack_makes_no_read_dearer_than_the_pack(
    long: Path, tmp_path: Path, share: float
) -> None:
    shutil.copytree(long, tmp_path / "shop")
    lakes.reopen(tmp_path / "shop").compact()
    pack = min((tmp_path / "shop" / "log").glob("*.pack"))
    data = bytearray(pack.read_bytes())
    data[int(len(data) * share)] ^= 1
    pack.write_bytes(data)
    store = _Counting(tmp_path / "shop", writable=False)
    try:
        timeline = Timeline.open(store, clock=lakes.TickingClock())
    except CorruptError:
        return
    for seq in range(0, LONG, 7):
        store.count = 0
        for ask in (timeline.commit_at, timeline.inclusion):
            with suppress(CorruptError):
                ask(seq)
        assert store.count < 2 * len(data)
