"""The only caches there are: losing one changes speed, never an answer."""

from __future__ import annotations

from engine.cache.lru import Cache

__all__ = ["Cache"]
