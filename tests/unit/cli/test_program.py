"""The program as a process: start-up, signals, pipes, terminals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from grizzly_cli import __version__
from grizzly_cli.__main__ import _SHORT
from grizzly_cli.app import tree
from grizzly_cli.options import GLOBALS, hoist

ROOT = Path(__file__).resolve().parents[3]
HEAVY = {"sqlglot", "prompt_toolkit", "pyarrow", "duckdb", "numpy", "pygments", "rich"}
CHECK = """
import sys
from grizzly_cli.__main__ import run
code = run(sys.argv[1:])
print("\\n" + " ".join(sorted({name.partition(".")[0] for name in sys.modules})), code)
"""


def modules_after(*argv: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", CHECK, *argv], capture_output=True, text=True, check=True, cwd=ROOT
    )
    *names, code = done.stdout.splitlines()[-1].split()
    assert code == "0"
    return set(names)


def test_version_loads_nothing():
    assert not modules_after("--version") & (HEAVY | {"typer", "dataclasses", "engine", "grammar"})


@pytest.mark.parametrize("argv", [["--help"], ["query", "--help"], ["completion", "bash"]])
def test_help_loads_nothing_heavy(argv):
    assert not modules_after(*argv) & HEAVY


def test_the_version_is_the_distribution_s():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__
    done = subprocess.run(
        [sys.executable, "-m", "grizzly_cli", "--version"],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert (done.stdout, done.stderr, done.returncode) == (f"grizzly {__version__}\n", "", 0)


def test_the_short_ways_are_commands_of_the_tree():
    root = tree()
    assert set(_SHORT.values()) | {"version", "repl"} <= set(root.commands)


def all_commands(command, path=()):
    yield path, command
    for name, sub in getattr(command, "commands", {}).items():
        yield from all_commands(sub, (*path, name))


def test_every_command_and_option_says_what_it_is_for():
    for path, command in all_commands(tree()):
        assert command.help, path
        assert len(command.help.splitlines()[0]) <= 60, path
        for param in command.params:
            if param.param_type_name == "option":
                assert param.help, (path, param.name)


def test_no_command_takes_a_shared_option_for_itself():
    shared = {name for flag in GLOBALS for name in flag.names}
    for path, command in all_commands(tree()):
        if path:
            own = {opt for param in command.params for opt in param.opts}
            assert not own & shared, path


def test_hoisting_keeps_order_and_stops_at_two_dashes():
    settings, rest = hoist(["a", "-d", "x", "b", "-vv", "--limit=3", "-q", "--", "-d", "y"])
    assert rest == ["a", "b", "-vv", "--", "-d", "y"]
    assert (settings.db, settings.limit, settings.verbosity) == ("x", 3, -1)


@pytest.mark.parametrize(
    ("words", "found"),
    [("grizzly ver", "verify"), ("grizzly snapshot re", "restore"), ("grizzly --for", "--format")],
)
def test_completion(words, found):
    env = os.environ | {
        "_GRIZZLY_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "grizzly_cli"],
        check=False,
        capture_output=True,
        text=True,
        env=env,
        cwd=ROOT,
    )
    assert found in done.stdout.split()


FAKED = """
import os, sys
import engine.session
from tests.unit.cli.conftest import answer
from tests.unit.cli.fake import FakeResult, FakeSession
import pyarrow as pa
big = pa.table({"n": range(400_000)})
session = FakeSession(lambda text: FakeResult(data=big) if "BIG" in text else answer(text))
session.on_sleep = lambda: os.write(2, b'sleeping\\n')
engine.session.find_lake = lambda explicit=None: explicit
engine.session.connect = lambda path, **options: session
from grizzly_cli import __main__
sys.argv = ["grizzly", *sys.argv[1:]]
__main__.main()
"""


def start(*argv: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", FAKED, *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        **options,
    )


def test_a_reader_that_goes_away_is_no_error():
    process = start("query", "BIG")
    assert process.stdout.readline() == b"n\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(20) == 141


def test_ctrl_c_stops_the_statement():
    process = start(
        "query", "SELECT 1", "SLEEP", preexec_fn=lambda: signal.signal(2, signal.SIG_IGN)
    )
    assert process.stderr.readline().startswith(b"sleeping")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == b"id,name\n1,a\n2,\n"
    assert b"RUNTIME_004" in err
