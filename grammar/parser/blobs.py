"""Statements about blobs: files kept under names.

Layer: ``grammar.parser``. Invariant: a blob's name is text, and no part of it means anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grammar.nodes import DropBlob, PutBlob

if TYPE_CHECKING:
    from grammar.nodes import Statement
    from grammar.parser.cursor import Cursor


def put_blob(cursor: Cursor) -> Statement:
    """Read PUT BLOB name FROM 'file'."""
    span = cursor.span
    cursor.need("PUT", "BLOB")
    name = cursor.name_or_string("a blob's name")
    cursor.need("FROM")
    return PutBlob(span, name, cursor.name_or_string("a file's path in quotes"))


def drop_blob(cursor: Cursor) -> Statement:
    """Read DROP BLOB [IF EXISTS] name."""
    span = cursor.span
    cursor.need("DROP", "BLOB")
    if_exists = cursor.take("IF", "EXISTS")
    return DropBlob(span, cursor.name_or_string("a blob's name"), if_exists)
