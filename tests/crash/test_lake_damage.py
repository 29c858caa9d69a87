"""Damage anywhere in a lakehouse: a right answer, or an error that names the object, never a wrong one."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from engine.archive import pack
from engine.errors import GrizzlyError
from engine.session import connect, create_lake
from engine.timeline import Proposal
from grizzly_cli.diagnostics import exit_code
from tests.crash.writers import run

QUESTIONS = (
    "SELECT * FROM t ORDER BY id",
    "SELECT qty, count(*) AS n FROM t GROUP BY qty ORDER BY qty",
    "SELECT * FROM t WHERE id = 1234",
    "SELECT count(*) AS n FROM t",
    "SELECT max(id) AS top, sum(qty) AS total FROM t AS OF VERSION 2",
    "SELECT * FROM t AS OF VERSION 3 WHERE name LIKE 'n100%' ORDER BY id",
    "SELECT * FROM u ORDER BY k",
    "SELECT id, name, qty, _change FROM (CHANGES FROM t SINCE VERSION 2 UNTIL VERSION 5) ORDER BY ALL",
    "SELECT version, op FROM grizzly.timeline ORDER BY version",
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of every kind: a pack, a segment, ORC, statistics, deletion vectors."""
    folder = tmp_path_factory.mktemp("flips") / "lake"
    create_lake(folder)
    with closing(connect(folder)) as session:
        run(session, "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR, qty INTEGER)")
        run(
            session,
            "INSERT INTO t SELECT i, 'n' || i || md5(i::TEXT), i % 97 FROM range(12000) r(i)",
        )
        run(session, "UPDATE t SET qty = -1 WHERE id % 500 = 3")
        run(session, "DELETE FROM t WHERE id BETWEEN 100 AND 110")
        run(session, "UPSERT INTO t SELECT i, md5('u' || i), 0 FROM range(10500, 15000) r(i)")
        run(session, "CREATE TABLE u (k INTEGER PRIMARY KEY, v VARCHAR[])")
        run(session, "UPSERT INTO u VALUES (1, ['one', NULL]), (2, [])")
        for number in range(250):
            change = {f"w/reader-{number % 9}": b'{"version":%d}' % number}
            session.timeline.commit(
                lambda _head, _seq, change=change: Proposal("watermark", change)
            )
        session.timeline.compact()
        shutil.copytree(folder, folder.with_name("stale"))
        run(session, "UPSERT INTO u VALUES (2, ['two']), (3, NULL)")
    return folder


def answers(lake: Path) -> list[list[dict[str, object]]]:
    with closing(connect(lake, read_only=True)) as session:
        return [run(session, question) for question in QUESTIONS]


HINTS = {"tmp", "lock", "compact.lock", "usage"}


def files(lake: Path) -> list[Path]:
    root = lake / ".grizzly"
    found = sorted(p for p in root.rglob("*") if p.is_file())
    return [p for p in found if p.relative_to(root).parts[0] not in HINTS]


class Damaged:
    """Files with other contents, or none, while the context lasts; under a new inode each time."""

    def __init__(self, harm: Mapping[Path, bytes | None]) -> None:
        self._harm = harm
        self._honest = {path: path.read_bytes() for path in harm}

    @staticmethod
    def _put(path: Path, data: bytes | None) -> None:
        if data is None:
            path.unlink()
            return
        beside = path.with_name("beside")
        beside.write_bytes(data)
        beside.replace(path)

    def __enter__(self) -> None:
        for path, data in self._harm.items():
            self._put(path, data)

    def __exit__(self, *_: object) -> None:
        for path, data in self._honest.items():
            self._put(path, data)


def flipped(path: Path, at: int, mask: int) -> Damaged:
    data = bytearray(path.read_bytes())
    data[at] ^= mask
    return Damaged({path: bytes(data)})


