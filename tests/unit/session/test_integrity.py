"""Verification finds what is wrong, says what it looked at, and calls nothing wrong that is not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.catalog import Catalog
from engine.errors import BindError, CorruptError, UsageError
from engine.session import connect, create_lake
from engine.session.proving import deep, partly
from engine.storage import deletion

if TYPE_CHECKING:
    from pathlib import Path

    from engine.catalog import FileEntry
    from engine.session import Session

SCRIPT = """
CREATE TABLE t (id BIGINT PRIMARY KEY, name STRING, l INTEGER[]);
INSERT INTO t SELECT i, 'n' || i, [i::INT] FROM range(0, 40000) r(i);
INSERT INTO t VALUES (-1, 'few', NULL);
DELETE FROM t WHERE id < 5;
UPDATE t SET name = 'x' WHERE id = 7;
CREATE TABLE big AS SELECT i, random() AS x FROM range(0, 200000) r(i);
"""


@pytest.fixture
def session(tmp_path: Path) -> Session:
    create_lake(tmp_path / "lake")
    found = connect(tmp_path / "lake")
    list(found.run(SCRIPT))
    return found


def entries(session: Session) -> list[FileEntry]:
    catalog = Catalog(session.timeline.head.state)
    return [entry for table in catalog.tables() for entry in catalog.files(table)]


def test_every_way_of_looking_finds_nothing_wrong(session: Session) -> None:
    told: list[tuple[int, int]] = []
    for found in (
        list(session.verify(deep=True, progress=lambda done, total: told.append((done, total)))),
        list(session.verify("t", deep=True)),
        list(session.verify(since=3, deep=True)),
        list(session.verify(since=session.timeline.head.seq)),
        list(session.verify(sample="100%", deep=True)),
        list(session.verify(sample="1")),
    ):
        assert [f for f in found if not f.ok] == []
        assert found
    assert told[-1][0] == told[-1][1] > 0


def test_a_deep_look_decodes(session: Session) -> None:
    found = [f.detail for f in session.verify("t", deep=True) if f.subject.startswith("file")]
    assert "40000 rows, as all that is said of them" in found


def test_damage_is_found_by_each(session: Session) -> None:
    store = session.timeline.store
    path = max(store.list("objects"), key=lambda p: store.size(p) or 0)
    file = session.path / ".grizzly" / path
    file.chmod(0o644)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    for ways in ({}, {"since": 2}, {"sample": "100%"}, {"deep": True}):
        assert [f.subject for f in session.verify(**ways) if not f.ok]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"tree": "00" * 32}, "row tree"),
        ({"rows": 39999}, "rows and bytes"),
        ({"size": 1}, "rows and bytes"),
        ({"dead": 9}, "dead rows"),
    ],
)
def test_what_the_state_says_is_held_against_the_file(
    session: Session, change: dict[str, object], what: str
) -> None:
    entry = next(e for e in entries(session) if e.rows == 40000)
    assert deep.check(session.timeline, entry).startswith("40000 rows")
    with pytest.raises(CorruptError, match=what):
        deep.check(session.timeline, replace(entry, **change))  # type: ignore[arg-type]


def test_an_index_and_marks_of_another_file_are_found(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = next(e for e in entries(session) if e.rows == 40000)
    assert entry.keys is not None
    assert entry.marks is not None
    timeline = session.timeline
    good = timeline.object

    def other(digest: str, at: int | None) -> bytes:
        if entry.keys is not None and digest == entry.keys[0].digest:
            return good(digest, at).replace(b'"last":"8', b'"last":"9')
        return good(digest, at)

    monkeypatch.setattr(timeline, "object", other)
    with pytest.raises(CorruptError, match="key index"):
        deep.check(timeline, entry)

    def marked(digest: str, at: int | None) -> bytes:
        if entry.marks is not None and digest == entry.marks.digest:
            return deletion.serialize(deletion.bitmap([entry.rows + n for n in range(entry.dead)]))
        return good(digest, at)

    monkeypatch.setattr(timeline, "object", marked)
    with pytest.raises(CorruptError, match="dead rows"):
        deep.check(timeline, entry)


def test_samples(session: Session) -> None:
    assert [partly.size_of(w, 200) for w in ("1", "500", "1%", "0.1%", "100%")] == [
        1,
        200,
        2,
        1,
        200,
    ]
    for wanted in ("0", "x", "-1", "101%", "0%", "nan%", "inf%", "1.5"):
        with pytest.raises(UsageError, match="a sample is"):
            partly.size_of(wanted, 5)
    last = list(session.verify(sample="1"))[-1]
    assert last.subject == "sample"
    assert "chance of 1%" in last.detail


def test_what_does_not_go_together(session: Session) -> None:
    with pytest.raises(UsageError, match="choose one"):
        list(session.verify("t", since=1))
    with pytest.raises(UsageError, match="there is no version"):
        list(session.verify(since=999))
    with pytest.raises(BindError):
        list(session.verify("nope"))
