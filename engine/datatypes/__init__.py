"""Logical types: their text, what DuckDB exchanges, and what rests in a file."""

from __future__ import annotations

from engine.datatypes.convert import conform, decode, encode
from engine.datatypes.parse import parse_type
from engine.datatypes.shape import Shape, shape_of, struct_shape
from engine.datatypes.types import DataType
from engine.datatypes.widen import adapt, unified, widened

__all__ = [
    "DataType",
    "Shape",
    "adapt",
    "conform",
    "decode",
    "encode",
    "parse_type",
    "shape_of",
    "struct_shape",
    "unified",
    "widened",
]
