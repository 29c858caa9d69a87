"""What is damaged is mended from copies or made again, and what cannot be is named."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from engine.archive import back_up, pack, repair
from engine.errors import LakeError, ReadOnlyError
from tests.unit.archive.lakes import contents, grow, opened


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a lakehouse of three segments, a backup, an older backup and an archive."""
    folder = tmp_path_factory.mktemp("repair")
    grow(folder / "shop", 0, 280, every=60)
    back_up(folder / "shop", folder / "older")
    grow(folder / "shop", 280, 540, every=60)
    back_up(folder / "shop", folder / "copy")
    pack(folder / "shop", folder / "shop.gobi")
    return folder


@pytest.fixture
def lake(whole: Path, tmp_path: Path) -> Path:
    shutil.copy(whole / "key", tmp_path / "key")
    shutil.copytree(whole / "shop", tmp_path / "shop")
    return tmp_path / "shop"


def flip(path: Path, dice: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    path.write_bytes(data)


def cut(path: Path, dice: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: dice.randrange(path.stat().st_size)])


def swap(path: Path, _dice: random.Random) -> None:
    path.write_bytes(b"something else entirely")


def lose(path: Path, _dice: random.Random) -> None:
    path.unlink()


HARMS = (flip, *(pytest.param(h, marks=pytest.mark.slow) for h in (cut, swap, lose)))


def kind_of(name: str) -> str:
    return name.rpartition(".")[2] if name.startswith("log/0") else name.partition("/")[0]


def names(lake: Path) -> dict[str, str]:
    """Return one file of each kind, and the first and the last segment."""
    every = sorted(contents(lake))
    found = {kind_of(name): name for name in every}
    return {**found, "checkpoint": "log/checkpoint", "first": "log/00000000-00000000.pack"}


KINDS = ("FORMAT", "wal", "first", "pack", "checkpoint", "objects")


def check(lake: Path, expected: dict[str, bytes]) -> None:
    assert contents(lake) == expected
    assert [finding for finding in opened(lake).verify() if not finding.ok] == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_file_comes_back(kind: str, harm: object, lake: Path, whole: Path) -> None:
    assert callable(harm)
    honest = contents(lake)
    name = names(lake)[kind]
    harm(lake / ".grizzly" / name, random.Random(f"{kind} {harm}"))
    file = lake / ".grizzly" / name
    damaged = file.read_bytes() if file.exists() else None
    source = whole / ("shop.gobi" if kind == "objects" else "copy")
    found = repair(lake, [source])
    assert [(mended.subject, mended.ok) for mended in found] == [(name, True)]
    check(lake, honest)
    kept = [p for p in (lake / ".grizzly" / "trash").rglob("*") if p.is_file()]
    assert [p.read_bytes() for p in kept] == ([] if damaged is None else [damaged])
    assert repair(lake) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_any_damage_to_any_files_comes_back(seed: int, lake: Path, whole: Path) -> None:
    dice, honest = random.Random(seed), contents(lake)
    for name in dice.sample(sorted(honest), dice.randrange(1, len(honest))):
        dice.choice((flip, cut, swap, lose))(lake / ".grizzly" / name, dice)
    assert all(mended.ok for mended in repair(lake, [whole / "older", whole / "shop.gobi"]))
    check(lake, honest)


def test_what_follows_from_the_log_needs_no_copy(lake: Path) -> None:
    honest = contents(lake)
    gone = [n for n in honest if kind_of(n) == "FORMAT" or n == "log/checkpoint"]
    for name in gone:
        (lake / ".grizzly" / name).unlink()
    found = repair(lake)
    assert sorted(mended.subject for mended in found) == sorted(gone)
    assert all(mended.ok for mended in found)
    check(lake, honest)


