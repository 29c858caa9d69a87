"""No changed byte of any file ever changes an answer, and verification finds every one."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING, TypeVar

import pytest

from engine.errors import StorageError
from engine.objectstore import layout
from tests.unit.timeline import lakes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "shop"
    timeline = lakes.make(path, 3)
    timeline.put_object(b"a data file")
    return path


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sealed") / "shop"
    timeline = lakes.make(path, 262)
    timeline.compact()
    timeline.put_object(b"a data file")
    return path


def names(error: StorageError, lake: Path) -> bool:
    subject = error.subject or ""
    return subject.startswith("commit ") or "/" in subject or (lake / subject).exists()


T = TypeVar("T")


def told(ask: Callable[[], T], lake: Path) -> T | None:
    """Return an answer, or None when it is refused; a refusal must name what is wrong."""
    try:
        return ask()
    except StorageError as error:
        if not names(error, lake):
            raise
        return None


def try_answers(lake: Path, good: object) -> bool:
    """Return whether there are answers, which must be right."""
    found = told(lambda: lakes.answers(lake), lake)
    assert found in (None, good)
    return found is not None


def verified(lake: Path, file: Path) -> bool:
    """Return whether verification calls the lake clean; if not it must name the file."""
    path = file.relative_to(lake).as_posix()
    wrong = told(lambda: [f for f in lakes.reopen(lake).verify() if not f.ok], lake)
    if wrong is None:
        return False
    assert not wrong or path in {finding.subject for finding in wrong}, wrong
    return not wrong


def check(lake: Path, good: object, file: Path, changed: bytes) -> None:
    original = file.read_bytes()
    file.write_bytes(changed)
    try:
        try_answers(lake, good)
        assert not verified(lake, file), f"{file} changed unnoticed"
    finally:
        file.write_bytes(original)


def test_every_file_of_a_small_lake(small: Path) -> None:
    good = lakes.answers(small)
    chance = random.Random(1)
    for file in lakes.files(small):
        data = file.read_bytes()
        for place in range(0, len(data), 1 if len(data) < 300 else 13):
            value = data[place] ^ (1 << chance.randrange(8))
            check(small, good, file, data[:place] + bytes([value]) + data[place + 1 :])


def flipped(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]


def test_no_flip_in_a_sealed_lake_changes_an_answer(sealed: Path) -> None:
    good = lakes.answers(sealed)
    chance = random.Random(2)
    for file in lakes.files(sealed):
        data = file.read_bytes()
        for _ in range(3):
            file.write_bytes(flipped(data, chance))
            try_answers(sealed, good)
        file.write_bytes(data)


@pytest.mark.parametrize(
    "change",
    [
        flipped,
        lambda data, _: data[:-1],
        lambda data, _: data + b"\0",
        lambda data, _: data[: len(data) // 2] + data[len(data) // 2 + 1 :],
    ],
)
def test_verification_names_every_changed_file(
    sealed: Path, tmp_path: Path, change: Callable[[bytes, random.Random], bytes]
) -> None:
    shutil.copytree(sealed, tmp_path / "shop")
    timeline = lakes.reopen(tmp_path / "shop", writable=False)
    changed = [file for file in lakes.files(tmp_path / "shop") if file.suffix != ".wal"]
    chance = random.Random(3)
    for file in changed:
        file.write_bytes(change(file.read_bytes(), chance))
    wrong = {finding.subject for finding in timeline.verify() if not finding.ok}
    assert wrong == {file.relative_to(tmp_path / "shop").as_posix() for file in changed}


def test_verification_finds_any_flip_in_the_log(sealed: Path) -> None:
    timeline = lakes.reopen(sealed, writable=False)
    chance = random.Random(4)
    for file in (sealed / layout.LOG).glob("*.wal"):
        data = file.read_bytes()
        for _ in range(4):
            file.write_bytes(flipped(data, chance))
            try:
                wrong = {finding.subject for finding in timeline.verify() if not finding.ok}
            finally:
                file.write_bytes(data)
            assert wrong == {file.relative_to(sealed).as_posix()}


def test_a_file_swapped_for_another_of_its_kind_changes_no_answer(sealed: Path) -> None:
    good = lakes.answers(sealed)
    found = [file for file in lakes.files(sealed) if file.name != "checkpoint"]
    for first in found:
        for second in found:
            alike = first.parent.parent == second.parent.parent and first.suffix == second.suffix
            if alike and first.read_bytes() != second.read_bytes():
                check(sealed, good, first, second.read_bytes())
                break


def test_an_older_log_under_a_newer_checkpoint(tmp_path: Path) -> None:
    timeline = lakes.make(tmp_path / "shop", 3)
    shutil.copytree(tmp_path / "shop" / layout.LOG, tmp_path / "old")
    lakes.fill(timeline, 3)
    shutil.copy(tmp_path / "old" / "00000000.wal", tmp_path / "shop" / layout.segment(0))
    with pytest.raises(StorageError) as caught:
        lakes.reopen(tmp_path / "shop")
    assert caught.value.subject == layout.segment(0)


def test_a_checkpoint_that_counts_too_many_is_named(tmp_path: Path) -> None:
    text = lakes.make(tmp_path / "shop", 3).checkpoint
    file = tmp_path / "shop" / layout.CHECKPOINT
    for count in ("5", "4000"):
        file.write_text(text.replace("\n4\n", f"\n{count}\n"), encoding="utf-8")
        with pytest.raises(StorageError) as caught:
            lakes.reopen(tmp_path / "shop")
        assert caught.value.subject == layout.CHECKPOINT


def test_another_lakes_log(tmp_path: Path) -> None:
    class OtherClock(lakes.TickingClock):
        def token(self) -> str:
            return "f" * 32

    from engine.objectstore import LocalStore
    from engine.timeline import Timeline

    lakes.make(tmp_path / "shop", 3)
    other = Timeline.create(LocalStore(tmp_path / "other"), clock=OtherClock(), signer=lakes.SIGNER)
    lakes.fill(other, 3)
    shutil.rmtree(tmp_path / "shop" / layout.LOG)
    shutil.copytree(tmp_path / "other" / layout.LOG, tmp_path / "shop" / layout.LOG)
    with pytest.raises(StorageError, match="another lakehouse"):
        lakes.reopen(tmp_path / "shop")


def test_verification_names_every_file_once(sealed: Path) -> None:
    steps: list[tuple[int, int]] = []
    timeline = lakes.reopen(sealed, writable=False)
    subjects = [finding.subject for finding in timeline.verify(lambda *now: steps.append(now))]
    assert sorted(subjects) == sorted(
        file.relative_to(sealed).as_posix() for file in lakes.files(sealed)
    )
    assert steps[-1][0] == steps[-1][1]
    assert steps == sorted(steps)


def test_verification_goes_on_after_damage(sealed: Path, tmp_path: Path) -> None:
    shutil.copytree(sealed, tmp_path / "shop")
    timeline = lakes.reopen(tmp_path / "shop", writable=False)
    damaged = [tmp_path / "shop" / layout.pack(0, 0), tmp_path / "shop" / layout.CHECKPOINT]
    damaged += lakes.files(tmp_path / "shop" / layout.OBJECTS)
    for file in damaged:
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 4
        file.write_bytes(data)
    findings = list(timeline.verify())
    assert {finding.subject for finding in findings if not finding.ok} == {
        file.relative_to(tmp_path / "shop").as_posix() for file in damaged
    }
