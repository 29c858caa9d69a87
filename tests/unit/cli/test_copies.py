"""Copies from the command line: what is said, what is returned, what is there afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from grizzly_cli.__main__ import run

Program = Callable[..., tuple[int, str, str]]


@pytest.fixture
def program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Program:
    """Return what runs the program in a folder with the lakehouse `shop`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")

    def grizzly(*argv: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run(list(argv))
        out, err = capfd.readouterr()
        return code, out, err

    grizzly("init", "shop")
    insert(grizzly, 1)
    return grizzly


def insert(grizzly: Program, number: int) -> None:
    grizzly("-d", "shop", "query", "CREATE TABLE IF NOT EXISTS t (id INT, s TEXT)")
    code, _, err = grizzly(
        "-d", "shop", "query", f"INSERT INTO t SELECT {number}, md5(i::TEXT) FROM range(3000) r(i)"
    )
    assert code == 0, err


def count(grizzly: Program, lake: str) -> str:
    return grizzly("-d", lake, "query", "-F", "csv", "SELECT count(*) AS n FROM t")[1]


def test_a_backup_is_made_continued_listed_verified_and_restored(program: Program) -> None:
    code, out, err = program("-d", "shop", "backup", "copy")
    assert (code, out) == (0, "")
    assert err.startswith("backed up to copy: version 2, 3 new commits, ")
    insert(program, 2)
    code, out, _ = program("-d", "shop", "backup", "copy", "--json")
    (row,) = json.loads(out)
    assert (code, row["since"], row["commits"]) == (0, 3, 4)
    code, out, _ = program("backup", "--list", "copy")
    assert (code, len(out.splitlines())) == (0, 3)
    assert program("backup", "--verify", "copy")[0] == 0
    code, _, err = program("restore", "copy", "again")
    assert (code, err.startswith("restored copy to again: version 3")) == (0, True)
    assert count(program, "again") == count(program, "shop") == "n\n6000\n"
    assert program("restore", "copy", "again")[0] == 2


def test_a_backup_is_only_read(program: Program) -> None:
    program("-d", "shop", "backup", "copy")
    code, _, err = program("-d", "copy", "query", "DELETE FROM t")
    assert code == 1
    assert "grizzly restore" in err
    assert count(program, "copy") == "n\n3000\n"


def test_a_lakehouse_that_does_not_continue_its_backup_is_refused(program: Program) -> None:
    program("-d", "shop", "backup", "copy")
    program("restore", "copy", "older")
    insert(program, 2)
    program("-d", "shop", "backup", "copy")
    code, _, err = program("-d", "older", "backup", "copy")
    assert code == 5
    assert "rolled back" in err
    assert program("backup", "--list", "shop")[0] == 2
    assert program("backup", "--list", "--verify", "copy")[0] == 2


def test_damage_is_mended_from_copies(program: Program, tmp_path: Path) -> None:
    program("-d", "shop", "backup", "copy")
    (file,) = {
        p
        for p in (tmp_path / "shop" / ".grizzly" / "objects").rglob("*/*")
        if p.stat().st_size > 40_000
    }
    file.write_bytes(b"rot")
    assert program("-d", "shop", "verify")[0] == 5
    code, _, err = program("-d", "shop", "repair")
    assert code == 5
    assert "1 of 1 damaged file could not be mended" in err
    code, out, _ = program("-d", "shop", "repair", "--from", "copy", "--json")
    (row,) = json.loads(out)
    assert (code, row["ok"]) == (0, True)
    assert program("-d", "shop", "verify")[0] == 0
    assert "nothing is damaged" in program("-d", "shop", "repair")[2]
    file.write_bytes(b"rot")
    program("pack", "copy", "-o", "copy.gobi")
    assert program("-d", "shop", "repair", "--from", "copy.gobi")[0] == 0
    assert program("-d", "copy.gobi", "repair")[0] == 1


def test_what_is_new_travels_in_a_file(program: Program) -> None:
    program("pack", "shop", "-o", "first.gobi")
    program("unpack", "first.gobi", "there")
    insert(program, 2)
    program("-d", "shop", "query", "CREATE SNAPSHOT monday")
    code, _, err = program("pack", "shop", "--since", "2", "--as-of", "monday", "-o", "news.gobi")
    assert code == 0, err
    assert program("verify", "news.gobi")[0] == 0
    code, _, err = program("-d", "there", "apply", "news.gobi")
    assert (code, err.startswith("applied news.gobi: version 3, 1 new commit, ")) == (0, True)
    assert count(program, "there") == count(program, "shop")
    assert "nothing of news.gobi is new" in program("-d", "there", "apply", "news.gobi")[2]
    assert program("unpack", "news.gobi", "both", "--onto", "first.gobi")[0] == 0
    assert count(program, "both") == count(program, "shop")
    code, _, err = program("-d", "news.gobi", "query", "SELECT 1")
    assert code == 3
    assert "grizzly apply" in err
    program("pack", "shop", "--as-of", "2", "-o", "then.gobi")
    assert Path("then.gobi").read_bytes() == Path("first.gobi").read_bytes()


def test_blobs_are_put_listed_given_back_and_forgotten(program: Program) -> None:
    Path("a.txt").write_bytes(b"one\n")
    assert program("-d", "shop", "blob", "put", "a.txt", "docs/a.txt")[0] == 0
    assert program("-d", "shop", "blob", "put", "a.txt")[0] == 0
    out = program("-d", "shop", "blob", "list", "docs/", "-F", "csv")[1]
    assert out.splitlines()[1].startswith("docs/a.txt,4,")
    Path("a.txt").write_bytes(b"two\n")
    program("-d", "shop", "blob", "put", "a.txt", "docs/a.txt")
    assert program("-d", "shop", "blob", "get", "docs/a.txt")[1] == "two\n"
    version = json.loads(program("-d", "shop", "blob", "stat", "docs/a.txt", "--json")[1])[0][
        "version"
    ]
    then = str(version - 1)
    assert program("-d", "shop", "blob", "get", "docs/a.txt", "--as-of", then)[1] == "one\n"
    assert program("-d", "shop", "blob", "get", "docs/a.txt", "-o", "b.txt")[0] == 0
    assert Path("b.txt").read_bytes() == b"two\n"
    assert program("-d", "shop", "blob", "delete", "docs/a.txt")[0] == 0
    code, out, err = program("-d", "shop", "blob", "get", "docs/a.txt", "-o", "b.txt")
    assert (code, out) == (1, "")
    assert "there is no blob" in err
    assert Path("b.txt").read_bytes() == b"two\n"
    assert program("-d", "shop", "blob", "delete", "x")[0] == 1
    assert program("-d", "shop", "blob", "delete", "x", "--if-exists")[0] == 0
    assert program("-d", "shop", "blob", "put", "-")[0] == 2
