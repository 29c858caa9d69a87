"""Logical types: their text, what DuckDB exchanges, and what rests in a file."""

from __future__ import annotations

from engine.datatypes.convert import conform, decode, encode
from engine.datatypes.parse import parse_type
from engine.datatypes.types import DataType

__all__ = ["DataType", "conform", "decode", "encode", "parse_type"]
