"""The shell: keys, completion, dot commands, history, and what Ctrl-C does."""

from __future__ import annotations

import os
import re
import stat
import sys
import threading
import time
from contextlib import contextmanager

import pexpect
import pyarrow as pa
import pyte
import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from prompt_toolkit.styles import DEFAULT_ATTRS

from engine.errors import LakeError, ReadOnlyError, UsageError
from grizzly_cli.context import Context
from grizzly_cli.diagnostics import Narrator
from grizzly_cli.options import Settings
from grizzly_cli.repl import meta
from grizzly_cli.repl.completer import GrizzlyCompleter
from grizzly_cli.repl.history import Remembered, Store
from grizzly_cli.repl.place import lake_name
from grizzly_cli.repl.prompt import Continuation, Plain, build, message
from grizzly_cli.repl.shell import Names, Shell
from grizzly_cli.repl.typed import advice, finished, openers
from tests.unit.cli.conftest import OPENED, answer
from tests.unit.cli.fake import FakeResult, FakeSession
from tests.unit.cli.test_program import FAKED, ROOT

CTRL_C, CTRL_D, ALT_ENTER, UP, TAB, ENTER = "\x03", "\x04", "\x1b\r", "\x1b[A", "\t", "\r"
CTRL_G, CTRL_R, ESCAPE, RIGHT = "\x07", "\x12", "\x1b", "\x1b[C"


@pytest.fixture
def shell(grizzly):  # noqa: ARG001  # it stands in for the engine
    return Shell(Context(Settings(db="shop")))


@pytest.fixture
def store(tmp_path):
    return Store.open(Narrator(color=False), tmp_path / "state" / "history.db")


@contextmanager
def typing(shell, store, *, vi=False):
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        prompt = build(shell, store, vi=vi)

        def press(pieces):
            for i, piece in enumerate(pieces):
                time.sleep(0.3 * bool(i))  # let the thread that the last key started end
                keys.send_text(piece)

        def read(*pieces):
            thread = threading.Thread(target=press, args=(pieces,))
            thread.start()
            try:
                return prompt.prompt()
            finally:
                thread.join()

        yield read


def lines(*typed):
    return [piece for line in typed for piece in (line, ENTER)]


def test_enter_runs_what_a_semicolon_ends(shell, store):
    with typing(shell, store) as read:
        assert read(f"SELECT 1;{ENTER}") == "SELECT 1;"
        assert read(*lines("SELECT (", "1);")) == "SELECT (\n1);"
        assert read(*lines("SELECT 'a;", "b';")) == "SELECT 'a;\nb';"
        assert read(*lines("DELETE FROM t", "WHERE x;")) == "DELETE FROM t\nWHERE x;"
        assert read(f".tables{ENTER}") == ".tables"
        assert read(f"?{ENTER}") == "?"
        assert read(f"SELECT 1{ALT_ENTER}+ 1;{ENTER}") == "SELECT 1\n+ 1;"
        assert read(*lines("  SELECT (", "1);")) == "  SELECT (\n  1);"


def test_an_empty_line_runs_all(shell, store):
    with typing(shell, store) as read:
        assert read(*lines("FROM t", "")) == "FROM t\n"
        assert read(*lines("  SELECT (", "")) == "  SELECT (\n  "


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("", True),
        ("help", True),
        ("SELECT 1; -- one", True),
        ("selct * from (t", True),
        (".mode json\nSELECT 1;", True),
        (".mode json\nDELETE FROM t", False),
        ("DELETE FROM t", False),
        ("SELECT 'a;", False),
        ("SELECT (1;", False),
        ("SELECT 1 -- one;", False),
        ("-- one", False),
    ],
)
def test_half_a_statement_is_never_finished(text, runs):
    assert finished(text) is runs


def test_the_editor_says_what_is_open():
    assert openers("SELECT 'a\nb' + (\n1) /*\n*/\n") == ("", "'", "(", "*", "")
    assert advice("SELECT 1\n") == "; or an empty line runs it"
    assert advice("SELECT 'a\n") == "a quote is open"
    assert advice("SELECT (\n") == "a bracket is open"
    assert "".join(part[1] for part in Continuation(lambda: "SELECT 'a\n")(6, 1, 0)).startswith("'")


