"""A bundle proves its commit, and nothing once any byte of it changed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.proof import ProofError, verify
from engine.proof.__main__ import main
from engine.proof.canonical import canonical
from engine.proof.note import VerifierKey
from engine.timeline import Signer
from engine.timeline.proving import Prover
from tests.unit.proof.mutation import rejects, survivors
from tests.unit.timeline import lakes


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str]:
    timeline = lakes.make(tmp_path_factory.mktemp("lake") / "shop", 9)
    return Prover(timeline).commit(3), timeline.vkey


def test_a_bundle_proves_its_commit(made: tuple[bytes, str]) -> None:
    report = verify(*made)
    assert report.leaf is not None
    assert (report.leaf.seq, report.leaf.op, report.size) == (3, "insert", 10)
    assert report.facts == {"meta": {"author": "Ann", "message": "commit 3"}}
    assert report.pinned
    assert not verify(made[0]).pinned


def test_no_byte_can_change(made: tuple[bytes, str]) -> None:
    assert survivors(made[0]) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("path", None),
        ("path", ["00"]),
        ("path", 1),
        ("path", ""),
        ("leaf", 3),
        ("leaf", {}),
        ("leaf", []),
        ("meta", None),
        ("meta", {"author": 3}),
        ("kind", "state"),
        ("kind", []),
        ("v", "grizzly-proof/2"),
        ("note", "extra"),
        ("witnesses", []),
        ("witnesses", ["x"]),
        ("vkey", 1),
        ("checkpoint", 1),
    ],
)
def test_other_fields_are_refused(made: tuple[bytes, str], field: str, value: object) -> None:
    fields = json.loads(made[0])
    fields[field] = value
    assert rejects(canonical(fields) + b"\n")


def test_other_spellings_are_refused(made: tuple[bytes, str]) -> None:
    assert rejects(json.dumps(json.loads(made[0])).encode() + b"\n")
    assert rejects(made[0].replace(b"commit 3", b"commit \\u0033"))


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}\n", b"[]\n", b"nul\n", b"\xff\n", b"[" * 9999 + b"\n"]
)
def test_anything_else_is_refused(data: bytes) -> None:
    assert rejects(data)


def test_a_bundle_of_another_key_is_false_when_the_key_is_pinned(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop", 2)
    other = Signer(b"x" * 32).verifier_key(timeline.origin).text()
    with pytest.raises(ProofError, match="another key"):
        verify(Prover(timeline).commit(1), other)


def test_the_command(
    made: tuple[bytes, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "proof.json"
    file.write_bytes(made[0])
    assert main([str(file), "--key", made[1]]) == 0
    assert "verified: commit 3 (insert)" in capsys.readouterr().out
    assert main([str(file)]) == 0
    assert "--key" in capsys.readouterr().out
    assert main([str(tmp_path / "missing.json")]) == 2
    assert main([str(file), "--policy", str(tmp_path / "missing")]) == 2
    assert main([str(file), "--policy", str(file)]) == 2
    assert main([str(file), "--key", "other"]) == 2
    assert "not a verifier key" in capsys.readouterr().err
    stranger = VerifierKey(made[1].partition("+")[0], bytes(32)).text()
    assert main([str(file), "--key", stranger]) == 5
    file.write_bytes(made[0].replace(b'"seq":3', b'"seq":4'))
    assert main([str(file)]) == 5
    assert "the proof is false" in capsys.readouterr().err


def test_the_command_needs_the_standard_library_alone(
    made: tuple[bytes, str], tmp_path: Path
) -> None:
    file = tmp_path / "proof.json"
    file.write_bytes(made[0])
    root = Path(__file__).parents[3]
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "from engine.proof.__main__ import main\n"
        "code = main(sys.argv[1:])\n"
        "roots = ('grammar', 'cryptography', 'pyarrow')\n"
        "bad = [name for name in sys.modules if name.split('.')[0] in roots\n"
        "       or (name.startswith('engine.') and not name.startswith('engine.proof'))]\n"
        "sys.exit(repr(bad) if bad else code)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(root), str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
