"""Proofs of rows and of absent keys, made by a session and checked by nobody's help."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import BindError, ParseError, UsageError
from engine.proof import ProofError, verify
from engine.proof.canonical import canonical
from engine.session import connect, create_lake
from engine.timeline.signing import check
from tests.unit.proof.mutation import changed, survivors

if TYPE_CHECKING:
    from pathlib import Path

    from engine.session import Session

SCRIPT = """
CREATE TABLE t (id BIGINT PRIMARY KEY, name STRING, d DATE);
INSERT INTO t VALUES (1, 'a', DATE '2020-01-01'), (2, 'b', NULL);
INSERT INTO t SELECT i, 'n' || i, DATE '2020-01-01' + i::INT FROM range(10, 20000) r(i);
DELETE FROM t WHERE id IN (2, 500);
CREATE TABLE k (a STRING, b INTEGER, x DOUBLE, PRIMARY KEY (a, b));
INSERT INTO k SELECT 'k' || i, i, i / 2 FROM range(0, 17000) r(i);
INSERT INTO k SELECT 's' || i, i, i / 2 FROM range(0, 2000) r(i);
INSERT INTO k VALUES ('one', 1, 0.5);
CREATE TABLE free (x INTEGER);
CREATE TABLE empty (id INTEGER PRIMARY KEY);
ALTER TABLE t ADD COLUMN more INTEGER DEFAULT 7;
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    path = tmp_path_factory.mktemp("proofs") / "lake"
    create_lake(path)
    found = connect(path)
    list(found.run(SCRIPT))
    return found


def facts(data: bytes) -> dict[str, Any]:
    return verify(data, check=check).facts