PASTED = "SELECT 1;\nSELECT\t2;\n\n  DELETE FROM t\n\n  WHERE x"


@pytest.mark.parametrize(("before", "after"), [("\x1b[200~", "\x1b[201~"), ("", "")])
def test_a_paste_is_one_edit_and_runs_nothing(shell, store, before, after):
    typed = PASTED if before else PASTED.replace("\n", ENTER)
    with typing(shell, store) as read:
        assert read(f"{before}{typed}{after}", f";{ENTER}") == PASTED + ";"


def test_a_pasted_script_runs_its_dot_commands_too(shell, grizzly):
    shell.execute(".mode json\nSELECT 1;\nSELECT 2")
    assert shell.context.output.format == "json"
    assert [text.strip() for text in grizzly.asked] == ["SELECT 1;\nSELECT 2"]


@pytest.mark.parametrize("key", [ENTER, TAB, RIGHT])
@pytest.mark.parametrize("vi", [False, True])
def test_a_search_gives_the_line_that_it_found(shell, store, key, vi):
    store.add("SELECT 'needle';")
    store.add("SELECT 2;")
    with typing(shell, store, vi=vi) as read:
        assert read("FROM t", CTRL_R, "needle", key, ENTER) == "SELECT 'needle';"


@pytest.mark.parametrize("key", [CTRL_C, CTRL_G, ESCAPE])
def test_a_search_can_be_left(shell, store, key):
    store.add("SELECT 1;")
    store.add("SELECT 2;")
    with typing(shell, store) as read:
        assert read("FROM t", CTRL_R, "SEL", CTRL_R, key, f";{ENTER}") == "FROM t;"
        with pytest.raises(KeyboardInterrupt):
            read(CTRL_R, "SEL", key, CTRL_C)


def test_ctrl_c_drops_the_text_but_keeps_it_in_reach(shell, store):
    with typing(shell, store) as read:
        assert read("SELECT 1;", CTRL_C, UP, ENTER) == "SELECT 1;"
        with pytest.raises(KeyboardInterrupt):
            read(CTRL_C)
        with pytest.raises(EOFError):
            read(CTRL_D)


def test_tab_completes_to_what_all_share(shell, store):
    shell.names.refresh(FakeSession(answer))
    with typing(shell, store) as read:
        assert read("SELECT * FROM ord", TAB, f";{ENTER}") == "SELECT * FROM orders;"


def complete(text, names=None):
    if names is None:
        names = Names()
        names.refresh(FakeSession(answer))
    before, _, after = text.partition("|")
    document = Document(before + after, len(before))
    return [c.text for c in GrizzlyCompleter(names).get_completions(document, None)]


def test_completion_knows_the_place():
    assert complete("SELECT * FROM |")[:3] == ["orders", "`odd name`", "stage.raw"]
    assert complete("SELECT q| FROM orders")[0] == "qty"
    assert complete("SELECT o.| FROM orders o") == ["id", "qty"]
    assert "qty" not in complete("SELECT | FROM stage.raw")
    assert complete("WITH mine AS (SELECT 1) SELECT * FROM mi|")[0] == "mine"
    assert complete("SELECT * FROM orders AS OF SNAPSHOT '|") == ["monday"]
    assert "SELECT" in complete("SEL|")
    assert "select" in complete("sel|")
    assert "count" in complete("SELECT cou|")
    assert complete("SELECT 1 -- FROM |") == []


def test_completion_of_dot_commands(tmp_path, monkeypatch):
    assert complete(".ta|") == [".tables"]
    assert complete("\\ta|") == ["\\tables"]
    assert complete(".mode js|") == ["json", "jsonl"]
    assert complete(".schema ord|") == ["orders"]
    assert complete(".at |") == ["now", "monday"]
    (tmp_path / "nightly.sql").touch()
    monkeypatch.chdir(tmp_path)
    assert complete(".read ni|") == ["nightly.sql"]


def test_completion_is_quick_in_a_long_text():
    text = "SELECT " + ", ".join(f"column_{i} + {i}" for i in range(1200)) + " FROM orders WHERE q|"
    assert len(text) > 19_000
    complete(text)
    best = 9.0
    for _ in range(3):
        started = time.perf_counter()
        assert "qty" in complete(text)
        best = min(best, time.perf_counter() - started)
    assert best < 0.25


