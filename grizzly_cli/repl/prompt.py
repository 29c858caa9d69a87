"""The line editor: how text is coloured, what stands before and behind it.

Layer: ``grizzly_cli.repl``. Invariant: what the editor adds to the text is never part of it.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import ThreadedCompleter
from prompt_toolkit.cursor_shapes import ModalCursorShapeConfig
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.history import ThreadedHistory
from prompt_toolkit.layout.processors import Processor, TabsProcessor, Transformation
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style, StyleTransformation
from typing_extensions import override

from grammar.lexer import GrizzlyLexer
from grizzly_cli.diagnostics import wants_color
from grizzly_cli.repl.completer import GrizzlyCompleter
from grizzly_cli.repl.history import Remembered
from grizzly_cli.repl.keys import bindings
from grizzly_cli.repl.typed import advice, blank_last_line, openers

if TYPE_CHECKING:
    from collections.abc import Callable

    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.layout.processors import TransformationInput
    from prompt_toolkit.styles import Attrs

    from grizzly_cli.repl.history import Store
    from grizzly_cli.repl.shell import Shell

STYLE = Style.from_dict(
    {
        "prompt": "ansicyan bold",
        "prompt.mark": "ansiyellow",
        "continuation": "ansibrightblack",
        "advice": "ansibrightblack",
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
_MARKS = ("\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}", "\N{TIMER CLOCK}")
_TAB = 4


class Plain(StyleTransformation):
    """Text without colour or weight; what is selected still shows."""

    @override
    def transform_attrs(self, attrs: Attrs) -> Attrs:
        return attrs._replace(color="", bgcolor="", bold=False, italic=False, underline=False)


class Advice(Processor):
    """What to do on an empty last line, as a ghost behind the cursor."""

    @override
    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        fragments, document = transformation_input.fragments, transformation_input.document
        last = transformation_input.lineno == document.line_count - 1
        if last and blank_last_line(document.text) and not get_app().is_done:
            fragments = [*fragments, ("class:advice", advice(document.text))]
        return Transformation(fragments)


def _unicode() -> bool:
    return (sys.stdout.encoding or "").lower().startswith("utf")


def message(shell: Shell) -> StyleAndTextTuples:
    """Return what stands before the first line: where one is, on which branch, in a transaction or not."""
    arrow, clock = _MARKS if _unicode() else (">", "@")
    session = shell.context.open_session
    if session is None:
        return [("class:prompt", f"{shell.name}{arrow} ")]
    mark = "*" if session.in_transaction else ""
    moment = f" {clock} {session.as_of}" if session.as_of else ""
    branch = f"/{session.branch}" if session.branch else ""
    return [
        ("class:prompt", session.name + branch),
        ("class:prompt.mark", mark + moment),
        ("class:prompt", f"{arrow} "),
    ]


class Continuation:
    """What stands before a later line: dots, and the quote or bracket that the line is in."""

    def __init__(self, text: Callable[[], str]) -> None:
        """Know where to find what is typed."""
        self._text = text
        self._seen = ""
        self._openers: tuple[str, ...] = ("",)

    def __call__(self, width: int, line: int, _wraps: int) -> StyleAndTextTuples:
        """Return it for one line, as wide as the prompt."""
        text = self._text()
        if text != self._seen:
            self._seen, self._openers = text, openers(text)
        opener = self._openers[line] if line < len(self._openers) else ""
        dots = ("·" if _unicode() else ".") * max(width - 1 - len(opener), 1)
        return [("class:continuation", f"{opener}{dots} ")]


def build(shell: Shell, store: Store, *, vi: bool, **parts: Any) -> PromptSession[str]:
    """Build the line editor; ``parts`` replace its input and output in tests."""
    color = wants_color(shell.context.settings.color, sys.stdout)
    prompt: PromptSession[str] = PromptSession(
        message=partial(message, shell),
        multiline=True,
        lexer=PygmentsLexer(GrizzlyLexer, sync_from_start=True),
        style=STYLE,
        style_transformation=None if color else Plain(),
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
        input_processors=[TabsProcessor(tabstop=_TAB, char1=" ", char2=" "), Advice()],
        key_bindings=bindings(shell),
        **parts,
    )
    prompt.prompt_continuation = Continuation(lambda: prompt.default_buffer.text)
    return prompt
