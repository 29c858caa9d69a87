"""PROVE as a statement: one row, which holds the proof.

Layer: ``session``. Invariant: what is proved is committed; a transaction's own changes are not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from engine.session.result import Result, rows

if TYPE_CHECKING:
    from engine.session.frame import Call, Frame
    from engine.session.proving.proofs import Proofs
    from grammar import nodes


def prove_commit(call: Call[nodes.ProveCommit]) -> Result:
    """Answer the proof of a commit."""
    return _answer(_proofs(call.frame).commit(call.node.version))


def prove_table(call: Call[nodes.ProveTable]) -> Result:
    """Answer the proof of a table, of a row, or that there is none."""
    frame, node = call.frame, call.node
    name = f"{node.table.db}.{node.table.name}" if node.table.db else node.table.name
    version = frame.version
    if node.point is not None:
        around = frame.executor.around(frame.workspace(), frame.schema, call.params)
        version = around.version_of(node.point)
    proofs, at = _proofs(frame), str(version)
    if node.kind == "table":
        return _answer(proofs.table(name, at))
    make = proofs.row if node.kind == "row" else proofs.absent
    return _answer(make(name, node.key, at))


def _proofs(frame: Frame) -> Proofs:
    from engine.session.proving.proofs import Proofs  # noqa: PLC0415 - few sessions prove anything

    return Proofs(frame.timeline, frame.clock, lambda: frame.schema)


def _answer(proof: bytes) -> Result:
    return rows(pa.table({"proof": [proof.decode("utf-8")]}), "PROVE", ["VARCHAR"])