def test_the_prompt_says_where_one_is(shell):
    def plain():
        return "".join(part[1] for part in message(shell))

    assert plain().startswith("grizzly")
    session = shell.context.session()
    assert plain().startswith("shop")
    session.in_transaction = True
    assert plain().startswith("shop*")
    session.as_of = "monday"
    assert "monday" in plain()
    session.branch = "try"
    assert plain().startswith("shop/try*")


def test_every_dot_command_is_explained(shell, capsys):
    shell.execute(".help")
    listed = capsys.readouterr().err
    for command in meta.COMMANDS:
        assert f".{command.name}" in listed
        assert command.help in listed
    shell.execute(".help keys")
    assert "Ctrl-R" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        (".tables", "SHOW TABLES"),
        (".schema orders", "DESCRIBE `orders`"),
        ("\\d orders", "DESCRIBE `orders`"),
        (".begin", "BEGIN"),
        (".commit", "COMMIT"),
        (".rollback", "ROLLBACK"),
        (".explain SELECT 1;", "EXPLAIN SELECT 1"),
        (
            ".log",
            "FROM grizzly.timeline ORDER BY version DESC LIMIT 20 SELECT version, ts, op, tables, message",
        ),
    ],
)
def test_dot_commands_are_statements(shell, grizzly, line, asked):
    shell.execute(line)
    assert grizzly.asked == [asked]


def test_last_is_not_run_again(shell, grizzly, capsys, tmp_path):
    with pytest.raises(UsageError):
        shell.execute(".last")
    shell.execute("SELECT 1")
    capsys.readouterr()
    shell.execute(".last json")
    assert capsys.readouterr().out == '[{"id":1,"name":"a"},{"id":2,"name":null}]\n'
    shell.execute(f".last {tmp_path}/r.csv")
    assert (tmp_path / "r.csv").read_text() == "id,name\n1,a\n2,\n"
    assert len(grizzly.asked) == 1
    shell.execute("SELECT 2")
    assert capsys.readouterr().out == "id,name\n1,a\n2,\n"


def test_out_mode_and_read(shell, capsys, tmp_path):
    script = tmp_path / "s.sql"
    script.write_text(f".mode jsonl\n.out {tmp_path}/r\nSELECT 1;\n.out\nSELECT 2;\n")
    shell.execute(f".read {script}")
    assert (tmp_path / "r").read_text() == '{"id":1,"name":"a"}\n{"id":2,"name":null}\n'
    assert capsys.readouterr().out == (tmp_path / "r").read_text()
    with pytest.raises(UsageError, match="no mode"):
        shell.execute(".mode jsn")


def test_at_opens_the_past_and_comes_back(shell, grizzly):
    shell.execute(".at monday")
    assert grizzly.opened[-1] == ("shop", OPENED | {"as_of": "monday"})
    shell.execute(".at now")
    assert grizzly.opened[-1][1]["as_of"] is None
    shell.execute(".begin")
    with pytest.raises(UsageError, match="transaction is open"):
        shell.execute(".at 3")


def test_at_a_moment_that_is_none_changes_nothing(shell, monkeypatch):
    shell.execute(".at monday")
    session = shell.context.session()

    def refuse(path, **options):
        raise UsageError(f"no version {options['as_of']} in {path}")

    monkeypatch.setattr("engine.session.connect", refuse)
    with pytest.raises(UsageError):
        shell.execute(".at 999")
    assert shell.context.settings.as_of == "monday"
    assert shell.context.open_session is session
    assert "monday" in "".join(part[1] for part in message(shell))


def test_writing_in_the_past_says_the_way_back(shell, grizzly):
    shell.execute(".at monday")
    grizzly.answers(lambda _: ReadOnlyError("open as of monday"))
    with pytest.raises(ReadOnlyError) as caught:
        shell.execute("DELETE FROM t")
    assert ".at now" in caught.value.hint


def test_the_name_is_known_before_the_engine_is(tmp_path, monkeypatch):
    inside = tmp_path / "shop" / "deep"
    inside.mkdir(parents=True)
    (tmp_path / "shop" / ".grizzly").mkdir()
    (tmp_path / "shop" / ".grizzly" / "FORMAT").touch()
    (tmp_path / "all.gobi").touch()
    monkeypatch.delenv("GRIZZLY_DB", raising=False)
    monkeypatch.chdir(inside)
    assert lake_name(None) == "shop"
    assert lake_name(str(tmp_path / "shop" / ".grizzly")) == "shop"
    assert lake_name(str(tmp_path / "all.gobi")) == "all"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LakeError):
        lake_name(None)


