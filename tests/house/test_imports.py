"""What a program pays for when it starts, and what the verifier leans on."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from tests.house.tree import PACKAGES, ROOT, sources

HEAVY = {"sqlglot", "prompt_toolkit", "pyarrow", "duckdb", "numpy", "cryptography"}


def imported(path: Path) -> set[str]:
    """Return every dotted name that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            packages = {"engine", "grammar", "grizzly_cli"}
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= parts if node.module in packages else {node.module or ""}
    return found


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["query", "--help"]])
def test_asking_for_help_loads_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "grizzly_cli", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "grizzly_cli" in loaded
    assert sorted(HEAVY & loaded) == []


def test_importing_the_python_door_draws_nothing() -> None:
    program = "import sys, grizzly; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"typer", "rich", "prompt_toolkit", "pygments"} & set(done.stdout.split())


def test_the_python_door_opens_onto_the_session_alone() -> None:
    ours = {name for name in imported(ROOT / "grizzly.py") if name.split(".")[0] == "engine"}
    assert ours <= {"engine.session", "engine.errors"}
    assert not {"grammar", "grizzly_cli"} & {n.split(".")[0] for n in imported(ROOT / "grizzly.py")}


def test_the_verifier_is_written_in_the_standard_library() -> None:
    files = sorted((ROOT / "engine" / "proof").rglob("*.py"))
    assert len(files) > 3
    for path in files:
        for name in imported(path):
            top = name.split(".")[0]
            assert top in sys.stdlib_module_names or name.startswith("engine.proof"), (path, name)


def test_the_verifier_runs_where_nothing_else_is_installed() -> None:
    # -S: no site-packages at all.
    done = subprocess.run(
        [sys.executable, "-S", "-m", "engine.proof", "--help"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout.lower()


def test_whatever_is_imported_is_a_declared_dependency() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {
        re.split(r"[^\w-]", text)[0].lower().replace("_", "-")
        for text in config["project"]["dependencies"]
    }
    owners = metadata.packages_distributions()
    foreign = {name.split(".")[0] for path in sources() for name in imported(path)}
    foreign -= {*sys.stdlib_module_names, *PACKAGES, "grizzly"}
    owed = {top: {owner.lower().replace("_", "-") for owner in owners[top]} for top in foreign}
    assert {top for top, dists in owed.items() if not dists & declared} == set()
    used = {dist for dists in owed.values() for dist in dists}
    assert declared - used == set()
