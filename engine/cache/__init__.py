"""The only caches there are: losing one changes speed, never an answer."""

from __future__ import annotations

from engine.cache.lru import Cache
from engine.cache.remembered import remembered
from engine.cache.weighted import shared

__all__ = ["Cache", "remembered", "shared"]
