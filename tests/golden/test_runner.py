from __future__ import annotations

import pytest

from tests.golden.runner import Block, Command, ScriptError, blocks, mask, perform, render, replay

SCRIPT = """# Prose stays as it is.

a:> BEGIN
b:[plan,types]> SELECT 1,
    2
---
whatever was here

!> SELECT nope
---
"""


def echo(command: Command) -> str:
    if command.fails:
        raise ScriptError("boom")
    return f"{command.sql!r} {sorted(command.tags)}"


def test_a_script_survives_reading_and_writing() -> None:
    assert render(blocks(SCRIPT)) == SCRIPT


def test_lines_indented_belong_to_the_command_above() -> None:
    _, block, _ = blocks(SCRIPT)
    first, second = block.commands()
    assert (first.who, first.sql) == ("a", "BEGIN")
    assert (second.who, second.sql) == ("b", "SELECT 1,\n    2")
    assert second.tags == {"plan", "types"}


def test_what_was_printed_is_recorded_under_its_session() -> None:
    played = replay(blocks(SCRIPT)[:2], echo)
    assert played[0].recorded is None
    assert played[1].recorded == "a: 'BEGIN' []\nb: 'SELECT 1,\\n    2' ['plan', 'types']"


def test_an_error_that_was_not_expected_stops_the_script() -> None:
    with pytest.raises(ZeroDivisionError):
        perform(Command("", frozenset(), fails=False, sql="x"), lambda _: str(1 // 0))


def test_only_the_engines_own_errors_can_be_expected() -> None:
    with pytest.raises(ZeroDivisionError):
        perform(Command("", frozenset(), fails=True, sql="x"), lambda _: str(1 // 0))


def test_a_success_that_was_not_expected_stops_the_script() -> None:
    with pytest.raises(ScriptError, match="did not fail"):
        perform(Command("", frozenset(), fails=True, sql="x"), lambda _: "fine")


def test_an_unknown_tag_is_refused() -> None:
    with pytest.raises(ScriptError, match="unknown tags"):
        list(Block("[plam]> SELECT 1", "").commands())


def test_what_differs_between_runs_is_masked() -> None:
    assert mask(f"{'ab' * 32} in 3.4 ms, 64 rows") == "<digest> in <duration>, 64 rows"
