"""Data files, their statistics, deletion vectors, and the scan over them."""

from __future__ import annotations

from engine.storage.addresses import Addresses
from engine.storage.changes import POST, PRE, Side, Sides, diff, log, sides
from engine.storage.compact import choose, merge
from engine.storage.datafile import DataFile, Encoded, encode_file, shard
from engine.storage.deletion import Bitmap
from engine.storage.keyhash import families, is_exact
from engine.storage.keyindex import Run, StoredKeys
from engine.storage.lookup import KeyedFile, Keys, Places, locate, repeated, run_of
from engine.storage.orc import read_orc, write_orc
from engine.storage.predicate import And, Compare, In, IsNull, Not, Or, Predicate, may_match
from engine.storage.scan import TableScan
from engine.storage.smallkeys import SmallKeys
from engine.storage.statistics import FileColumn
from engine.storage.units import RESERVED, ScanColumn, ScanFile

__all__ = [
    "POST",
    "PRE",
    "RESERVED",
    "Addresses",
    "And",
    "Bitmap",
    "Compare",
    "DataFile",
    "Encoded",
    "FileColumn",
    "In",
    "IsNull",
    "KeyedFile",
    "Keys",
    "Not",
    "Or",
    "Places",
    "Predicate",
    "Run",
    "ScanColumn",
    "ScanFile",
    "Side",
    "Sides",
    "SmallKeys",
    "StoredKeys",
    "TableScan",
    "choose",
    "diff",
    "encode_file",
    "families",
    "is_exact",
    "locate",
    "log",
    "may_match",
    "merge",
    "read_orc",
    "repeated",
    "run_of",
    "shard",
    "sides",
    "write_orc",
]
