"""What keys do where that differs from the line editor's own ways.

Layer: ``grizzly_cli.repl``. Invariant: no key runs anything that the user has not finished; a paste
is one edit and runs nothing, also in a terminal that does not tell pastes from typing.
"""

from __future__ import annotations

import re
import select
from typing import TYPE_CHECKING

from prompt_toolkit import search
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.filters import (
    Condition,
    control_is_searchable,
    emacs_insert_mode,
    is_searching,
    vi_insert_mode,
)
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.keys import Keys
from prompt_toolkit.search import SearchDirection

from grizzly_cli.repl.typed import blank_last_line, finished

if TYPE_CHECKING:
    from prompt_toolkit.document import Document
    from prompt_toolkit.key_binding import KeyPressEvent

    from grizzly_cli.repl.shell import Shell

_INDENT = re.compile(r"[ \t]*")
_ALL = 1 << 30
_PASTE_GAP = 0.02  # a person's next key comes later than the next piece of a paste


def _more_is_coming(event: KeyPressEvent, patience: float = 0.0) -> bool:
    """Return whether other keys came with this one, as they do in a paste."""
    if any(key.key is not Keys.CPRResponse for key in event.key_processor.input_queue):
        return True
    try:
        ready, _, _ = select.select([event.app.input.fileno()], [], [], patience)
    except (OSError, ValueError, NotImplementedError):  # an input that is no file
        return False
    return bool(ready)


def _newline(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    indent = _INDENT.match(buffer.document.current_line_before_cursor)
    buffer.insert_text("\n" + (indent[0] if indent else ""))


def _enter(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    if _more_is_coming(event, _PASTE_GAP if blank_last_line(buffer.text) else 0.0):
        buffer.insert_text("\n")
    elif buffer.complete_state and buffer.complete_state.current_completion:
        buffer.complete_state = None
    elif buffer.document.text_after_cursor.strip() or not finished(buffer.text):
        _newline(event)
    else:
        buffer.validate_and_handle()


def _tab(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    if _more_is_coming(event):
        buffer.insert_text("\t")
    elif buffer.complete_state:
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


class _Search:
    """A search through the history, and where it began."""

    def __init__(self) -> None:
        self._before: Document | None = None

    def backward(self, event: KeyPressEvent) -> None:
        self._start(event, SearchDirection.BACKWARD)

    def forward(self, event: KeyPressEvent) -> None:
        self._start(event, SearchDirection.FORWARD)

    def _start(self, event: KeyPressEvent, direction: SearchDirection) -> None:
        self._before = event.current_buffer.document
        search.start_search(direction=direction)

    def accept(self, event: KeyPressEvent) -> None:
        """Take what was found; Enter may then run it, or an arrow change it."""
        if not event.current_buffer.text:
            self.cancel(event)
            return
        search.accept_search()
        buffer = event.current_buffer
        buffer.cursor_position = len(buffer.text)
        self._before = None

    def cancel(self, event: KeyPressEvent) -> None:
        """Go back to the text from which the search began."""
        search.stop_search()
        buffer = event.current_buffer
        if self._before is not None and buffer.document != self._before:
            buffer.history_forward(count=_ALL)
            buffer.document = self._before
        self._before = None


def bindings(shell: Shell) -> KeyBindings:
    """Return the keys that differ from the editor's own."""
    keys = KeyBindings()

    async def show_keys(_event: KeyPressEvent) -> None:
        await run_in_terminal(lambda: shell.execute(".help keys"))

    inserting = (emacs_insert_mode | vi_insert_mode) & ~is_searching
    typing = Condition(lambda: not shell.leaving)
    keys.add("enter", filter=inserting & typing)(_enter)
    keys.add("escape", "enter", filter=inserting)(_newline)
    keys.add("tab", filter=inserting)(_tab)
    keys.add("c-c", filter=~is_searching)(_interrupt)
    keys.add("<sigint>", filter=~is_searching)(_interrupt)
    keys.add("c-right", filter=~is_searching)(_one_word)
    keys.add("f1")(show_keys)
    finding = _Search()
    keys.add("c-r", filter=inserting & control_is_searchable)(finding.backward)
    keys.add("c-s", filter=inserting & control_is_searchable)(finding.forward)
    for key in ("enter", "tab", "right"):
        keys.add(key, filter=is_searching)(finding.accept)
    for key in ("c-c", "c-g", "<sigint>"):
        keys.add(key, filter=is_searching)(finding.cancel)
    keys.add("escape", filter=is_searching, eager=True)(finding.cancel)
    return keys
