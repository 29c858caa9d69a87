"""Each module: what it exports, how it is named, what its first lines say."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from tests.house.tree import ROOT, module_name, sources

SOURCES = list(sources())
NAMES = [str(path.relative_to(ROOT)) for path in SOURCES]
EMPTY_WORDS = re.compile(
    r"(^|_)(manager|helpers?|utils?|common|misc|enhanced|simple|backup|v\d+)(_|$)"
)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def exports(path: Path) -> bool:
    return any(
        isinstance(node, ast.Assign | ast.AnnAssign)
        and "__all__" in ast.unparse(node).split("=")[0]
        for node in tree(path).body
    )


@pytest.mark.parametrize("path", [path for path in SOURCES if exports(path)], ids=module_name)
def test_what_a_module_says_it_exports_is_there(path: Path) -> None:
    module = importlib.import_module(module_name(path))
    assert len(set(module.__all__)) == len(module.__all__)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_a_module_says_what_it_is(path: Path) -> None:
    words = ast.get_docstring(tree(path)) or ""
    assert len(words) > 20


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if path.name == "__init__.py"],
    ids=[name for name in NAMES if name.endswith("__init__.py")],
)
def test_a_package_file_is_a_door_and_no_room(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not [node.name for node in tree(path).body if isinstance(node, ast.ClassDef)]
    assert text.count("\n") <= 70


def test_no_name_is_an_empty_word() -> None:
    named = {path.stem for path in SOURCES}
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                named.add(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", node.name).lower())
    assert sorted(name for name in named if EMPTY_WORDS.search(name)) == []
