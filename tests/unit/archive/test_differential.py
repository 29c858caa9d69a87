"""Archives of older moments, and of what is new since one: cut exactly, applied only where they fit."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.archive import (
    ArchiveStore,
    apply,
    back_up,
    pack,
    restore,
    unpack,
    unpack_onto,
    verify_archive,
)
from engine.errors import (
    ArchiveError,
    CorruptError,
    GrizzlyError,
    ReadOnlyError,
    UsageError,
    VerificationError,
)
from tests.unit.archive import forge
from tests.unit.archive.lakes import contents, grow, opened

STEPS = (5, 255, 256, 300, 520)


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one lakehouse at several versions: `5`, `255`, … as they grew, and archives."""
    folder = tmp_path_factory.mktemp("stages")
    made = 0
    for version in STEPS:
        grow(folder / "shop", made, version, every=40)
        made = version
        shutil.copytree(folder / "shop", folder / str(version))
        pack(folder / "shop", folder / f"{version}.gobi")
    return folder


@pytest.fixture
def lake(stages: Path, tmp_path: Path) -> Path:
    return at(stages, tmp_path, 255)


def at(stages: Path, tmp_path: Path, version: int) -> Path:
    shutil.copytree(stages / str(version), tmp_path / "mine")
    shutil.copy(stages / "key", tmp_path / "key")
    return tmp_path / "mine"


@pytest.mark.parametrize("version", STEPS)
def test_an_older_moment_packs_to_the_bytes_of_then(
    version: int, stages: Path, tmp_path: Path
) -> None:
    pack(stages / "shop", tmp_path / "then.gobi", as_of=version)
    honest = (stages / f"{version}.gobi").read_bytes()
    assert (tmp_path / "then.gobi").read_bytes() == honest
    pack(stages / "520.gobi", tmp_path / "again.gobi", as_of=version)
    assert (tmp_path / "again.gobi").read_bytes() == honest
    restore(stages / "shop", tmp_path / "then", at=version)
    assert contents(tmp_path / "then") == contents(stages / str(version))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (5, 255),
        (255, 256),
        (300, 520),
        *(pytest.param(*pair, marks=pytest.mark.slow) for pair in ((5, 520), (256, 300))),
    ],
)
def test_what_is_new_makes_the_old_new(old: int, new: int, stages: Path, tmp_path: Path) -> None:
    report = pack(stages / "shop", tmp_path / "news.gobi", since=old, as_of=new)
    again = pack(stages / str(new), tmp_path / "again.gobi", since=old)
    assert report.sha256 == again.sha256
    if old > 5:
        assert report.bytes < (stages / f"{new}.gobi").stat().st_size
    assert all(finding.ok for finding in verify_archive(tmp_path / "news.gobi"))
    lake = at(stages, tmp_path, old)
    applied = apply(tmp_path / "news.gobi", lake)
    assert (applied.since, applied.commits) == (old + 1, new + 1)
    assert contents(lake) == contents(stages / str(new))
    assert all(finding.ok for finding in opened(lake).verify())
    assert apply(tmp_path / "news.gobi", lake).files == 0
    unpack_onto(tmp_path / "news.gobi", stages / f"{old}.gobi", tmp_path / "both")
    assert contents(tmp_path / "both") == contents(lake)


def test_a_lakehouse_further_on_the_same_line_takes_the_rest(stages: Path, tmp_path: Path) -> None:
    pack(stages / "shop", tmp_path / "news.gobi", since=255)
    lake = at(stages, tmp_path, 300)
    assert apply(tmp_path / "news.gobi", lake).since == 301
    assert contents(lake) == contents(stages / "520")
    back_up(stages / "300", tmp_path / "copy")
    apply(tmp_path / "news.gobi", tmp_path / "copy")
    assert contents(tmp_path / "copy") == contents(stages / "520")