def test_no_colour_is_no_weight_either():
    attrs = Plain().transform_attrs(
        DEFAULT_ATTRS._replace(bold=True, color="ansired", reverse=True)
    )
    assert (attrs.bold, attrs.color, attrs.reverse) == (False, "", True)


def test_history_is_private_and_keeps_no_secrets(store, tmp_path):
    path = tmp_path / "state" / "history.db"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    history = Remembered(store)
    for text in ("SELECT 1", "SELECT 2", "SELECT 1", " SELECT 3", "SET password = 'x'"):
        history.append_string(text)
    assert list(store.newest()) == ["SELECT 1", "SELECT 2"]
    assert store.search("2", 10) == ["SELECT 2"]
    again = Store.open(Narrator(color=False), path)
    assert list(again.newest()) == ["SELECT 1", "SELECT 2"]


def test_a_history_that_cannot_be_kept_is_only_a_warning(capsys, tmp_path):
    (tmp_path / "file").touch()
    store = Store.open(Narrator(color=False), tmp_path / "file" / "history.db")
    store.add("SELECT 1")
    assert list(store.newest()) == ["SELECT 1"]
    assert capsys.readouterr().err.count("\n") == 1


class Terminal:
    """The program in a terminal of its own, as a person sees it."""

    def __init__(self, *argv, columns=80, lines=24):
        env = os.environ | {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "PYTHONUTF8": "1"}
        env.pop("NO_COLOR", None)
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.Stream(self.screen)
        self.process = pexpect.spawn(
            sys.executable,
            ["-c", FAKED, *argv],
            dimensions=(lines, columns),
            encoding="utf-8",
            env=env,
            cwd=str(ROOT),
            timeout=15,
        )

    def type(self, text):
        self.process.send(text)

    def see(self, pattern, seconds=15):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                self.stream.feed(self.process.read_nonblocking(65536, timeout=0.1))
            except pexpect.TIMEOUT:
                pass
            except pexpect.EOF:
                break
            text = "\n".join(line.rstrip() for line in self.screen.display).rstrip()
            if re.search(pattern, text):
                return text
        raise AssertionError(f"never saw {pattern!r} in:\n" + "\n".join(self.screen.display))

    def leave(self):
        self.process.expect(pexpect.EOF)
        self.process.close()
        return self.process.exitstatus


def test_a_session_in_a_terminal():
    terminal = Terminal("-d", "shop")
    terminal.see("shop.$")
    terminal.type("SELECT 1;\r")
    screen = terminal.see(r"2 rows · .* · v3\n")
    assert "│  2 │ ∅      │" in screen.replace("│     2 │ ∅      │", "│  2 │ ∅      │")
    terminal.type(CTRL_C)
    terminal.see("nothing to stop")
    terminal.type("SLEEP;\r")
    time.sleep(0.5)
    terminal.type(CTRL_C)
    terminal.see(r"cancelled after [\d.]+ m?s")
    terminal.type("BEGIN;\r")
    terminal.see(r"shop\*.$")
    terminal.type(CTRL_D)
    terminal.see("Ctrl-D again")
    terminal.type(CTRL_D)
    assert terminal.leave() == 0


def test_a_binary_format_refuses_a_terminal():
    terminal = Terminal("query", "SELECT 1", "-F", "parquet")
    terminal.see("parquet is not for a terminal")
    assert terminal.leave() == 2


def test_a_long_result_on_a_terminal_says_what_it_left_out():
    terminal = Terminal("query", "BIG", lines=60)
    screen = terminal.see("400 000 rows · 40 shown")
    assert "399999" in screen
    assert terminal.leave() == 0


def test_results_may_be_too_large_to_keep(shell, grizzly, monkeypatch):
    monkeypatch.setattr("grizzly_cli.repl.shell._KEPT_BYTES", 100)
    grizzly.answers(lambda _: FakeResult(data=pa.table({"n": range(1200)})))
    shell.execute("SELECT 1")
    with pytest.raises(UsageError, match="too large"):
        shell.execute(".last")
