"""The man pages: true to the code, clean to groff, and their examples run."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from engine.session import connect, create_lake
from grizzly_cli import __version__
from grizzly_cli.diagnostics import EXIT_CODES
from grizzly_cli.manpages import EXIT_STATUS, FOLDER, PAGES, roff

SETUP = """
CREATE TABLE t (a INT, b INT, id INT PRIMARY KEY, name STRING, qty INT);
INSERT INTO t VALUES (1, 2, 1, 'x', 1);
UPDATE t SET b = 1; UPDATE t SET b = 2; UPDATE t SET b = 3; UPDATE t SET b = 4;
CREATE SNAPSHOT monday
"""
BEFORE = {
    "CREATE SNAPSHOT monday": "DROP SNAPSHOT monday",
    "CREATE TABLE t (id INT PRIMARY KEY, name STRING, qty INT DEFAULT 0)": "DROP TABLE t",
    "ALTER TABLE t ADD COLUMN note VARCHAR DEFAULT '' AFTER id, DROP COLUMN old": """
        ALTER TABLE t ADD COLUMN old INT, ADD COLUMN day VARCHAR,
        ADD COLUMN address STRUCT(street VARCHAR), ADD COLUMN lines STRUCT(article INT)[]""",
    "ALTER TABLE t ALTER COLUMN qty SET DEFAULT 1, ALTER COLUMN qty SET NOT NULL": """
        DELETE FROM t WHERE qty IS NULL""",
    "CREATE TABLE u (id INT PRIMARY KEY, email VARCHAR UNIQUE, a INT CHECK (a > 0), b INT,": """
        DROP TABLE u""",
    "DIFF SCHEMA SINCE SNAPSHOT 'monday'": "CREATE SNAPSHOT monday",
    "CREATE TABLE t (id INT PRIMARY KEY, day DATE) WITH (type = 'cow')": "DROP TABLE t",
    "VACUUM": "ALTER TABLE t ADD COLUMN name VARCHAR, ADD COLUMN qty INT",
    "DROP BRANCH try": "USE BRANCH main",
    "SELECT * FROM 'blob:prices.csv'": """
        PUT BLOB 'prices.csv' FROM 'flights.csv'; PUT BLOB 'prices' FROM 'flights.csv';
        CREATE OR REPLACE SNAPSHOT monday""",
    "SELECT blob_content('legal/terms.pdf')": "PUT BLOB 'legal/terms.pdf' FROM 'terms.pdf'",
    "PROVE ROW t KEY (42)": "UPSERT INTO t (id) VALUES (42)",
}
"""What an example takes for granted, by its first line."""
BESIDE = {
    "flights.csv": "a,b\n1,2\n",
    "terms.pdf": "Terms",
    "shop.sql": "CREATE TABLE t (id INT PRIMARY KEY, name STRING)",
    "migrations/0001_notes.sql": "CREATE TABLE notes (n INT)\n-- down\nDROP TABLE notes",
    "migrations/0002_widen.sql": """
        ALTER TABLE notes ALTER COLUMN n TYPE BIGINT
        -- down
        ALTER TABLE notes ALTER COLUMN n TYPE INT USING n::INT""",
}
HERE = {"'2026-01-31 12:00'": "now()", "'2 hours ago'": "'0s ago'", "UNDO VERSION 5": "UNDO"}
"""What stands for a moment that this lakehouse does not have."""
FILES = sorted(FOLDER.iterdir())


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_what_the_code_says(name):
    assert (FOLDER / name).read_text() == PAGES[name]()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_pages_are_well_formed(path):
    text = path.read_text()
    assert f'"grizzly {__version__}"' in text.splitlines()[0]
    for name, section in re.findall(
        r"\b([a-z]+(?:\\-[a-z]+)*)\((\d)\)", text.split(".SH SEE ALSO")[1]
    ):
        assert (FOLDER / f"{name.replace(chr(92), '')}.{section}").exists()
    if shutil.which("groff"):
        done = subprocess.run(
            ["groff", "-man", "-ww", "-z", "-Tutf8", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_every_exit_status_is_explained():
    explained = {int(code) for code, _ in EXIT_STATUS}
    assert {code for _, code in EXIT_CODES} | {0, 4, 6, 70, 130, 141} == explained


def test_roff_keeps_what_it_is_given():
    assert roff(".a\n'b\\c-d") == "\\&.a\n\\(aqb\\ec\\-d"


def test_the_language_s_examples_run(tmp_path, monkeypatch):
    text = (FOLDER / "pl-grizzly.7").read_text()
    examples = "\n".join(re.findall(r"^\.EX\n(.*?)^\.EE", text, re.DOTALL | re.MULTILINE))
    examples = examples.replace("\\(aq", "'").replace("\\-", "-")
    monkeypatch.chdir(tmp_path)
    for name, content in BESIDE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    create_lake(tmp_path / "shop")
    session = connect(tmp_path / "shop")
    run_all(session, SETUP)
    assert session.version >= 7
    for example in re.findall(r"^\S.*(?:\n +\S.*)*", examples, re.MULTILINE):
        run_all(session, BEFORE.get(example.splitlines()[0], ""))
        run_all(session, re.sub("|".join(HERE), lambda found: HERE[found[0]], example))
    session.close()


def run_all(session, text):
    for result in session.run(text):
        assert result.table() is not None, text
