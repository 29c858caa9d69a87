"""Data files, their statistics, deletion vectors, and the scan over them."""

from __future__ import annotations

from engine.storage.changes import diff
from engine.storage.compact import choose, merge
from engine.storage.datafile import DataFile, Encoded, encode_file, shard
from engine.storage.deletion import Bitmap
from engine.storage.orc import read_orc, write_orc
from engine.storage.predicate import And, Compare, In, IsNull, Not, Or, Predicate, may_match
from engine.storage.scan import RESERVED, ScanColumn, ScanFile, TableScan
from engine.storage.statistics import FileColumn

__all__ = [
    "RESERVED",
    "And",
    "Bitmap",
    "Compare",
    "DataFile",
    "Encoded",
    "FileColumn",
    "In",
    "IsNull",
    "Not",
    "Or",
    "Predicate",
    "ScanColumn",
    "ScanFile",
    "TableScan",
    "choose",
    "diff",
    "encode_file",
    "may_match",
    "merge",
    "read_orc",
    "shard",
    "write_orc",
]