@pytest.mark.parametrize(
    ("table", "key", "row"),
    [
        ("t", ["1"], {"id": "1", "name": "a", "d": "2020-01-01"}),
        ("t", ["777"], {"id": "777", "name": "n777", "d": "2022-02-16"}),
        ("k", ["k77", "77"], {"a": "k77", "b": "77", "x": "38.5"}),
        ("main.k", ["s77", " 77"], {"a": "s77", "b": "77", "x": "38.5"}),
        ("k", ["one", "1"], {"a": "one", "b": "1", "x": "0.5"}),
    ],
)
def test_a_row(session: Session, table: str, key: list[str], row: dict[str, str]) -> None:
    data = session.proofs.row(table, key)
    found = facts(data)["row"]
    assert found.pop("_rid").isdecimal()
    assert found == row
    assert survivors(data, max(3, len(data) // 60)) == []


def test_a_row_of_the_past(session: Session) -> None:
    with pytest.raises(UsageError, match="no row with the key"):
        session.proofs.row("t", ["500"])
    assert facts(session.proofs.row("t", ["500"], at="3"))["row"]["name"] == "n500"
    assert facts(session.proofs.absent("t", ["500"]))["key"] == {"id": "500"}


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("t", ["2"]),
        ("t", ["5"]),
        ("t", ["500"]),
        ("t", ["-3"]),
        ("t", ["9999999"]),
        ("k", ["k77", "78"]),
        ("k", ["s7", "8"]),
        ("empty", ["1"]),
    ],
)
def test_an_absent_key(session: Session, table: str, key: list[str]) -> None:
    data = session.proofs.absent(table, key)
    found = facts(data)
    assert list(found["key"].values()) == key
    for bad in changed(data, max(3, len(data) // 12)):
        try:
            other = verify(bad, check=check).facts
        except ProofError:
            continue
        # Only the question can change: then the answer is of another key that is absent too.
        assert {**other, "key": 0} == {**found, "key": 0}
        with pytest.raises(UsageError, match="no row with the key"):
            session.proofs.row(table, list(other["key"].values()))


def test_a_key_that_is_there_is_not_absent(session: Session) -> None:
    for table, key in (("t", ["1"]), ("t", ["600"]), ("k", ["k7", "7"]), ("k", ["s7", "7"])):
        with pytest.raises(UsageError, match="has a row with the key"):
            session.proofs.absent(table, key)


@pytest.mark.parametrize(("table", "gone", "there"), [("t", "5", "1"), ("t", "5", "600")])
def test_a_lie_about_a_key_is_refused(session: Session, table: str, gone: str, there: str) -> None:
    fields = json.loads(session.proofs.absent(table, [gone]))
    fields["key"] = [there]
    with pytest.raises(ProofError):
        verify(canonical(fields) + b"\n", check=check)


@pytest.mark.parametrize(
    ("old", "new", "value", "absent", "key"),
    [
        ("INTEGER", "DOUBLE", "i", "1", "5.0"),
        ("INTEGER", "DECIMAL(20,2)", "i", "1", "5.00"),
        ("UINTEGER", "UBIGINT", "i", "1", "5"),
        ("DATE", "TIMESTAMP", "DATE '1970-01-01' + i::INT", "1970-01-02", "1970-01-06T00:00:00"),
    ],
)
def test_a_key_whose_type_was_widened_is_still_there(
    tmp_path: Path, old: str, new: str, value: str, absent: str, key: str
) -> None:
    """Files and key indexes hold the narrower type, where the key would be spelled otherwise."""
    create_lake(tmp_path / "lake")
    with closing(connect(tmp_path / "lake")) as session:
        list(session.run(f"CREATE TABLE t (id {old} PRIMARY KEY)"))
        for some in ("range(5, 7)", "range(100, 17000)"):
            list(session.run(f"INSERT INTO t SELECT {value} FROM {some} r(i)"))
        before = json.loads(session.proofs.absent("t", [absent]))
        list(session.run(f"ALTER TABLE t ALTER COLUMN id TYPE {new}"))
        with pytest.raises(UsageError, match="has a row with the key"):
            session.proofs.absent("t", [key])
        verify(session.proofs.row("t", [key]), check=check)
        gone = key.replace("6", "3").replace("5", "2")
        after = session.proofs.absent("t", [gone])
    assert facts(after)["key"] == {"id": gone}
    bundle = json.loads(after)
    for name, evidence in before["files"].items():
        if "keys" in evidence:
            bundle["files"][name] = evidence
    with pytest.raises(ProofError, match="index is of another key"):
        verify(canonical(bundle) + b"\n", check=check)


def test_a_dead_row_is_refused(session: Session) -> None:
    """A proof from before the row was deleted, on the state after it."""
    before = json.loads(session.proofs.row("t", ["500"], at="3"))
    now = json.loads(session.proofs.row("t", ["501"]))
    marks = {"marks": now["file"]["marks"]}
    for file in (before["file"], {**before["file"], **marks}):
        lie = {**now, "at": before["at"], "row": before["row"], "file": file}
        with pytest.raises(ProofError, match=r"deletion vector|no longer counts"):
            verify(canonical(lie) + b"\n", check=check)


def test_a_file_cannot_be_left_out(session: Session) -> None:
    fields = json.loads(session.proofs.absent("t", ["5"]))
    fields["files"].pop(min(fields["files"]))
    with pytest.raises(ProofError, match="other fields"):
        verify(canonical(fields) + b"\n", check=check)


def test_what_cannot_be_proved(session: Session) -> None:
    proofs = session.proofs
    with pytest.raises(UsageError, match="no primary key"):
        proofs.row("free", ["1"])
    with pytest.raises(UsageError, match=r"the key of k is \(a, b\)"):
        proofs.row("k", ["1"])
    with pytest.raises(UsageError, match="cannot be a key"):
        proofs.absent("t", ["x"])
    with pytest.raises(BindError, match="there is no table 'tt'"):
        proofs.table("tt")
    with pytest.raises(UsageError, match="is not before"):
        proofs.changes("t", "3", "3")
    with pytest.raises(UsageError, match="there is no version"):
        proofs.commit(999)
    with pytest.raises(UsageError, match="has had 1 to"):
        proofs.consistency(0)
    with pytest.raises(UsageError, match="cannot begin"):
        proofs.consistency(3, 2)
    with pytest.raises(UsageError, match="ASCII"):
        proofs.state(["é"])
    with pytest.raises(UsageError, match="no cosigned checkpoint"):
        proofs.cosigned()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("PROVE COMMIT 2", "commit"),
        ("PROVE TABLE k AS OF VERSION 7", "table"),
        ("PROVE ROW t KEY (1)", "row"),
        ("PROVE ROW main.k KEY ('k7', 7) AS OF VERSION 7", "row"),
        ("PROVE ABSENT t KEY (-1)", "absent"),
    ],
)
def test_the_statement(session: Session, text: str, kind: str) -> None:
    (result,) = session.run(text)
    (batch,) = result.batches()
    assert result.columns == ["proof"]
    assert verify(batch.column(0)[0].as_py().encode(), check=check).kind == kind


@pytest.mark.parametrize(
    "text",
    ["PROVE", "PROVE x", "PROVE COMMIT x", "PROVE ROW t", "PROVE ROW t KEY ()",
     "PROVE ROW t KEY (x)", "PROVE ROW t KEY (- 'a')", "PROVE ROW t KEY (1", "PROVE TABLE t KEY (1)"],
)  # fmt: skip
def test_a_statement_that_is_none(session: Session, text: str) -> None:
    with pytest.raises(ParseError):
        list(session.run(text))


def test_tables_and_changes_by_name(session: Session) -> None:
    files = facts(session.proofs.table("k"))["files"]
    assert [f["live"] for f in files] == [17000, 2000, 1]
    found = facts(session.proofs.changes("t", "3", "4"))
    assert found["table"] == "main.t"
    assert found["since"] == 3
    assert facts(session.proofs.table("T", at="2"))["files"][0]["rows"] == 2
    assert sys.getsizeof(session.proofs.commit(1)) < 2048
