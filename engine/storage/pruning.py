"""What conditions leave to be read of a table: of its files, stripes and rows.

Layer: ``engine.storage``. Invariant: nothing is read but statistics and indexes; a row that satisfies the
conditions is never among what is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.storage.predicate import may_match
from engine.storage.scanzones import zone_in
from engine.storage.units import stripes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.datatypes import DataType
    from engine.storage.deletion import Bitmap
    from engine.storage.predicate import Predicate
    from engine.storage.units import ScanFile, Unit
    from engine.storage.values import ReadColumn
    from engine.storage.zonemap import Zone


@dataclass(frozen=True, slots=True)
class Pruning:
    """How much of a table is left to be read: of its files, stripes and rows; by which indexes."""

    files: int
    files_left: int
    stripes: int
    stripes_left: int
    rows_left: int
    indexes: tuple[str, ...]


def units_left(
    files: Sequence[ScanFile], columns: Mapping[str, ReadColumn], conditions: Sequence[Predicate]
) -> Iterator[Unit]:
    """Yield the stripes in which a row may satisfy all conditions, narrowed to what indexes leave."""
    for file in files:
        for unit in stripes_of(_narrowed(file, conditions)) if file.live else ():
            if may_hold(unit, columns, conditions):
                yield unit


def may_hold(
    unit: Unit, columns: Mapping[str, ReadColumn], conditions: Sequence[Predicate]
) -> bool:
    """Tell whether the zone maps of a stripe allow a row that satisfies all conditions."""

    def zones(name: str) -> tuple[Zone, DataType] | None:
        return zone_in(unit, name, columns.get(name))

    return all(may_match(condition, zones) for condition in conditions)


def left_by_indexes(file: ScanFile, conditions: Sequence[Predicate]) -> Bitmap | None:
    """Return the rows of a file that its indexes leave, or None when they leave all."""
    if file.indexes is None or not conditions:
        return None
    found = file.indexes().where(*conditions)
    return None if found is None or len(found) >= file.rows else found


def _narrowed(file: ScanFile, conditions: Sequence[Predicate]) -> ScanFile:
    found = left_by_indexes(file, conditions)
    if found is None:
        return file
    return replace(file, keep=found if file.keep is None else found & file.keep)
