"""What each command line asks of the session, writes, and returns."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest

from engine.errors import (
    BindError,
    CorruptError,
    IoError,
    LakeError,
    ReadOnlyError,
    Span,
    UsageError,
    VerificationError,
)
from tests.unit.cli.conftest import OPENED
from tests.unit.cli.fake import FakeResult


@pytest.mark.parametrize(
    ("argv", "asked"),
    [
        (["schema", "list"], ["SHOW SCHEMAS"]),
        (["schema", "create", "s"], ["CREATE SCHEMA `s`"]),
        (
            ["schema", "describe", "s"],
            ["SELECT schema, name, kind, rows, columns, key FROM grizzly.tables WHERE"],
        ),
        (["schema", "drop", "s", "--cascade"], ["DROP SCHEMA `s` CASCADE"]),
        (["schema", "history"], ["SHOW SCHEMA HISTORY"]),
        (["schema", "history", "s.t"], ["SHOW SCHEMA HISTORY FOR `s`.`t`"]),
        (["schema", "diff", "3", "m"], ["DIFF SCHEMA SINCE VERSION 3 UNTIL SNAPSHOT 'm'"]),
        (["schema", "diff", "3", "4", "t"], ["DIFF SCHEMA `t` SINCE VERSION 3 UNTIL VERSION 4"]),
        (
            ["schema", "apply", "it's.sql", "--allow-drop", "--dry-run"],
            ["APPLY SCHEMA 'it''s.sql' ALLOW DROP DRY RUN"],
        ),
        (["migrate", "plan"], ["MIGRATE PLAN 'migrations'"]),
        (["migrate", "up", "m", "--to", "0001_a"], ["MIGRATE UP 'm' TO '0001_a'"]),
        (["migrate", "down", "m"], ["MIGRATE DOWN 'm'"]),
        (["migrate", "status", "m"], ["MIGRATE STATUS 'm'"]),
        (["table", "list"], ["SHOW TABLES"]),
        (["table", "create", "t", "id INT", "b TEXT"], ["CREATE TABLE `t` (id INT, b TEXT)"]),
        (["table", "create", "t", "--as", "SELECT 1"], ["CREATE TABLE `t` AS SELECT 1"]),
        (["table", "describe", "a.t"], ["DESCRIBE `a`.`t`"]),
        (["table", "drop", "x`y", "--if-exists"], ["DROP TABLE IF EXISTS `x``y`"]),
        (["snapshot", "create", "monday"], ["CREATE SNAPSHOT `monday`"]),
        (["snapshot", "create", "m", "--at", "3"], ["CREATE SNAPSHOT `m` AS OF VERSION 3"]),
        (["snapshot", "list"], ["SHOW SNAPSHOTS"]),
        (["snapshot", "drop", "m"], ["DROP SNAPSHOT `m`"]),
        (
            ["snapshot", "restore", "m", "t"],
            ["BEGIN", "RESTORE TABLE `t` TO SNAPSHOT 'm'", "COMMIT"],
        ),
        (["branch", "create", "try"], ["CREATE BRANCH `try`"]),
        (["branch", "create", "try", "--at", "3"], ["CREATE BRANCH `try` AS OF VERSION 3"]),
        (["branch", "merge", "try", "--theirs"], ["MERGE BRANCH `try` ON CONFLICT THEIRS"]),
        (["branch", "drop", "try", "--if-exists"], ["DROP BRANCH IF EXISTS `try`"]),
        (
            ["branch", "diff", "it's"],
            [
                (
                    'SELECT schema, "table", definition, rows_added, rows_removed '
                    "FROM grizzly.branch_changes WHERE branch = 'it''s'"
                )
            ],
        ),
        (["snapshot", "restore", "m"], ["RESTORE LAKEHOUSE TO SNAPSHOT 'm'"]),
        (["watermark", "create", "w", "t"], ["CREATE WATERMARK `w` ON `t`"]),
        (
            ["watermark", "create", "w", "t", "--at", "3"],
            ["CREATE WATERMARK `w` ON `t` AT VERSION 3"],
        ),
        (["watermark", "changes", "w", "t"], ["CHANGES FROM `t` SINCE WATERMARK `w`"]),
        (["watermark", "advance", "w", "--to", "m"], ["ADVANCE WATERMARK `w` TO SNAPSHOT 'm'"]),
        (["watermark", "list"], ["SHOW WATERMARKS"]),
        (["watermark", "drop", "w", "--if-exists"], ["DROP WATERMARK IF EXISTS `w`"]),
        (["changes", "t", "--since", "3"], ["CHANGES FROM `t` SINCE VERSION 3"]),
        (
            ["changes", "t", "--since", "2026-01-01", "--until", "monday"],
            ["CHANGES FROM `t` SINCE TIMESTAMP '2026-01-01' UNTIL SNAPSHOT 'monday'"],
        ),
        (["changes", "t", "--since", "3", "--net"], ["FROM `t` SINCE VERSION 3"]),
        (["timeline", "--since", "2"], ["FROM grizzly.timeline WHERE version > 2 ORDER BY"]),
        (["explain", "SELECT 1"], ["EXPLAIN SELECT 1"]),
        (["explain", "--analyze", "SELECT 1"], ["EXPLAIN ANALYZE SELECT 1"]),
        (["import", "a/my-flights.csv"], ["COPY `my_flights` FROM 'a/my-flights.csv'"]),
        (
            ["import", "f.csv", "--table", "t", "--option", "ignore_errors=true"],
            ["COPY `t` FROM 'f.csv' (ignore_errors true)"],
        ),
        (
            ["import", "a.csv", "b.csv", "-t", "t"],
            ["BEGIN", "COPY `t` FROM 'a.csv'", "COPY `t` FROM 'b.csv'", "COMMIT"],
        ),
        (["export", "t", "o'f.csv"], ["COPY `t` TO 'o''f.csv'"]),
        (["export", "SELECT 1;", "-o", "x.csv"], ["COPY (SELECT 1) TO 'x.csv'"]),
        (["export", "t"], ["FROM `t`"]),
        (["time-travel", "3", "SELECT 1"], ["SELECT 1"]),
        (["time-travel", "3", "--restore", "t"], ["RESTORE TABLE `t` TO VERSION 3"]),
    ],
)
def test_a_verb_is_a_statement(grizzly, argv, asked):
    code, _, err = grizzly("-d", "shop", *argv)
    assert code == 0, err
    assert [got[: len(want)] for got, want in zip(grizzly.asked, asked, strict=True)] == asked
    assert grizzly.session.closed


def test_json_is_one_compact_line(grizzly):
    code, out, _ = grizzly("-d", "shop", "query", "-F", "json", "SELECT * FROM t ORDER BY id")
    assert (code, out) == (0, '[{"id":1,"name":"a"},{"id":2,"name":null}]\n')


@pytest.mark.parametrize(
    "argv",
    [
        ["-d", "shop", "query", "--json", "SELECT 1"],
        ["query", "-d", "shop", "SELECT 1", "-Fjson"],
        ["query", "SELECT 1", "--format=json", "--db=shop"],
        ["-c", "SELECT 1", "--json", "-d", "shop"],
    ],
)
def test_shared_options_go_anywhere(grizzly, argv):
    code, out, _ = grizzly(*argv)
    assert code == 0
    assert out.startswith('[{"id":1')
    assert grizzly.opened == [("shop", OPENED)]


def test_a_pipe_gets_csv_and_narration_stays_on_stderr(grizzly):
    code, out, err = grizzly("query", "UPSERT INTO t VALUES (1); SELECT 1", "SELECT 2")
    assert code == 0
    assert out == "id,name\n1,a\n2,\n"
    assert err.startswith("UPSERT 2 rows · v2 · ")
    _, out, err = grizzly("query", "-q", "UPSERT INTO t VALUES (1)")
    assert (out, err) == ("", "")


def test_time_travel_opens_in_the_past(grizzly):
    grizzly("time-travel", "monday", "SELECT 1")
    assert grizzly.opened == [(None, OPENED | {"as_of": "monday"})]


def test_a_branch_is_opened_by_its_name(grizzly):
    grizzly("--branch", "try", "query", "SELECT 1")
    assert grizzly.opened == [(None, OPENED | {"branch": "try"})]


def test_parameters_have_types(grizzly):
    grizzly("query", "SELECT $a", "--param", "a=1", "--param", "b=x y", "--param", 'c="1"')
    assert grizzly.session.asked[0][1] == {"a": 1, "b": "x y", "c": "1"}


def test_a_limit_is_never_silent(grizzly):
    _, out, err = grizzly("query", "SELECT 1", "--limit", "1")
    assert out == "id,name\n1,a\n"
    assert "--limit 1 left rows out" in err
    assert "left rows out" not in grizzly("query", "SELECT 1", "--limit", "2")[2]


def test_exit_code_of_changes(grizzly):
    assert grizzly("changes", "t", "--since", "1", "--exit-code")[0] == 6
    grizzly.answers(lambda _: FakeResult(data=pa.table({"id": pa.array([], pa.int32())})))
    assert grizzly("changes", "t", "--since", "1", "--exit-code")[0] == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BindError("no"), 1),
        (ReadOnlyError("no"), 1),
        (UsageError("no"), 2),
        (LakeError("no"), 3),
        (IoError("no"), 3),
        (CorruptError("no", subject="objects/ab/cd"), 5),
        (VerificationError("no"), 5),
    ],
)
def test_errors_have_exit_codes(grizzly, error, code):
    grizzly.answers(lambda _: error)
    got, out, err = grizzly("query", "SELECT 1")
    assert (got, out) == (code, "")
    assert err.startswith(f"error[{error.code}]: no")


def test_an_error_points_and_hints(grizzly):
    error = BindError("unknown table 'ordrs'", span=Span(14, 19), hint="did you mean orders?")
    grizzly.answers(lambda _: error)
    _, _, err = grizzly("query", "SELECT *\nFROM ordrs")
    assert err == (
        "error[SEMANTIC_001]: unknown table 'ordrs'\n"
        " --> 2:6\n  |\n2 | FROM ordrs\n  |      ^^^^^\n"
        "hint: did you mean orders?\n"
    )


def test_a_fault_of_ours_is_one_line(grizzly, monkeypatch):
    grizzly.answers(lambda _: ValueError("boom"))
    grizzly.session.answer = lambda _: (_ for _ in ()).throw(ValueError("boom\nbang"))
    code, _, err = grizzly("query", "SELECT 1")
    assert code == 70
    assert err.count("\n") == 1
    assert "ValueError: boom bang" in err
    monkeypatch.setenv("GRIZZLY_DEBUG", "1")
    assert "Traceback" in grizzly("query", "SELECT 1")[2]


def test_a_deadline(grizzly):
    code, _, err = grizzly("query", "SLEEP", "--timeout", "0.05")
    assert code == 4
    assert "stopped after --timeout 0.05 s" in err


def test_a_deadline_before_the_engine_is_up(grizzly, monkeypatch):
    def connect(*_, **__):
        time.sleep(0.3)
        return grizzly.session

    monkeypatch.setattr("engine.session.connect", connect)
    code, out, err = grizzly("query", "SELECT 1", "--timeout", "0.05")
    assert (code, out) == (4, "")
    assert "stopped after" in err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["frob"], "no such command 'frob'"),
        (["verfy"], "did you mean verify"),
        (["query", "SELECT 1", "--bad"], "no such option: --bad"),
        (["-c", "SELECT 1", "--bad"], "no such option: --bad"),
        (["--bad"], "no such option: --bad"),
        (["query", "SELECT 1", "-F", "jsn"], "did you mean json?"),
        (["query", "SELECT 1", "--limit", "many"], "number of rows"),
        (["query", "SELECT 1", "--timeout", "0"], "takes seconds"),
        (["query", "SELECT 1", "--param", "x"], "name=value"),
        (["query", "SELECT 1", "-F"], "-F needs a value"),
        (["query", "SELECT 1", "--read-only=yes"], "takes no value"),
        (["-c"], "-c needs a value"),
        (["-c", "SELECT 1", "-f", "x"], "cannot be mixed"),
        (["changes", "t"], "--since"),
        (["table", "create", "t"], "columns"),
        (["prove"], "--commit"),
        (["import", "-", "-t", "t"], "-F csv"),
        (["run", "x", "--single-transaction", "--on-error", "continue"], "cannot go on"),
    ],
)
def test_wrong_usage_is_status_2(grizzly, argv, says):
    code, out, err = grizzly(*argv)
    assert (code, out) == (2, "")
    assert says in err
    assert grizzly.asked == []


def test_a_script(grizzly, tmp_path):
    script = tmp_path / "a.sql"
    script.write_text("SELECT 1;\nSELECT 2;")
    assert grizzly("run", str(script), "--single-transaction")[0] == 0
    assert grizzly.asked == ["BEGIN", "SELECT 1;\nSELECT 2;", "COMMIT"]
    code, _, err = grizzly("-f", str(tmp_path / "none.sql"))
    assert code == 3
    assert "none.sql" in err


def test_a_script_that_goes_on_after_errors(grizzly):
    def reply(text):
        return BindError("no", span=Span(7, 10)) if "bad" in text else FakeResult("SET", "done")

    grizzly.answers(reply)
    script = "SELECT 1;\nSELECT bad;\nSELECT 3;"
    code, _, err = grizzly("run", "-", "--on-error", "continue", stdin=script)
    assert code == 1
    assert len(grizzly.asked) == 3
    assert "stdin:2:8" in err


def test_standard_input_is_a_script_with_dot_commands(grizzly):
    code, out, _ = grizzly(stdin="SELECT 1;\n.mode json\nSELECT 2;\n.quit\nSELECT 3;")
    assert code == 0
    assert out == 'id,name\n1,a\n2,\n[{"id":1,"name":"a"},{"id":2,"name":null}]\n'


def test_a_dot_command_with_a_slip(grizzly):
    code, _, err = grizzly(stdin=".tabels\n")
    assert code == 2
    assert "did you mean .tables?" in err


def test_a_file_is_whole_or_untouched(grizzly, tmp_path):
    target = tmp_path / "r.json"
    assert grizzly("query", "SELECT 1", "-o", str(target))[:2] == (0, "")
    good = target.read_text()
    assert good.startswith('[{"id":1')
    grizzly.answers(lambda text: BindError("no") if "2" in text else FakeResult("X", "done"))
    assert grizzly("query", "SELECT 2", "-o", str(target))[0] == 1
    assert target.read_text() == good
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]
    code, _, err = grizzly("prove", "--commit", "1", "-o", str(tmp_path / "no" / "x"))
    assert code != 0
    assert err


def test_verify_says_who_signed(grizzly):
    code, _, err = grizzly("verify")
    assert code == 0
    assert "signed by grizzly+first" in err
    assert "warning" not in err
    grizzly.session.keys.append((7, "grizzly+second"))
    _, _, err = grizzly("verify")
    assert "since version 0: grizzly+first" in err
    assert "since version 7: grizzly+second" in err
    assert "signed by grizzly+second" in err


def test_a_new_key_is_told_once(grizzly):
    grizzly.session.keys.append((2, "grizzly+second"))
    _, _, err = grizzly("query", "UPSERT INTO t VALUES (1)", "UPSERT INTO t VALUES (2)")
    assert err.count("signed by another key until now: grizzly+first") == 1
    grizzly.session.keys[-1] = (1, "grizzly+second")
    assert "another key" not in grizzly("query", "UPSERT INTO t VALUES (1)")[2]


def test_what_is_no_proof_is_not_called_a_false_one(grizzly, tmp_path):
    other, proof = tmp_path / "ok.csv", tmp_path / "proof"
    other.write_text("a,b\n1,2\n")
    code, _, err = grizzly("verify", str(other))
    assert code == 2
    assert "is not a proof bundle" in err
    whole = b'{"checkpoint":"","leaf":"","v":"grizzly-proof/1","vkey":""}\n'
    for damaged in (b"", b"x" + whole[1:], whole[:20], whole[1:], whole[10:]):
        proof.write_bytes(damaged)
        assert grizzly("verify", str(proof))[0] == 5


def test_help_is_a_word_too(grizzly):
    code, out, _ = grizzly("help")
    assert (code, out) == grizzly("--help")[:2]
    assert grizzly("help", "query")[1] == grizzly("query", "--help")[1] != out


def test_the_timeline_of_no_table_is_an_error(grizzly):
    def reply(text):
        if text.startswith("DESCRIBE"):
            return BindError("there is no table 'nope'")
        return FakeResult(data=pa.table({"version": pa.array([], pa.int64())}))

    grizzly.answers(reply)
    code, out, err = grizzly("timeline", "nope")
    assert (code, out) == (1, "")
    assert "there is no table 'nope'" in err
    assert grizzly("timeline", "ORDERS")[0] == 0
    assert "'orders'" in grizzly.asked[-1]


def test_completion_scripts(grizzly):
    for shell in ("bash", "zsh", "fish"):
        assert "_GRIZZLY_COMPLETE" in grizzly("completion", shell)[1]
