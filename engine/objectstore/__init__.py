"""Where bytes live: one small store protocol, the local folder behind it, and every path in a lake.

Layer: beside ``engine.cache``, below ``proof``. Invariant: nothing above this package spells a path.
"""

from __future__ import annotations

from engine.objectstore.lease import Held, Lease, live
from engine.objectstore.local import LocalStore
from engine.objectstore.store import ByteSource, Store

__all__ = ["ByteSource", "Held", "Lease", "LocalStore", "Store", "live"]
