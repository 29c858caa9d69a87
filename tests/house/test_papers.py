"""The papers against the code: what they name is there."""

from __future__ import annotations

import importlib
import re

import pytest

from tests.house.tree import FOLDERS, PACKAGES, PAPERS, ROOT, texts

MACHINE = re.compile(r"(?<![\w.])/(work|root|home|Users|tmp/w)/")
UNFINISHED = re.compile(r"\b(TODO|FIXME|HACK)\b")
TICKED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
SYMBOL = re.compile(rf"^({'|'.join(PACKAGES)}|grizzly)(\.\w+)+(\(\))?$")
PATH = re.compile(rf"^({'|'.join(map(re.escape, FOLDERS))})/[\w./-]*$")


def ticked(paper: str) -> list[str]:
    text = (ROOT / paper).read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return TICKED.findall(text)


def resolves(symbol: str) -> bool:
    parts = symbol.removesuffix("()").split(".")
    for split in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:split]))
        except ModuleNotFoundError:
            continue
        for name in parts[split:]:
            annotated = name in getattr(found, "__annotations__", {})
            if not (annotated or hasattr(found, name)):
                return False
            found = getattr(found, name, None)
        return True
    return False


@pytest.mark.parametrize("paper", PAPERS)
def test_every_path_in_a_paper_is_there(paper: str) -> None:
    named = [word for word in ticked(paper) if PATH.match(word)]
    assert [word for word in named if not (ROOT / word).exists()] == []


@pytest.mark.parametrize("paper", PAPERS)
def test_every_symbol_in_a_paper_is_there(paper: str) -> None:
    named = [word for word in ticked(paper) if SYMBOL.match(word) and not word.endswith(".py")]
    assert [word for word in named if not resolves(word)] == []


def test_architecture_names_the_code_it_speaks_of() -> None:
    words = ticked("ARCHITECTURE.md")
    assert sum(1 for word in words if SYMBOL.match(word)) >= 20
    assert sum(1 for word in words if PATH.match(word)) >= 10


def test_every_make_target_in_a_paper_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for paper in PAPERS:
        for words in re.findall(r"`make ([a-z -]+)`", (ROOT / paper).read_text("utf-8")):
            assert set(words.split()) <= targets, paper


def test_nothing_written_names_a_machine_or_is_left_for_later() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in texts()
        if path.name != "test_papers.py"
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if MACHINE.search(line) or UNFINISHED.search(line)
    ]
    assert found == []