def test_only_the_right_base_is_taken(lake: Path, stages: Path, tmp_path: Path) -> None:
    news = tmp_path / "news.gobi"
    pack(stages / "shop", news, since=255)
    before = contents(lake)
    fork = tmp_path / "fork"
    shutil.copytree(stages / "5", fork)
    for size in (6, 300):
        grow(fork, opened(fork).head.seq, size, every=3)
        kept = contents(fork)
        with pytest.raises(UsageError if size == 6 else VerificationError):
            apply(news, fork)
        assert contents(fork) == kept
    grow(tmp_path / "other", 0, 300, every=100)
    with pytest.raises(UsageError, match="another lakehouse"):
        apply(news, tmp_path / "other")
    with pytest.raises(UsageError, match="begins after version 255"):
        apply(news, stages / "5")
    with pytest.raises(ReadOnlyError):
        apply(news, stages / "255.gobi")
    with pytest.raises(UsageError, match="whole"):
        apply(stages / "300.gobi", lake)
    with pytest.raises(VerificationError):
        unpack_onto(news, fork, tmp_path / "both")
    assert not (tmp_path / "both").exists()
    assert contents(lake) == before


def test_a_differential_archive_is_no_lakehouse(stages: Path, tmp_path: Path) -> None:
    news = tmp_path / "news.gobi"
    pack(stages / "shop", news, since=300)
    for refused in (
        lambda: ArchiveStore(news),
        lambda: unpack(news, tmp_path / "x"),
        lambda: pack(news, tmp_path / "y.gobi"),
    ):
        with pytest.raises(ArchiveError, match="since version 300"):
            refused()
    for since, version in ((520, None), (300, 300), (600, None), (3, 999), (-1, None)):
        with pytest.raises(UsageError):
            pack(stages / "shop", tmp_path / "y.gobi", since=since, as_of=version)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["news.gobi"]


def test_every_harm_to_a_differential_archive_is_refused(
    stages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda _fd: None)
    news = tmp_path / "news.gobi"
    pack(stages / "shop", news, since=300, as_of=302)
    lake = at(stages, tmp_path, 300)
    honest, before = news.read_bytes(), contents(lake)
    for place in range(0, len(honest), 499):
        harmed = bytearray(honest)
        harmed[place] ^= 1 << (place % 8)
        for data in (bytes(harmed), honest[:place]):
            news.write_bytes(data)
            with pytest.raises((ArchiveError, CorruptError)):
                apply(news, lake)
            assert contents(lake) == before


def lies() -> dict[str, Any]:
    base = {"size": 3, "root": "0" * 64}
    return {
        "size": {**base, "size": 0},
        "float": {**base, "size": 3.0},
        "true": {**base, "size": True},
        "huge": {**base, "size": 1 << 61},
        "root": {**base, "root": "xyz"},
        "field": {**base, "more": 1},
        "kind": [3, "0" * 64],
    }


@pytest.mark.parametrize("base", lies().values(), ids=lies().keys())
def test_a_base_that_lies_is_refused(base: Any) -> None:
    with pytest.raises(ArchiveError):
        forge.gobi.parse_manifest(forge.forged_manifest(lambda d: d.update(base=base, version=2)))


def test_news_that_are_forged_are_refused(stages: Path, tmp_path: Path) -> None:
    """A sound frame around a log that does not follow, or that carries other bytes."""
    pack(stages / "shop", tmp_path / "news.gobi", since=300, as_of=303)
    store = ArchiveStore(tmp_path / "news.gobi", partial=True)
    files = {name: store.read(name) for name in store.names}
    lake = at(stages, tmp_path, 300)
    before = contents(lake)
    (wal,) = [name for name in files if name.endswith(".wal")]
    for place in range(40, len(files[wal]), len(files[wal]) // 15):
        harmed = bytearray(files[wal])
        harmed[place] ^= 4
        forged = {**files, wal: bytes(harmed)}
        manifest = forge.gobi.Manifest(
            store.checkpoint, forge.manifest_of(forged).members, store.base
        )
        (tmp_path / "forged.gobi").write_bytes(forge.assemble(manifest, forged))
        with pytest.raises(GrizzlyError):
            apply(tmp_path / "forged.gobi", lake)
        assert contents(lake) == before