def test_an_older_copy_mends_what_it_has(lake: Path, whole: Path) -> None:
    honest = contents(lake)
    first, second = (lake / ".grizzly" / "log" / f"{p}-{p}.pack" for p in ("00000000", "00000001"))
    first.write_bytes(b"rot")
    found = repair(lake, [whole / "older"])
    assert [(m.subject, m.ok) for m in found] == [("log/00000000-00000000.pack", True)]
    check(lake, honest)
    second.write_bytes(b"rot")
    (lost,) = repair(lake, [whole / "older"])
    assert not lost.ok
    assert "no copy has" in lost.detail
    assert second.read_bytes() == b"rot"


def test_several_segments_come_from_several_copies(lake: Path, whole: Path) -> None:
    honest = contents(lake)
    for name in ("00000000-00000000.pack", "00000001-00000001.pack", "00000002.wal"):
        (lake / ".grizzly" / "log" / name).write_bytes(b"rot")
    (lake / ".grizzly" / "FORMAT").unlink()
    found = repair(lake, [whole / "older", whole / "copy"])
    assert all(mended.ok for mended in found)
    assert len(found) == 4
    check(lake, honest)


def test_segments_mend_a_pack(lake: Path, whole: Path, tmp_path: Path) -> None:
    pack(whole / "shop", tmp_path / "then.gobi", as_of=259)
    name = "log/00000001-00000001.pack"
    (lake / ".grizzly" / name).write_bytes(b"rot")
    (lost,) = repair(lake, [tmp_path / "then.gobi"])
    assert not lost.ok, "a part of it is no help"
    found = repair(lake, [tmp_path / "then.gobi", whole / "copy"])
    assert [(m.subject, m.ok) for m in found] == [(name, True)]
    assert [finding for finding in opened(lake).verify() if not finding.ok] == []


def test_a_promised_commit_is_not_given_up(lake: Path) -> None:
    wal = lake / ".grizzly" / "log" / "00000002.wal"
    short = wal.read_bytes()[:-10]
    wal.write_bytes(short)
    (lost,) = repair(lake)
    assert (lost.subject, lost.ok) == ("log/00000002.wal", False)
    assert wal.read_bytes() == short


def test_another_history_is_no_help(lake: Path, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole / "older", tmp_path / "fork")
    (tmp_path / "fork" / ".grizzly" / "backup").unlink()
    grow(tmp_path / "fork", 280, 560, every=60)
    wal = lake / ".grizzly" / "log" / "00000001-00000001.pack"
    wal.write_bytes(b"rot")
    (lost,) = repair(lake, [tmp_path / "fork"])
    assert not lost.ok
    assert wal.read_bytes() == b"rot"


def test_an_object_that_is_damaged_in_a_copy_too_comes_from_the_next(
    lake: Path, whole: Path, tmp_path: Path
) -> None:
    honest = contents(lake)
    name = names(lake)["objects"]
    shutil.copytree(whole / "copy", tmp_path / "rotten")
    for folder in (lake, tmp_path / "rotten"):
        (folder / ".grizzly" / name).write_bytes(b"rot")
    (lost,) = repair(lake, [tmp_path / "rotten"])
    assert (lost.subject, lost.ok) == (name, False)
    (mended,) = repair(lake, [tmp_path / "rotten", whole / "shop.gobi"])
    assert mended.ok
    assert "shop.gobi" in mended.detail
    check(lake, honest)


def test_a_backup_is_mended_from_the_lakehouse(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole / "copy", tmp_path / "copy")
    shutil.copy(whole / "key", tmp_path / "key")
    dice = random.Random(3)
    for name in sorted(names(tmp_path / "copy").values()):
        flip(tmp_path / "copy" / ".grizzly" / name, dice)
    found = repair(tmp_path / "copy", [whole / "shop"])
    assert all(mended.ok for mended in found)
    check(tmp_path / "copy", contents(whole / "shop"))


def test_what_is_no_lakehouse_is_refused(lake: Path, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(LakeError):
        repair(tmp_path)
    with pytest.raises(LakeError):
        repair(lake, [tmp_path])
    with pytest.raises(LakeError):
        repair(lake, [tmp_path / "nothing"])
    with pytest.raises(ReadOnlyError):
        repair(whole / "shop.gobi")
