"""The commands for proofs, keys, witnesses and pins, on a real lakehouse."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from engine.proof.note import VerifierKey
from grizzly_cli.__main__ import run

if TYPE_CHECKING:
    from pathlib import Path


class Typed:
    """The program as it is typed, in a folder with a lakehouse."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *words: str, status: int = 0) -> str:
        code = run([*words])
        out, err = self._capsys.readouterr()
        assert code == status, err
        return out + err


@pytest.fixture
def grizzly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    for name in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)
    typed = Typed(tmp_path, capsys)
    typed("init", "shop")
    monkeypatch.chdir(tmp_path / "shop")
    typed("query", "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    return typed


def test_each_kind_of_proof_is_written_and_verified(grizzly: Typed) -> None:
    kinds = {
        ("--commit", "1"): "commit 1 is in the timeline",
        ("--consistency", "1", "2"): "2 earlier logs",
        ("--table", "t"): "table main.t is 1 files, all shown",
        ("--changes", "t", "--since", "1"): "1 changed entries, all shown",
        ("--row", "t", "--key", "1"): "a row of table main.t",
        ("--absent", "t", "--key", "2"): "no row with the key",
        ("--state", "blob/x", "--at", "1"): "of the state after commit 1",
    }
    for words, said in kinds.items():
        grizzly("prove", *words, "-o", "p.json")
        assert said in grizzly("verify", "p.json")
    vkey = grizzly("key", "export").strip()
    assert "signed by the expected key" in grizzly("verify", "p.json", "--key", vkey)
    assert "not a verifier key" in grizzly("verify", "p.json", "--key", "x", status=2)
    stranger = VerifierKey(vkey.partition("+")[0], bytes(32)).text()
    grizzly("verify", "p.json", "--key", stranger, status=5)


def test_what_prove_does_not_take(grizzly: Typed) -> None:
    for words in (
        "",
        "--commit 1 --table t",
        "--commit 1 --at 1",
        "--row t",
        "--table t --key 1",
        "--changes t",
        "--table t --since 1",
        "--table t --at never",
        "--commit 1 --cosigned",
    ):
        assert "error[" in grizzly("prove", *words.split(), status=2)


def test_ways_to_verify(grizzly: Typed) -> None:
    for words in (["--deep"], ["--since", "1"], ["--sample", "50%"], ["--table", "t", "--deep"]):
        assert "nothing is wrong" in grizzly("verify", *words)
    grizzly("verify", "--sample", "x", status=2)
    grizzly("prove", "--commit", "1", "-o", "p.json")
    assert "do not go with a file" in grizzly("verify", "p.json", "--deep", status=2)


def test_keys(grizzly: Typed) -> None:
    vkey = grizzly("key", "export").strip()
    assert vkey in grizzly("key", "show")
    grizzly("key", "trust", vkey)
    assert grizzly("key", "trust").strip() == vkey
    grizzly("key", "new", "next.key")
    assert "signed from now on by" in grizzly("key", "rotate", "--to", "next.key", "-o", "r.json")
    assert "not trusted" in grizzly("query", "FROM t", status=5)
    grizzly("key", "trust", "--rotation", "r.json")
    grizzly("query", "INSERT INTO t VALUES (2)")
    listed = grizzly("key", "list", "-F", "csv")
    assert listed.count("true") == 2
    assert "rotated" in listed
    grizzly("key", "revoke", vkey.split("+")[1])
    assert "revoked" in grizzly("key", "list", "-F", "csv")
    grizzly("key", "trust", "--remove", vkey)
    grizzly("key", "trust", "--remove", vkey, status=2)
    grizzly("key", "trust", "--remove", status=2)
    assert "nothing is wrong" in grizzly("verify")


def test_witnesses(grizzly: Typed) -> None:
    name = grizzly("witness", "init", "w", "--name", "example.org/w").strip()
    vkey = grizzly("key", "export").strip()
    assert "refused" in grizzly("witness", "ask", "w", status=2)
    grizzly("witness", "watch", "w", vkey)
    assert "3 commits cosigned by 1 witness" in grizzly("witness", "ask", "w", "-o", "note")
    (grizzly.folder / "shop" / "policy").write_text(
        f"log {vkey}\nwitness w {name}\nquorum w\n", encoding="utf-8"
    )
    assert "3 commits cosigned by w" in grizzly("verify", "--policy", "policy")
    grizzly("prove", "--commit", "1", "--cosigned", "-o", "p.json")
    assert f"cosigned by {name}" in grizzly("verify", "p.json", "--policy", "policy")
    grizzly("prove", "--commit", "1", "-o", "bare.json")
    assert "cosignatures" in grizzly("verify", "bare.json", "--policy", "policy", status=5)
    assert "needs --key" in grizzly("witness", "ask", "http://localhost:1", status=2)
    grizzly("witness", "ask", "http://127.0.0.1:1", "--key", name, status=3)
    grizzly("witness", "serve", "nowhere", status=3)


def test_pins(grizzly: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, old = grizzly.folder / "shop", grizzly.folder / "old"
    shutil.copytree(lake, old)
    grizzly("query", "INSERT INTO t VALUES (3)")
    assert "this folder,4" in grizzly("pin", "--show", "-F", "csv")
    monkeypatch.chdir(grizzly.folder)
    grizzly("-d", "old", "query", "FROM t")
    shutil.rmtree(lake)
    shutil.copytree(old, lake)
    said = grizzly("-d", "shop", "query", "FROM t", status=5)
    assert "rolled back: it has 3 commits" in said
    assert "pin --remove" in said
    assert "forgot 1 pin" in grizzly("-d", "shop", "pin", "--remove")
    grizzly("-d", "shop", "query", "INSERT INTO t VALUES (4)")
    assert "pinned 4 commits" in grizzly("-d", "shop", "pin")
    assert "rolled back" in grizzly("-d", "old", "query", "FROM t", status=5)
    grizzly("-d", "shop", "pin", "--show", "--remove", status=2)
