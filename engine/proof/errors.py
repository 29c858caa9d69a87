"""What the verifier raises.

Layer: bottom of ``engine.proof``. Invariant: raising is the only way a check fails.
"""

from __future__ import annotations


class ProofError(ValueError):
    """The evidence is malformed, or it does not prove what it claims."""
