"""Each import contract holds, and each can fail: a rule that cannot be broken protects nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.tree import PACKAGES, ROOT

# A file to plant, what it imports, and the contract that must notice.
BREACHES = [
    ("grammar/planted.py", "import engine.session", "Three houses on one street"),
    ("engine/utils.py", "", "The pipeline, top to bottom"),
    ("engine/storage/planted.py", "import engine.session", "The pipeline, top to bottom"),
    ("grizzly_cli/render/planted.py", "import grizzly_cli.repl", "The shell, top to bottom"),
    ("engine/catalog/__init__.py", "import engine.plan", "No two siblings import each other"),
    ("grizzly_cli/commands/planted.py", "import grizzly_cli.commands.{command}", "Commands never"),
    ("engine/proof/planted.py", "import engine.errors", "The verifier trusts nothing of ours"),
    ("engine/session/planted.py", "import duckdb", "One door: duckdb"),
    ("engine/storage/planted.py", "import sqlglot", "One door: sqlglot"),
    ("engine/proof/planted.py", "import cryptography", "One door: cryptography"),
    ("engine/execute/planted.py", "import pyroaring", "One door: pyroaring"),
    ("engine/execute/planted.py", "import numpy", "One door: numpy"),
    ("engine/timeline/planted.py", "import platformdirs", "One door: platformdirs"),
    ("grizzly_cli/commands/planted.py", "import prompt_toolkit", "One door: prompt_toolkit"),
    ("engine/session/planted.py", "import pygments", "One door: pygments"),
    ("grizzly_cli/context/planted.py", "import rich", "One door: rich"),
    ("engine/session/planted.py", "import typer", "One door: typer"),
    ("grammar/planted.py", "import os", "The language does no input or output"),
    ("grizzly_cli/commands/planted.py", "import engine.timeline", "The shell enters by the public"),
]


def copy_house(target: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", target)
    for package in PACKAGES:
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, target / package, ignore=skip)


def lint(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def broken_house(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str]:
    house = tmp_path_factory.mktemp("house")
    copy_house(house)
    commands = sorted(path.stem for path in (house / "grizzly_cli" / "commands").glob("[a-z]*.py"))
    for name, line, _ in BREACHES:
        with (house / name).open("a", encoding="utf-8") as file:
            file.write(f"\n{line.format(command=commands[0])}\n")
    return lint(house)


def test_the_house_as_it_stands_keeps_every_contract() -> None:
    code, report = lint(ROOT)
    assert code == 0, report


@pytest.mark.parametrize("contract", sorted({contract for *_, contract in BREACHES}))
def test_a_breach_is_noticed(broken_house: tuple[int, str], contract: str) -> None:
    code, report = broken_house
    assert code != 0
    assert re.search(rf"^{re.escape(contract)}.* BROKEN\b", report, re.MULTILINE), report


def test_no_contract_goes_untried() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = {contract["name"] for contract in config["tool"]["importlinter"]["contracts"]}
    tried = [contract for *_, contract in BREACHES]
    assert {name for name in names if not name.startswith(tuple(tried))} == set()
