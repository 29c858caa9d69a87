"""Text to statements.

Layer: ``grammar``, above tokens and desugaring. Invariant: nothing is resolved and nothing runs.
"""

from __future__ import annotations

from grammar.parser.program import parse

__all__ = ["parse"]
