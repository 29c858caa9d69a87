"""The Python door: opening, making and refusing lakehouses."""

from __future__ import annotations

from pathlib import Path

import pytest

import grizzly


def test_create_makes_a_lakehouse_once(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    with pytest.raises(grizzly.OperationalError, match="does not exist"):
        grizzly.connect(shop)
    with grizzly.connect(shop, create=True) as db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR)")
        db.append("t", [{"id": 1, "v": "a"}])
    with grizzly.connect(shop, create=True) as db:
        assert db.get("t", 1) == {"id": 1, "v": "a"}


def test_a_file_is_no_place_for_a_lakehouse(tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("mine")
    with pytest.raises(grizzly.Error, match="is a file"):
        grizzly.connect(note, create=True)
    assert note.read_text() == "mine"
