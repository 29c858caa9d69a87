"""Every reference in a value is found, by its shape."""

from __future__ import annotations

from engine.catalog import FileEntry, Ref, refs_of
from engine.proof.canonical import canonical

A, B, C, D = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)


def test_a_file_entry_refers_to_its_data_statistics_and_marks() -> None:
    entry = FileEntry(
        rid=1, rows=4, size=9, codec="orc", data=Ref(A), sidecar=Ref(B, 7), marks=Ref(C), dead=2
    )
    found = list(refs_of("f/1/01", entry.encode()))
    assert sorted(found, key=lambda ref: ref.digest) == [Ref(A), Ref(B, 7), Ref(C)]


def test_what_later_fields_hold_is_found_and_a_bare_hash_is_none() -> None:
    value = canonical({"data": [A], "idx": {"one": [B, 3]}, "keys": [C], "tree": D})
    for key in ("f/1/01", "x/branch/f/1/01"):
        assert sorted(refs_of(key, value), key=lambda ref: ref.digest) == [
            Ref(A),
            Ref(B, 3),
            Ref(C),
        ]


def test_other_values_refer_to_nothing() -> None:
    assert list(refs_of("t/1", canonical({"name": [A]}))) == []
    assert list(refs_of("x/branch/t/1", b"null")) == []
