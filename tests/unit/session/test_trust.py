"""Keys that follow each other, pins that hold, and witnesses who sign nothing twice."""

from __future__ import annotations

import base64
import contextlib
import shutil
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

import pytest

from engine import config
from engine.clock import SystemClock
from engine.errors import GrizzlyError, LakeError, UsageError, VerificationError
from engine.proof import ProofError, verify
from engine.proof.cosignature import WitnessKey, parse_policy, split
from engine.session import connect, create_lake
from engine.session.proving import cosigned, keys, pins
from engine.session.proving.witness import Reply, Witness, request, serve
from engine.timeline import load_or_create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.session import Session


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of their own for each test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    path = tmp_path / "shop"
    create_lake(path)
    put(path, "CREATE TABLE t (id INT PRIMARY KEY)")
    return path


def put(path: Path, *texts: str) -> int:
    with opened(path) as session:
        for text in texts:
            list(session.run(text))
        return session.timeline.head.seq


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Session]:
    session = connect(path, guarded=True)
    try:
        yield session
    finally:
        session.close()


def test_a_folder_that_is_rolled_back_is_refused(lake: Path, tmp_path: Path) -> None:
    shutil.copytree(lake, tmp_path / "old")
    put(lake, "INSERT INTO t VALUES (1)")
    shutil.rmtree(lake)
    shutil.copytree(tmp_path / "old", lake)
    with pytest.raises(VerificationError, match="rolled back: it has 2 commits"):
        put(lake)
    put(tmp_path / "old")
    connect(lake).close()
    timeline = connect(lake).timeline
    assert [pin.remove() for pin in pins.pins(timeline, lake)] == [False, True]
    put(lake, "INSERT INTO t VALUES (2)")


def test_a_fork_is_refused(lake: Path, tmp_path: Path) -> None:
    shutil.copytree(lake, tmp_path / "old")
    put(lake, "INSERT INTO t VALUES (1)")
    put(tmp_path / "old", "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (3)")
    shutil.rmtree(lake)
    shutil.copytree(tmp_path / "old", lake)
    with pytest.raises(VerificationError, match="forked: its first 3 commits"):
        put(lake)


def test_a_pin_of_the_log_holds_everywhere(lake: Path, tmp_path: Path) -> None:
    shutil.copytree(lake, tmp_path / "old")
    with opened(lake) as session:
        list(session.run("INSERT INTO t VALUES (1)"))
        pins.pins(session.timeline, lake)[0].make(session.timeline)
    with pytest.raises(VerificationError, match="rolled back"):
        put(tmp_path / "old")
    shutil.copytree(lake, tmp_path / "copy")
    put(tmp_path / "copy", "INSERT INTO t VALUES (5)")
    with pytest.raises(VerificationError, match="rolled back"):
        put(lake)


def test_a_pin_is_cheap(lake: Path) -> None:
    with opened(lake) as session:
        found = []
        for _ in range(50):
            started = time.perf_counter()
            pins.check(session.timeline, lake)
            found.append(time.perf_counter() - started)
    assert sorted(found)[25] < 0.005


def test_a_pin_outlives_a_torn_write_and_stays_small(lake: Path) -> None:
    with opened(lake) as session:
        held = pins.pins(session.timeline, lake)[1]
        with held.path.open("ab") as file:
            file.write(session.timeline.head.note[:40])
        for number in range(60):
            list(session.run(f"INSERT INTO t VALUES ({number})"))
            held.advance(session.timeline)
            found = held.read()
            assert found is not None
            assert found.size == session.timeline.head.seq + 1
            assert held.path.stat().st_size < 9_000


def test_a_damaged_pin_is_named(lake: Path) -> None:
    with opened(lake) as session:
        held = pins.pins(session.timeline, lake)[1]
    held.path.write_bytes(b"no pin")
    with pytest.raises(GrizzlyError, match="is not a pin"):
        put(lake)


def test_a_key_follows_another(lake: Path) -> None:
    with opened(lake) as session:
        origin, before = session.timeline.origin, session.timeline.vkey
        keys.trust(before)
        kept, evidence = keys.rotate(session.timeline, SystemClock())
    assert kept.exists()
    assert load_or_create(kept).verifier_key(origin).text() == before
    report = verify(evidence, before)
    with pytest.raises(VerificationError, match="not trusted"):
        put(lake)
    after = keys.trust_successor(evidence)
    assert after in report.facts["entries"][f"key/{after.split('+')[1]}"]
    with opened(lake) as session:
        first, second = keys.announced(session.timeline)
        assert (first.vkey, first.reason, first.until) == (before, "rotated", 2)
        assert (second.vkey, second.by, second.until) == (after, first.id, None)
        assert session.timeline.vkey == after
        assert all(finding.ok for finding in session.verify())