def places(path: Path, dice: random.Random, number: int) -> Iterator[tuple[int, int]]:
    size = path.stat().st_size
    fixed = [0, size - 1, size // 2]
    for at in [*fixed, *(dice.randrange(size) for _ in range(number))][: 3 + number]:
        yield at, 1 << dice.randrange(8)


Harm = tuple[str, dict[Path, bytes | None]]


def harm(path: Path, others: list[Path], stale: Path, dice: random.Random) -> Harm:
    """Return one random harm to a file: a word for it, and what files then hold.

    ``stale`` holds the file as it was some commits before.
    """
    data = path.read_bytes()
    at = dice.randrange(len(data))
    same = [other for other in others if other != path and other.suffix == path.suffix]
    other = dice.choice(same or others)
    bit = bytes([data[at] ^ 1 << dice.randrange(8)])
    harms: dict[str, dict[Path, bytes | None]] = {
        f"flip at {at}": {path: data[:at] + bit + data[at + 1 :]},
        f"zeros at {at}": {path: data[:at] + bytes(512) + data[at + 512 :]},
        f"cut at {at}": {path: data[:at]},
        "growth": {path: data + dice.randbytes(dice.randrange(1, 5000))},
        f"swap with {other.name}": {path: other.read_bytes(), other: data},
        "loss": {path: None},
        "age": {path: stale.read_bytes() if stale.is_file() else None},
    }
    return dice.choice(list(harms.items()))


def trial(
    lake: Path,
    paths: Collection[Path],
    at: int | str,
    expected: list[list[dict[str, object]]],
) -> str | None:
    """Return what is wrong with how a damaged lakehouse behaves, or None."""
    path = next(iter(paths))
    name = path.relative_to(lake / ".grizzly").as_posix()
    try:
        found = answers(lake)
    except GrizzlyError as error:
        if exit_code(error) not in {3, 5} or not error.subject:
            return f"{name}@{at}: exit {exit_code(error)} {type(error).__name__}: {error.message}"
        blamed = any(p.name in str(error.subject) for p in paths)
        if name.startswith("objects/") and not blamed:
            return f"{name}@{at}: blames {error.subject}: {error.message}"
        return None
    except Exception as error:  # noqa: BLE001 - whatever escapes is a finding
        return f"{name}@{at}: escaped {type(error).__name__}: {error}"
    for question, right, wrong in zip(QUESTIONS, expected, found, strict=True):
        if right != wrong:
            return f"{name}@{at}: WRONG ANSWER to {question}"
    return None


def flips(lake: Path, number: int, seed: int) -> list[str]:
    dice = random.Random(seed)
    expected = answers(lake)
    assert all(expected)
    problems = []
    for path in files(lake):
        for at, mask in places(path, dice, number):
            with flipped(path, at, mask):
                problem = trial(lake, [path], at, expected)
            if problem is not None:
                problems.append(problem)
    assert answers(lake) == expected
    return problems


def test_the_lake_has_files_of_every_kind(lake: Path) -> None:
    kinds = {path.relative_to(lake / ".grizzly").parts[0] for path in files(lake)}
    assert kinds == {"FORMAT", "log", "objects"}
    assert (lake / ".grizzly" / "log" / "00000001.wal").is_file()


def test_a_flipped_byte_never_changes_an_answer(lake: Path) -> None:
    problems = flips(lake, 1, seed=1)
    assert not problems, "\n".join([f"{len(problems)} problems", *problems])


@pytest.mark.slow
def test_many_flipped_bytes_never_change_an_answer(lake: Path) -> None:
    problems = flips(lake, 150, seed=2)
    assert not problems, "\n".join([f"{len(problems)} problems", *problems])


def damages(lake: Path, number: int, seed: int) -> list[str]:
    """Harm a lakehouse ``number`` times, every file in turn; return what went wrong."""
    dice = random.Random(seed)
    expected = answers(lake)
    stale = lake.with_name("stale")
    everything = [path for path in files(lake) if path.stat().st_size]
    problems = []
    for turn in range(number):
        path = everything[turn % len(everything)]
        word, contents = harm(path, everything, stale / path.relative_to(lake), dice)
        with Damaged(contents):
            problem = trial(lake, contents, word, expected)
        if problem is not None:
            problems.append(problem)
    assert answers(lake) == expected
    return problems


def test_no_damage_changes_an_answer(lake: Path) -> None:
    problems = damages(lake, 40, seed=10)
    assert not problems, "\n".join([f"{len(problems)} problems", *problems])


@pytest.mark.slow
def test_ten_thousand_damages_change_no_answer(lake: Path) -> None:
    number = int(os.environ.get("GRIZZLY_DAMAGES", "10000"))
    problems = damages(lake, number, seed=11)
    assert not problems, "\n".join([f"{len(problems)} problems", *problems])


def test_verification_finds_a_flip_in_every_file(lake: Path) -> None:
    missed = []
    for path in files(lake):
        with flipped(path, path.stat().st_size // 3, 0x10):
            try:
                with closing(connect(lake, read_only=True)) as session:
                    found = [f.subject for f in session.verify() if not f.ok]
            except GrizzlyError as error:
                found = [str(error.subject)] if exit_code(error) in {3, 5} else []
        if not found:
            missed.append(path.name)
    assert missed == []


def test_the_program_says_which_object_and_ends_with_5(lake: Path) -> None:
    with closing(connect(lake, read_only=True, as_of="2")) as session:
        (first,) = run(session, "SELECT sha256 FROM grizzly.files WHERE \"table\" = 't'")
    data = next(p for p in files(lake) if p.name == first["sha256"])
    command = [sys.executable, "-m", "grizzly_cli", "-d", str(lake)]
    with flipped(data, data.stat().st_size // 2, 1):
        for tail in (["query", "SELECT * FROM t AS OF VERSION 2"], ["verify"]):
            done = subprocess.run([*command, *tail], capture_output=True, text=True, check=False)
            assert done.returncode == 5, (tail, done.stderr)
            assert data.name[:12] in done.stdout + done.stderr
            assert "Traceback" not in done.stderr


def test_a_flipped_byte_of_an_archive_never_changes_an_answer(lake: Path, tmp_path: Path) -> None:
    archive = tmp_path / "lake.gobi"
    pack(lake, archive)
    expected = answers(lake)
    assert answers(archive) == expected
    dice = random.Random(3)
    problems = []
    for at, mask in places(archive, dice, 17):
        with flipped(archive, at, mask):
            try:
                found = answers(archive)
            except GrizzlyError as error:
                if exit_code(error) not in {3, 5}:
                    problems.append(f"@{at}: exit {exit_code(error)}: {error.message}")
            else:
                if found != expected:
                    problems.append(f"@{at}: WRONG ANSWER")
    assert not problems, "\n".join(problems)
