"""Blobs: bytes under names, versioned and checked like rows, and readable as files."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import (
    BindError,
    CorruptError,
    ExecutionError,
    GrizzlyError,
    IoError,
    UnsupportedError,
    UsageError,
)
from engine.session import Session, connect, create_lake
from grammar import ParseError

BIG = os.urandom(200_000)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    create_lake(tmp_path / "shop")
    return tmp_path / "shop"


@pytest.fixture
def session(lake: Path) -> Iterator[Session]:
    with closing(connect(lake)) as session:
        yield session


def run(session: Session, sql: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for result in session.run(sql):
        rows = result.table().to_pylist() if result.kind == "rows" else []
    return rows


def put(session: Session, name: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    run(session, f"PUT BLOB '{name}' FROM '{path}'")


def got(session: Session, name: str) -> bytes:
    return b"".join(session.blobs.read(name))


def test_what_was_put_comes_back_and_older_versions_stay(session: Session, tmp_path: Path) -> None:
    for version, data in enumerate([b"", b"small", BIG], start=1):
        put(session, "a/b ü.bin", data, tmp_path)
        assert got(session, "a/b ü.bin") == data
        found = session.blobs.stat("a/b ü.bin")
        assert (found.bytes, found.version) == (len(data), version)
        assert found.sha256 == hashlib.sha256(data).hexdigest()
        assert found.inlined == (data is not BIG)
    run(session, "DROP BLOB 'a/b ü.bin'")
    with pytest.raises(BindError):
        got(session, "a/b ü.bin")
    with closing(connect(session.path, as_of="2")) as then:
        assert got(then, "a/b ü.bin") == b"small"
    rows = run(session, "SELECT * FROM grizzly.blobs AS OF VERSION 3")
    sha256 = hashlib.sha256(BIG).hexdigest()
    assert rows == [{"name": "a/b ü.bin", "bytes": len(BIG), "sha256": sha256, "version": 3}]


def test_the_same_bytes_are_kept_once(session: Session, lake: Path, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        put(session, name, BIG, tmp_path)
    before = session.version
    put(session, "one", BIG, tmp_path)
    assert session.version == before
    assert len(list((lake / ".grizzly" / "objects").rglob("*/*"))) == 1


def test_a_blob_is_read_as_a_file(session: Session, tmp_path: Path) -> None:
    put(session, "d.csv", b"a,b\n1,x\n2,y\n", tmp_path)
    put(session, "d.json", b'[{"a": 3}]', tmp_path)
    run(session, f"COPY (SELECT range AS a FROM range(50000)) TO '{tmp_path}/r.parquet'")
    run(session, f"PUT BLOB 'r.parquet' FROM '{tmp_path}/r.parquet'")
    assert run(session, "FROM 'blob:d.csv'") == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    assert run(session, "SELECT a FROM 'blob:d.json'") == [{"a": 3}]
    assert run(session, "SELECT sum(a) AS n FROM 'blob:r.parquet'") == [{"n": 1249975000}]
    put(session, "d.csv", b"a;b\n7;z\n", tmp_path)
    assert run(session, "FROM read_csv('blob:d.csv', delim = ';')") == [{"a": 7, "b": "z"}]
    assert run(session, "SELECT b FROM 'blob:d.csv' AS OF VERSION 1 WHERE a = 2") == [{"b": "y"}]
    run(session, "CREATE TABLE t AS SELECT * FROM 'blob:d.csv' AS OF VERSION 1")
    assert run(session, "SELECT count(*) AS n FROM t") == [{"n": 2}]


def test_a_blob_is_a_value(session: Session, tmp_path: Path) -> None:
    put(session, "x", b"one\0two", tmp_path)
    assert run(session, "SELECT blob_content('x')") == [{"blob_content": b"one\0two"}]
    run(session, "CREATE TABLE t (v BLOB); INSERT INTO t VALUES (blob_content('x'))")
    assert run(session, "SELECT v FROM t WHERE v = blob_content('x')") == [{"v": b"one\0two"}]


def test_blobs_belong_to_transactions(session: Session, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"new")
    put_it = f"PUT BLOB 'x' FROM '{tmp_path}/file'"
    run(session, f"BEGIN; {put_it}")
    assert run(session, "SELECT blob_content('x') AS v") == [{"v": b"new"}]
    run(session, "ROLLBACK")
    assert run(session, "FROM grizzly.blobs") == []
    run(session, f"BEGIN; CREATE TABLE t (a INT); {put_it}; COMMIT")
    assert session.blobs.stat("x").version == session.version == 1


@pytest.mark.parametrize(
    ("sql", "error", "words"),
    [
        ("FROM 'blob:none.csv'", BindError, "no blob 'none.csv'"),
        ("SELECT blob_content('xy')", BindError, "no blob 'xy'"),
        ("SELECT blob_content(a) FROM (SELECT 1 AS a)", UnsupportedError, "constant"),
        ("FROM 'blob:x'", UnsupportedError, "does not tell its format"),
        ("DROP BLOB y", BindError, "no blob 'y'"),
        ("PUT BLOB 'y' FROM '/no/such/file'", IoError, "cannot read"),
        ("PUT BLOB 'y' FROM '/'", IoError, "cannot read"),
        ("FROM 'blob:bad.csv'", ExecutionError, "blob:bad.csv, line 3"),
    ],
)
def test_what_cannot_be_is_said(
    sql: str, error: type[GrizzlyError], words: str, session: Session, tmp_path: Path
) -> None:
    put(session, "x", b"1", tmp_path)
    put(session, "bad.csv", b"a,b\n1,2\n3\n", tmp_path)
    with pytest.raises(error) as caught:
        run(session, sql)
    assert words in caught.value.message
    assert str(tmp_path) not in caught.value.message
    assert "grizzly-blob" not in caught.value.message


def test_names_have_limits(session: Session, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for name in ("", "x" * 1000):
        with pytest.raises((ParseError, UsageError), match="name"):
            run(session, f"PUT BLOB '{name}' FROM '{tmp_path}/file'")


def test_no_byte_of_a_damaged_blob_answers(session: Session, lake: Path, tmp_path: Path) -> None:
    put(session, "d.csv", b"a\n" + b"1\n" * 100_000, tmp_path)
    (path,) = (lake / ".grizzly" / "objects").rglob("*/*")
    data = bytearray(path.read_bytes())
    data[150_001] ^= 8
    path.write_bytes(data)
    for sql in ("SELECT sum(a) FROM 'blob:d.csv'", "SELECT octet_length(blob_content('d.csv'))"):
        with pytest.raises(CorruptError):
            run(session, sql)
    with pytest.raises(CorruptError):
        got(session, "d.csv")
    assert any(not finding.ok for finding in session.verify())


def test_memory_is_bounded(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    run(session, f"PUT BLOB 'large' FROM '{path}'")
    size = sum(len(piece) for piece in session.blobs.read("large"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == 64 << 20
    assert peak < 8 << 20