def test_a_retired_key_signs_no_more(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(lake) as session:
        kept, _ = keys.rotate(session.timeline, SystemClock())
    monkeypatch.setenv("GRIZZLY_KEY", str(kept))
    with pytest.raises(UsageError, match="was retired"):
        put(lake, "INSERT INTO t VALUES (1)")


def test_a_key_is_revoked_by_another(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(lake) as session:
        (first,) = keys.announced(session.timeline)
        with pytest.raises(UsageError, match="cannot revoke itself"):
            keys.revoke(session.timeline, SystemClock(), first.id)
    keys.create(tmp_path / "other.key")
    with pytest.raises(UsageError, match="is there already"):
        keys.create(tmp_path / "other.key")
    monkeypatch.setenv("GRIZZLY_KEY", str(tmp_path / "other.key"))
    with opened(lake) as session:
        keys.revoke(session.timeline, SystemClock(), first.id)
        with pytest.raises(UsageError, match="revoked already"):
            keys.revoke(session.timeline, SystemClock(), first.id)
        with pytest.raises(UsageError, match="no key"):
            keys.revoke(session.timeline, SystemClock(), "00000000")
        assert keys.announced(session.timeline)[0].reason == "revoked"
    assert all(finding.ok for finding in connect(lake).verify())


def test_trusting_needs_a_trusted_signer(lake: Path) -> None:
    with opened(lake) as session:
        _, evidence = keys.rotate(session.timeline, SystemClock())
        commit = session.proofs.commit(0)
    with pytest.raises(VerificationError, match="not trusted"):
        keys.trust_successor(evidence)
    with pytest.raises(VerificationError, match="false"):
        keys.trust_successor(evidence[:-2] + b"\n")
    keys.trust(verify(commit).vkey)
    with pytest.raises(VerificationError, match="announces no key"):
        keys.trust_successor(commit)
    with pytest.raises(UsageError, match="not a verifier key"):
        keys.trust("x")


@pytest.fixture
def witness(tmp_path: Path, lake: Path) -> Witness:
    made = Witness.create(tmp_path / "witness", "example.org/w1", SystemClock())
    made.watch(connect(lake).timeline.vkey)
    return made


def test_a_witness_signs_what_grew(lake: Path, witness: Witness, tmp_path: Path) -> None:
    with opened(lake) as session:
        first = cosigned.ask(session.timeline, witness.key.text(), witness.add_checkpoint)
        assert first.size == 2
        list(session.run("INSERT INTO t VALUES (1)"))
        second = cosigned.ask(session.timeline, witness.key.text(), witness.add_checkpoint)
        assert second.size == 3
        other = Witness.create(tmp_path / "w2", "example.org/w2", SystemClock())
        with pytest.raises(UsageError, match="does not watch"):
            cosigned.ask(session.timeline, other.key.text(), other.add_checkpoint)
        other.watch(session.timeline.vkey)
        both = cosigned.ask(session.timeline, other.key.text(), other.add_checkpoint)
        assert len(both.witnesses) == 2
        assert cosigned.ask(session.timeline, other.key.text(), other.add_checkpoint).size == 3
        for wanted, ok in ((1, True), (2, True), ("all", True)):
            text = policy(session.timeline.vkey, [witness.key, other.key], wanted)
            assert (cosigned.require(session.timeline, parse_policy(text))[0] == 3) is ok
        data = session.proofs.cosigned().commit(2)
        rules = parse_policy(policy(session.timeline.vkey, [witness.key, other.key], 2))
        assert len(verify(data, policy=rules).witnesses) == 2
        third = WitnessKey("example.org/w3", bytes(32))
        for names in ([third], [witness.key, other.key, third]):
            more = parse_policy(policy(session.timeline.vkey, names, "all"))
            with pytest.raises(ProofError, match="cosignatures that the policy wants"):
                verify(data, policy=more)
            with pytest.raises(VerificationError, match="not met"):
                cosigned.require(session.timeline, more)


def policy(vkey: str, witnesses: list[WitnessKey], wanted: object) -> str:
    names = [f"w{n}" for n in range(len(witnesses))]
    lines = [
        f"log {vkey}",
        *(f"witness {n} {w.text()}" for n, w in zip(names, witnesses, strict=True)),
    ]
    return "\n".join([*lines, f"group g {wanted} {' '.join(names)}", "quorum g"]) + "\n"


def test_a_witness_refuses_rollback_and_fork(lake: Path, witness: Witness, tmp_path: Path) -> None:
    shutil.copytree(lake, tmp_path / "old")
    shutil.copytree(lake, tmp_path / "fork")
    put(lake, "INSERT INTO t VALUES (1)")
    put(tmp_path / "fork", "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (3)")
    with opened(lake) as session:
        cosigned.ask(session.timeline, witness.key.text(), witness.add_checkpoint)
    seen = witness.last(session.timeline.origin)
    for folder, what in (("old", "rolled back"), ("fork", "another history")):
        with (
            contextlib.closing(connect(tmp_path / folder)) as other,
            pytest.raises(VerificationError, match=what),
        ):
            cosigned.ask(other.timeline, witness.key.text(), witness.add_checkpoint)
    assert witness.last(session.timeline.origin) == seen
    (config.config_dir() / "policy").write_text(
        policy(session.timeline.vkey, [witness.key], "any"), encoding="utf-8"
    )
    put(lake)
    shutil.rmtree(config.state_dir() / "pins")
    for folder, what in (("old", "rolled back"), ("fork", "fork of the one")):
        with pytest.raises(VerificationError, match=what):
            put(tmp_path / folder)
    shutil.rmtree(config.state_dir() / "cosigned")
    with pytest.raises(VerificationError, match="none of this log are known"):
        put(lake)


def test_what_a_witness_answers(lake: Path, witness: Witness) -> None:
    """The statuses of C2SP tlog-witness."""
    with opened(lake) as session:
        timeline = session.timeline
        note = timeline.head.note
        statuses = [
            witness.add_checkpoint(body).status
            for body in (
                b"",
                b"old x\n\n" + note,
                b"old 0\n" + note,
                request(9, [], note),
                request(0, [bytes(32)], note),
                request(1, [], note),
                request(0, [], note.replace(b"\n2\n", b"\n3\n")),
                request(0, [], note),
                request(0, [], note),
                request(2, [], note),
            )
        ]
        assert statuses == [400, 400, 400, 400, 422, 409, 403, 200, 409, 200]
        list(session.run("INSERT INTO t VALUES (1)"))
        head = timeline.refresh()
        assert witness.add_checkpoint(request(2, [bytes(32)], head.note)).status == 422
        assert witness.add_checkpoint(request(0, [], head.note)) == Reply(
            409, "2\n", "text/x.tlog.size"
        )
        proof = timeline.consistency(2, 3)
        line = witness.add_checkpoint(request(2, proof, head.note)).text
        assert split((head.note + line.encode()).decode())[1][0].name == "example.org/w1"
        assert base64.b64encode(proof[0]).decode() in request(2, proof, head.note).decode("utf-8")


def test_a_witness_over_http(lake: Path, witness: Witness) -> None:
    with serve(witness, 0) as server, opened(lake) as session:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            post = cosigned.over_http(f"http://127.0.0.1:{server.server_port}/")
            vkey = witness.key.text()
            assert cosigned.ask(session.timeline, vkey, post).size == 2
            list(session.run("INSERT INTO t VALUES (1)"))
            assert cosigned.ask(session.timeline, vkey, post).size == 3
        finally:
            server.shutdown()
            thread.join()
    with pytest.raises(UsageError, match="not the address"):
        cosigned.over_http("file:///etc/passwd")


def test_a_witness_outlives_connections_that_break_off_and_a_folder_that_is_gone(
    witness: Witness, lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 300\r\n\r\nabc"
    with serve(witness, 0) as server, opened(lake) as session:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            for _ in range(5):
                with socket.create_connection(("127.0.0.1", server.server_port)) as broken:
                    broken.sendall(text)
                    broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            (tmp_path / "witness" / "lock").mkdir()
            post = cosigned.over_http(f"http://127.0.0.1:{server.server_port}")
            assert post(request(0, [], session.timeline.head.note)).status == 500
        finally:
            server.shutdown()
            thread.join()
    assert capsys.readouterr().err == ""


def test_a_folder_is_no_witness(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="is not a witness"):
        Witness(tmp_path, SystemClock())
    with pytest.raises(UsageError, match="name"):
        Witness.create(tmp_path / "w", "a b", SystemClock())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quorum none",
        "log x\nquorum none",
        "log {0}\nquorum w",
        "log {0}\nwitness w {1}\nwitness w {1}\nquorum w",
        "log {0}\nwitness w {1}\nwitness v {1}\nquorum w",
        "log {0}\nwitness w {1}\ngroup g 2 w\nquorum g",
        "log {0}\nwitness w {1}\ngroup g 1 v\nquorum g",
        "log {0}\nwitness w {1}\ngroup g 0 w\nquorum g",
        "log {0}\nwitness none {1}\nquorum none",
        "log {0}\nquorum none\nquorum none",
        "log {0}\nnonsense\nquorum none",
    ],
)
def test_a_policy_that_is_none(text: str, lake: Path) -> None:
    log, name = connect(lake).timeline.vkey, WitnessKey("w", bytes(32)).text()
    with pytest.raises(ProofError):
        parse_policy(text.format(log, name))
