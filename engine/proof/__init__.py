"""Proofs and their verification, with the standard library alone.

Layer: below ``engine.timeline``; sees nothing else of the engine, so that
``python -m engine.proof bundle.json`` suits an auditor who trusts nothing else.
Invariant: whatever is not proved raises ``ProofError``.
"""

from __future__ import annotations

from engine.proof.bundle import verify
from engine.proof.errors import ProofError
from engine.proof.report import Report

__all__ = ["ProofError", "Report", "verify"]
