"""One table in an archive: it answers as in the lakehouse, proves itself, and shows nothing else."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from engine.archive import ArchiveStore, Excerpt, pack_table, restore, unpack, verify_archive
from engine.errors import (
    ArchiveError,
    BindError,
    CorruptError,
    GrizzlyError,
    ReadOnlyError,
    UsageError,
)
from engine.session import Session, connect, create_lake
from tests.unit.archive import forge


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("excerpt") / "shop"
    create_lake(folder)
    with closing(connect(folder)) as session:
        run(
            session,
            "CREATE TABLE hidden_before (a INT); INSERT INTO hidden_before VALUES (41);"
            "CREATE TABLE t (id INT PRIMARY KEY, s TEXT);"
            "INSERT INTO t SELECT i, md5(i::TEXT) FROM range(5000) r(i);"
            "CREATE TABLE hidden_after (a INT); INSERT INTO hidden_after VALUES (42);"
            "INSERT INTO t VALUES (-1, 'small'); DELETE FROM t WHERE id = 5;",
        )
    return folder


def run(session: Session, sql: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for result in session.run(sql):
        rows = result.table().to_pylist() if result.kind == "rows" else []
    return rows


ALL = "SELECT * FROM t ORDER BY id"


def test_a_table_answers_as_in_its_lakehouse(lake: Path, tmp_path: Path) -> None:
    report = pack_table(lake, tmp_path / "t.gobi", "t")
    assert pack_table(lake, tmp_path / "again.gobi", "main.T").sha256 == report.sha256
    pack_table(lake, tmp_path / "then.gobi", "t", as_of=4)
    with closing(connect(lake)) as there, closing(connect(tmp_path / "t.gobi")) as here:
        assert run(here, ALL) == run(there, ALL)
        assert [table.name for table in here.tables()] == ["t"]
        assert here.version == there.version
        with closing(connect(tmp_path / "then.gobi")) as then:
            assert run(then, ALL) == run(there, "SELECT * FROM t AS OF VERSION 4 ORDER BY id")
    assert all(finding.ok for finding in verify_archive(tmp_path / "t.gobi"))


def test_an_excerpt_shows_and_does_nothing_else(lake: Path, tmp_path: Path) -> None:
    pack_table(lake, tmp_path / "t.gobi", "t")
    with closing(connect(tmp_path / "t.gobi")) as session:
        refusals: list[tuple[str, type[GrizzlyError]]] = [
            ("SELECT * FROM hidden_before", BindError),
            ("SELECT * FROM t AS OF VERSION 1", UsageError),
            ("CHANGES FROM t SINCE VERSION 1", UsageError),
            ("DELETE FROM t", ReadOnlyError),
        ]
        for sql, error in refusals:
            with pytest.raises(error):
                run(session, sql)
    for made in (
        lambda: unpack(tmp_path / "t.gobi", tmp_path / "x"),
        lambda: restore(tmp_path / "t.gobi", tmp_path / "x"),
    ):
        with pytest.raises(ArchiveError, match="only one table"):
            made()
    assert not (tmp_path / "x").exists()
    with pytest.raises(BindError):
        pack_table(lake, tmp_path / "y.gobi", "nothing")
    with pytest.raises(UsageError):
        pack_table(lake, tmp_path / "y.gobi", "t", as_of=99)
    assert not (tmp_path / "y.gobi").exists()


def test_a_proof_that_is_forged_in_a_sound_frame_is_refused(lake: Path, tmp_path: Path) -> None:
    pack_table(lake, tmp_path / "t.gobi", "t")
    store = ArchiveStore(tmp_path / "t.gobi", partial=True)
    files = {name: store.read(name) for name in store.names}
    proof = files["proof/table.json"]

    def forged(name: str, data: bytes, table: str | None = store.table) -> Path:
        changed = {**files, name: data}
        honest = forge.manifest_of(changed)
        manifest = forge.gobi.Manifest(honest.checkpoint, honest.members, table=table)
        path = tmp_path / "forged.gobi"
        path.write_bytes(forge.assemble(manifest, changed))
        return path

    def refused(path: Path) -> None:
        with pytest.raises((ArchiveError, CorruptError)):
            Excerpt.read(ArchiveStore(path, partial=True))

    for place in range(0, len(proof), max(1, len(proof) // 60)):
        harmed = bytearray(proof)
        harmed[place] ^= 2
        refused(forged("proof/table.json", bytes(harmed)))
    refused(forged("proof/table.json", proof, "0" * 16))
    refused(forged("log/checkpoint", files["log/checkpoint"] + b"x"))
    for data in (b"", b"{}\n", b"[" * 5000, json.dumps({"kind": "table"}).encode()):
        refused(forged("proof/table.json", data))


def test_an_object_that_is_missing_or_another_is_named(lake: Path, tmp_path: Path) -> None:
    pack_table(lake, tmp_path / "t.gobi", "t")
    store = ArchiveStore(tmp_path / "t.gobi", partial=True)
    files = {name: store.read(name) for name in store.names}
    objects = [name for name in files if name.startswith("objects/")]
    for name in objects:
        for changed in ({n: d for n, d in files.items() if n != name}, {**files, name: b"rot"}):
            honest = forge.manifest_of(changed)
            manifest = forge.gobi.Manifest(honest.checkpoint, honest.members, table=store.table)
            path = tmp_path / "forged.gobi"
            path.write_bytes(forge.assemble(manifest, changed))
            assert name in [f.subject for f in verify_archive(path) if not f.ok]
