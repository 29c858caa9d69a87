"""Every command explains itself, to a reader of its help and to a reader of the man page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from grizzly_cli.app import tree
from grizzly_cli.options import GLOBALS
from tests.house.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, sub in getattr(command, "commands", {}).items():
        yield from commands(sub, f"{path} {name}")


COMMANDS = dict(commands(tree(), "grizzly"))
LEAVES = {path: found for path, found in COMMANDS.items() if not hasattr(found, "commands")}


def manual() -> str:
    text = (ROOT / "man" / "grizzly.1").read_text(encoding="utf-8")
    text = re.sub(r"\\f.|\\&", "", text).replace("\\-", "-").replace("\\(aq", "'")
    return re.sub(r"\s+", " ", re.sub(r"^\.[A-Z]+ ?", "", text, flags=re.MULTILINE))


def test_the_commands_of_the_first_cut_are_there() -> None:
    wanted = "init repl query run schema table import export timeline snapshot time-travel changes"
    wanted += " verify prove pack unpack explain"
    assert {f"grizzly {word}" for word in wanted.split()} <= set(COMMANDS)


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_a_command_says_what_it_does(path: str) -> None:
    assert len((COMMANDS[path].help or "").strip()) > 10


@pytest.mark.parametrize("path", sorted(LEAVES))
def test_every_option_says_what_it_does(path: str) -> None:
    silent = [
        param.name
        for param in LEAVES[path].params
        if param.param_type_name == "option" and not param.help
    ]
    assert silent == []


@pytest.mark.parametrize("path", sorted(LEAVES))
def test_a_command_and_its_options_are_in_the_manual(path: str) -> None:
    text = manual()
    assert path.removeprefix("grizzly ") in text
    for param in LEAVES[path].params:
        if param.param_type_name == "option" and param.name != "help":
            assert any(name in text for name in param.opts), param.opts


def test_the_shared_options_are_in_the_manual() -> None:
    text = manual()
    assert [flag.names for flag in GLOBALS if flag.names[-1] not in text] == []
