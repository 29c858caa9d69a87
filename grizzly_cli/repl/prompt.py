"""The line editor: what keys do, how text is coloured, what stands before it.

Layer: ``grizzly_cli.repl``. Invariant: no key runs anything that the user has not finished; a paste
is one edit and runs nothing.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import ThreadedCompleter
from prompt_toolkit.cursor_shapes import ModalCursorShapeConfig
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition, emacs_insert_mode, vi_insert_mode
from prompt_toolkit.history import ThreadedHistory
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from grammar import is_complete
from grammar.keywords import STATEMENT_STARTERS
from grammar.lexer import GrizzlyLexer
from grizzly_cli.diagnostics import wants_color
from grizzly_cli.repl.completer import GrizzlyCompleter
from grizzly_cli.repl.history import Remembered

if TYPE_CHECKING:
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyPressEvent

    from grizzly_cli.repl.history import Store
    from grizzly_cli.repl.shell import Shell

STYLE = Style.from_dict(
    {
        "prompt": "ansicyan bold",
        "prompt.mark": "ansiyellow",
        "continuation": "ansibrightblack",
        "auto-suggestion": "ansibrightblack",
        "pygments.keyword": "ansiblue bold",
        "pygments.keyword.type": "ansicyan",
        "pygments.name.function": "ansimagenta",
        "pygments.name.builtin": "ansimagenta",
        "pygments.literal.string": "ansigreen",
        "pygments.literal.number": "ansiyellow",
        "pygments.comment": "ansibrightblack italic",
        "pygments.operator": "",
        "pygments.error": "ansired",
    }
)
_FIRST_WORD = re.compile(r"[^\W\d]\w*")
_INDENT = re.compile(r"[ \t]*")
_MARKS = ("\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}", "\N{TIMER CLOCK}")
_WORDS = {"exit", "quit", "help"}


def finished(text: str) -> bool:
    """Return whether Enter at the end of a text runs it.

    What cannot begin a statement runs at once, to be told so; a last line left blank runs too, so
    that nobody is caught in a statement that the grammar thinks is open.
    """
    stripped = text.strip()
    if not stripped or stripped[0] in ".\\" or stripped.lower() in _WORDS:
        return True
    if text.endswith("\n") and not text.rsplit("\n", 2)[-1].strip():
        return True
    word = _FIRST_WORD.match(stripped)
    if word is not None and word[0].upper() not in STATEMENT_STARTERS:
        return True
    return is_complete(text)


def _unicode() -> bool:
    return (sys.stdout.encoding or "").lower().startswith("utf")


def message(shell: Shell) -> StyleAndTextTuples:
    """Return what stands before the first line: where one is, and how a transaction stands."""
    arrow, clock = _MARKS if _unicode() else (">", "@")
    session = shell.context.open_session
    if session is None:
        return [("class:prompt", f"grizzly{arrow} ")]
    mark = "*" if session.in_transaction else ""
    moment = f" {clock} {session.as_of}" if session.as_of else ""
    return [
        ("class:prompt", session.name),
        ("class:prompt.mark", mark + moment),
        ("class:prompt", f"{arrow} "),
    ]


def _continuation(width: int, _line: int, _wraps: int) -> StyleAndTextTuples:
    dots = "·" if _unicode() else "."
    return [("class:continuation", f"{dots * max(width - 1, 1)} ")]


def _newline(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    indent = _INDENT.match(buffer.document.current_line_before_cursor)
    buffer.insert_text("\n" + (indent[0] if indent else ""))


def _enter(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    if buffer.complete_state and buffer.complete_state.current_completion:
        buffer.complete_state = None
    elif buffer.document.text_after_cursor.strip() or not finished(buffer.text):
        _newline(event)
    else:
        buffer.validate_and_handle()


def _tab(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    if buffer.complete_state:
        buffer.complete_next()
    elif not buffer.document.current_line_before_cursor.strip() and not buffer.text.strip():
        buffer.insert_text("  ")
    else:
        buffer.start_completion(insert_common_part=True)


def _interrupt(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    if buffer.text.strip():
        buffer.append_to_history()
        buffer.reset()
    else:
        event.app.exit(exception=KeyboardInterrupt)


def _one_word(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    suggestion = buffer.suggestion
    if suggestion is not None and buffer.document.is_cursor_at_the_end:
        word = re.match(r"\s*\S+\s?", suggestion.text)
        buffer.insert_text(word[0] if word else suggestion.text)
    else:
        buffer.cursor_position += buffer.document.find_next_word_ending() or 0


def bindings(shell: Shell) -> KeyBindings:
    """Return the keys that differ from the editor's own."""
    keys = KeyBindings()

    async def show_keys(_event: KeyPressEvent) -> None:
        await run_in_terminal(lambda: shell.execute(".help keys"))

    inserting = emacs_insert_mode | vi_insert_mode
    typing = Condition(lambda: not shell.leaving)
    keys.add("enter", filter=inserting & typing)(_enter)
    keys.add("escape", "enter", filter=inserting)(_newline)
    keys.add("tab", filter=inserting)(_tab)
    keys.add("c-c")(_interrupt)
    keys.add("<sigint>")(_interrupt)
    keys.add("c-right")(_one_word)
    keys.add("f1")(show_keys)
    return keys


def build(shell: Shell, store: Store, *, vi: bool, **parts: Any) -> PromptSession[str]:
    """Build the line editor; ``parts`` replace its input and output in tests."""
    color = wants_color(shell.context.settings.color, sys.stdout)
    return PromptSession(
        message=lambda: message(shell),
        multiline=True,
        lexer=PygmentsLexer(GrizzlyLexer, sync_from_start=True),
        style=STYLE,
        color_depth=None if color else ColorDepth.DEPTH_1_BIT,
        include_default_pygments_style=False,
        completer=ThreadedCompleter(GrizzlyCompleter(shell.names)),
        complete_while_typing=False,
        history=ThreadedHistory(Remembered(store)),
        auto_suggest=AutoSuggestFromHistory(),
        enable_history_search=False,
        enable_open_in_editor=True,
        tempfile_suffix=".sql",
        editing_mode=EditingMode.VI if vi else EditingMode.EMACS,
        cursor=ModalCursorShapeConfig() if vi else None,
        prompt_continuation=_continuation,
        key_bindings=bindings(shell),
        **parts,
    )
