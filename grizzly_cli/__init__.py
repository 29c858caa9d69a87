"""The terminal door: everything a person or a script says to PL-GRIZZLY on a command line.

Layer: top; sees ``engine``'s public doors and ``grammar``. Invariant: importing it loads nothing.
"""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = ["__version__"]
